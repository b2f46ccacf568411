// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"refdesk/bridge/mail"
	"refdesk/bridge/mailtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keys are those of the tests' desk.
func keys(t testing.TB) mail.Keyring {
	t.Helper()
	k, err := mail.NewKeyring(mail.Key{ID: 'a', Secret: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// rig is a door on a desk in memory.
type rig struct {
	t     *testing.T
	desk  *mailtest.Desk
	blobs *mailtest.Blobs
	door  *Door
	keys  mail.Keyring
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, desk: mailtest.NewDesk(t), blobs: &mailtest.Blobs{}, keys: keys(t)}
	r.door = New(Config{Node: "n0", Domain: "desk.test", Keys: r.keys, Instance: "us", Dir: t.TempDir(), Now: r.desk.Now}, r.desk, r.blobs)
	return r
}

// letter is a mail from alice, with further lines of its header.
func letter(id, text string, more ...string) string {
	head := []string{
		"From: Alice Moor <alice@patron.test>", "Date: " + time.Now().Format(time.RFC1123Z), fmt.Sprintf("Message-ID: <%s@patron.test>", id),
		"To: help@desk.test", "Subject: Renewals",
	}
	for _, m := range more { // one that is there already is replaced
		name, _, _ := strings.Cut(m, ":")
		for i, h := range head {
			if strings.HasPrefix(strings.ToLower(h), strings.ToLower(name)+":") {
				head = append(head[:i], head[i+1:]...)
				break
			}
		}
		head = append(head, m)
	}
	return strings.Join(head, "\r\n") + "\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
}
