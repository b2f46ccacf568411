// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// volume is a file system of its own in a sparse file, which can be filled, frozen and cut off from power.
type volume struct {
	t       testing.TB
	img, at string
	mounted bool
}

// volumeSize is more than a node's reserve of free space; the file takes what is used of it.
const volumeSize = 3 << 30

// newVolume makes a file system and puts it in the place of the directory at, with what that holds.
func newVolume(t testing.TB, at string) *volume {
	t.Helper()
	v := &volume{t: t, img: filepath.Join(t.TempDir(), "img"), at: at}
	f, err := os.Create(v.img)
	if err == nil {
		err = f.Truncate(volumeSize)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = sh("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", v.img)
	}
	held := at + ".held"
	if err == nil {
		err = os.Rename(at, held)
	}
	if err == nil {
		err = os.Mkdir(at, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		v.thaw()
		if v.mounted {
			if err := sh("umount", v.at); err != nil {
				t.Error(err)
				_ = sh("umount", "-l", v.at)
			}
		}
	})
	v.mount()
	if err := errors.Join(sh("cp", "-a", held+"/.", at), sh("sync", "-f", at)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(held); err != nil {
		t.Fatal(err)
	}
	return v
}

// mount mounts it so that nothing reaches the disk by itself for minutes: what isn't synced is lost when power is.
func (v *volume) mount() {
	v.t.Helper()
	if err := sh("mount", "-o", "loop,commit=300,noauto_da_alloc", v.img, v.at); err != nil {
		v.t.Fatal(err)
	}
	v.mounted = true
}

// again mounts it anew, as a machine does that starts after a power cut. No process may use it.
func (v *volume) again() {
	v.t.Helper()
	if err := sh("umount", v.at); err != nil {
		v.t.Fatal(err)
	}
	v.mounted = false
	v.mount()
}

// fill takes all space there is; the function returned gives it back.
func (v *volume) fill() (free func()) {
	v.t.Helper()
	name := filepath.Join(v.at, "ballast")
	f, err := os.Create(name)
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	size := int64(0)
	for step := int64(1 << 30); step >= 4096; {
		if err := unix.Fallocate(int(f.Fd()), 0, size, step); err == nil {
			size += step
		} else {
			step /= 2
		}
	}
	return func() {
		if err := os.Remove(name); err != nil {
			v.t.Error(err)
		}
	}
}

// Requests of linux/fs.h and of ext4.
const (
	fiFreeze      = 0xc0045877
	fiThaw        = 0xc0045878
	ext4Shutdown  = 0x8004587d
	withoutTheLog = 2 // EXT4_GOING_FLAGS_NOLOGFLUSH: not even the journal in memory is written
)

func (v *volume) ioctl(request uint, value uint32) error {
	fd, err := unix.Open(v.at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(unsafe.Pointer(&value))); e != 0 {
		return fmt.Errorf("ioctl %#x on %s: %w", request, v.at, e)
	}
	return nil
}

// freeze makes every write and sync wait, thaw lets them go on.
func (v *volume) freeze() {
	v.t.Helper()
	if err := v.ioctl(fiFreeze, 0); err != nil {
		v.t.Fatal(err)
	}
}

func (v *volume) thaw() { _ = v.ioctl(fiThaw, 0) }

// cut is the moment of a power cut: from here on nothing reaches the disk. Whoever uses it should be stopped.
func (v *volume) cut() {
	v.t.Helper()
	if err := v.ioctl(ext4Shutdown, withoutTheLog); err != nil {
		v.t.Fatal(err)
	}
}

// slow makes every sync take about as long as a pause, until the function returned is called.
func (v *volume) slow(pause time.Duration) (end func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if err := v.ioctl(fiFreeze, 0); err != nil {
				v.t.Error(err)
				return
			}
			time.Sleep(pause) // this is what the disk does
			v.thaw()
			select {
			case <-stop:
				return
			case <-time.After(pause / 8):
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}

// What was synced is there after a power cut, what was not is lost.
func TestFaultyDisk(t *testing.T) {
	capable(t, "loop")
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	v := newVolume(t, dir)
	write := func(name string, sync bool) {
		t.Helper()
		f, err := os.Create(filepath.Join(dir, name))
		if err == nil {
			_, err = f.WriteString(name)
		}
		if err == nil && sync {
			err = f.Sync()
		}
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	write("synced", true)
	write("not", false)
	v.cut()
	v.again()
	if got, err := os.ReadFile(filepath.Join(dir, "synced")); err != nil || string(got) != "synced" {
		t.Errorf("the synced file reads %q, %v", got, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "not")); err == nil && string(got) == "not" {
		t.Error("what was not synced survived the power cut: the cut is none")
	}
	free := v.fill()
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, 8<<20), 0o600); err == nil {
		t.Error("8 MB fit into nothing")
	}
	free()
	v.freeze()
	done := make(chan struct{})
	go func() {
		write("late", true)
		close(done)
	}()
	select {
	case <-done:
		t.Error("a write went through while the disk hung")
	case <-time.After(300 * time.Millisecond):
	}
	v.thaw()
	<-done
}
