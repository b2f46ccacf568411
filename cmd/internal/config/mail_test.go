// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestMailRefused(t *testing.T) {
	for name, tc := range map[string]struct{ file, key string }{
		"LMTP without an address":              {"lmtp = true", "mail.lmtp"},
		"no address to listen on":              {`listen = "2525"`, "mail.listen"},
		"an unknown kind of TLS":               {`tls = "ssl"`, "mail.tls"},
		"a server without a port":              {`server = "mail.example"`, "mail.server"},
		"a user without a password":            {"server = \"mail.example:587\"\nuser = \"desk\"", "mail.password_file"},
		"a password without a user":            {"server = \"mail.example:587\"\npassword_file = \"p\"", "mail.password_file"},
		"a user without a server":              {"user = \"desk\"\npassword_file = \"p\"", "mail.user"},
		"a password in the clear":              {"server = \"mail.example:587\"\nuser = \"desk\"\npassword_file = \"p\"\ntls = \"none\"", "mail.tls"},
		"a mailbox's password in the clear":    {"imap = \"mail.example:143\"\nimap_user = \"desk\"\nimap_password_file = \"p\"\ntls = \"none\"", "mail.tls"},
		"a mailbox without sign-in":            {`imap = "mail.example:993"`, "mail.imap_user"},
		"a mailbox without a folder":           {"imap = \"mail.example:993\"\nimap_user = \"desk\"\nimap_password_file = \"p\"\nimap_folder = \"\"", "mail.imap_folder"},
		"a name that looks like an address":    {`from_name = "help@bank.example"`, "mail.from_name"},
		"a domain with a line break":           {`domain = "a.example\nb"`, "mail.domain"},
		"a folder that would end the command":  {"imap = \"mail.example:993\"\nimap_user = \"d\"\nimap_password_file = \"p\"\nimap_folder = \"a\\r\\nb\"", "mail.imap_folder"},
		"a name that would end the From field": {`from_name = "a\r\nBcc: b"`, "mail.from_name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte("[mail]\n"+tc.file+"\n"))
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got %v, want Problems", err)
			}
			for _, p := range ps {
				if p.Key == tc.key && p.Text != "" {
					return
				}
			}
			t.Errorf("no problem about %s in:\n%v", tc.key, err)
		})
	}
}

func TestMailTaken(t *testing.T) {
	c, err := Parse("f", []byte("[desk]\ndomain = \"library.example\"\n[mail]\nserver = \"mail.example:587\"\nuser = \"desk\"\npassword_file = \"p\"\n"+
		"imap = \"mail.example:993\"\nimap_user = \"desk\"\nimap_password_file = \"q\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.MailDomain() != "library.example" || c.Mail.TLS != MailStartTLS {
		t.Errorf("got domain %s, tls %s", c.MailDomain(), c.Mail.TLS)
	}
	base := t.TempDir()
	c.resolve(base)
	if c.Mail.PasswordFile != filepath.Join(base, "p") || c.Mail.IMAPPasswordFile != filepath.Join(base, "q") {
		t.Errorf("the passwords' files are %s and %s; they lie beside the configuration", c.Mail.PasswordFile, c.Mail.IMAPPasswordFile)
	}
}
