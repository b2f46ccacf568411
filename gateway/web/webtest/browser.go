// SPDX-License-Identifier: Apache-2.0

// Package webtest holds what tests of pages share: a headless Chromium, what its reader's system prefers, and axe-core. A
// program that isn't there skips the test by name, or fails it where CI=true.
package webtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// limit bounds one step of a browser.
const limit = time.Minute

// Browser is one headless Chromium with one tab of 1280 × 800 points. It ends with the test.
type Browser struct {
	Ctx context.Context // of the tab
	t   testing.TB
}

// Start starts one.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		missing(t, "chromium is not installed")
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-pings", true),
		chromedp.WSURLReadTimeout(limit))...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		shut, late := context.WithTimeout(ctx, 10*time.Second)
		_ = chromedp.Cancel(shut) // in order, or else:
		late()
		cancel()
		end()
	})
	b := &Browser{ctx, t}
	b.Do(chromedp.EmulateViewport(1280, 800))
	return b
}

// missing skips a test for want of a program; where everything has to run it fails.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Do drives the browser, for a minute at most. The context of the first call is that of the browser, so the limit is none
// of it.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	done := make(chan error, 1)
	go func() { done <- chromedp.Do(b.Ctx, steps...) }()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-done:
		if err != nil {
			b.t.Fatalf("browser: %v", err)
		}
	case <-late.C:
		b.t.Fatalf("browser: not done in %s", limit)
	}
}

// Prefers sets what the reader's system asks for, such as prefers-color-scheme: dark.
func (b *Browser) Prefers(feature, value string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
		})
		return err
	}))
}

// Inject runs a script in every document from now on, frames included, before the document's own.
func (b *Browser) Inject(script string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdpage.AddScriptToEvaluateOnNewDocument, cdpage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// Axe is the script of axe-core, which npm ci installs beside the pages.
func Axe(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	axe, err := os.ReadFile(filepath.Join(filepath.Dir(here), "../ui/node_modules/axe-core/axe.min.js"))
	if err != nil {
		missing(t, "axe-core is not installed: npm ci in gateway/web/ui")
	}
	return string(axe)
}
