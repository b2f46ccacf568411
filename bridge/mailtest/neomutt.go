// SPDX-License-Identifier: Apache-2.0

package mailtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Neomutt opens somebody's mailbox at Dovecot with the mail program of that name, answers the newest mail with a line above
// what it quotes, and sends the answer by Postfix. It ends with the test.
func Neomutt(t testing.TB, box *Dovecot, post *Postfix, name, line string) {
	t.Helper()
	Need(t, "neomutt", "script")
	dir := t.TempDir()
	answer, editor, rc := filepath.Join(dir, "answer"), filepath.Join(dir, "editor"), filepath.Join(dir, "rc")
	write(t, answer, line+"\n\n")
	write(t, editor, "#!/bin/sh\ncat \""+answer+"\" \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n")
	if err := os.Chmod(editor, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, rc, fmt.Sprintf(`set folder="imap://%[1]s@127.0.0.1:%[2]d/"
set imap_pass="%[1]spw"
set from="%[1]s@patron.test"
set realname="%[1]s"
set editor=%[3]s
set smtp_url="smtp://127.0.0.1:%[4]d/"
set ssl_starttls=no
set ssl_force_tls=no
set sort=date-received
set record=""
set copy=no
set reply_to=yes
set fast_reply=yes
set include=yes
set abort_unmodified=no
set abort_nosubject=no
set header_cache=""
set mail_check_stats=no
push "<last-entry><reply><send-message><quit>y"
`, name, box.IMAP, editor, post.MX))
	screen, err := os.Create(filepath.Join(dir, "screen.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("script", "-qec", fmt.Sprintf("neomutt -n -F %s -f imap://%s@127.0.0.1:%d/INBOX", rc, name, box.IMAP), "/dev/null")
	cmd.Env = append(os.Environ(), "TERM=xterm", "HOME="+dir)
	cmd.Stdout, cmd.Stderr = screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // it was killed
		_ = screen.Close()
		if t.Failed() {
			logs(t, dir)
		}
	})
}
