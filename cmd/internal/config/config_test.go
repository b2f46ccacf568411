// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSampleEqualsDefaults(t *testing.T) {
	c, err := Parse("sample.toml", []byte(Sample()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Default(), c); d != "" {
		t.Errorf("the sample differs from the defaults (-default +sample):\n%s", d)
	}
}

func TestSampleExplainsEveryKey(t *testing.T) {
	at := lines([]byte(Sample()))
	all := strings.Split(Sample(), "\n")
	for _, key := range Keys() {
		if strings.HasPrefix(key, "cluster.peers.") {
			word := key[strings.LastIndexByte(key, '.')+1:]
			if !strings.Contains(Sample(), "\n# "+word+" = ") {
				t.Errorf("%s is not in the sample", key)
			}
			continue
		}
		line, ok := at[key]
		if !ok {
			t.Errorf("%s is not in the sample", key)
			continue
		}
		if text := all[line-1]; !strings.Contains(text, "#") && !strings.Contains(key, "tls.") {
			t.Errorf("%s has no comment in the sample: %s", key, text)
		}
	}
}

func TestEncodeReadsBack(t *testing.T) {
	c := Default()
	c.Cluster.Peers["n0"] = Peer{Address: "127.0.0.1:7400", URL: "http://localhost:8080"}
	c.Cluster.Peers["n1"] = Peer{Address: "127.0.0.1:7401"}
	c.Cluster.Listen, c.Cluster.CA, c.Cluster.Cert, c.Cluster.Key = "127.0.0.1:7400", "ca.pem", "n0.pem", "n0.key"
	c.Clocks["transfer"] = Duration{1500 * time.Millisecond}
	c.HTTP.Sites = []string{"https://www.library.example"}
	c.Desk.Name = `The "Big" Library \ Ω`
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("x", b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if d := cmp.Diff(c, got); d != "" {
		t.Errorf("(-written +read):\n%s", d)
	}
}

func TestMistakesAreToldAtOnceWithTheirLines(t *testing.T) {
	const file = `[desk]
domain = "Desk Example"
nmae = "X"

[http]
listen = "0.0.0.0:8080"
sites = "https://www.library.example"
trusted_proxies = ["192.0.2.0/99"]

[clocks]
transfer = "soon"
ring_repeat = 20
claim_deadlin = "60s"
held = "-1s"

[limits]
lines_burst = "many"

[log]
level = "loud"
`
	_, err := Parse("refdesk.toml", []byte(file))
	var ps Problems
	if !errors.As(err, &ps) {
		t.Fatalf("got %v, want Problems", err)
	}
	got := map[string]int{}
	for _, p := range ps {
		got[p.Key] = p.Line
	}
	want := map[string]int{
		"desk.domain": 2, "desk.nmae": 3, "http.listen": 6, "http.sites": 7, "http.trusted_proxies": 8, "clocks.transfer": 11,
		"clocks.ring_repeat": 12, "clocks.claim_deadlin": 13, "clocks.held": 14, "limits.lines_burst": 17, "log.level": 20,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("problems (-want +got):\n%s\n%v", d, err)
	}
	for _, part := range []string{
		"refdesk.toml:3: desk.nmae: there is no such key; did you mean desk.name?",
		"refdesk.toml:13: clocks.claim_deadlin: there is no such key; did you mean clocks.claim_deadline?",
		`refdesk.toml:11: clocks.transfer: write a duration such as "20s"`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in:\n%v", part, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct{ file, key string }{
		"no TOML at all":                       {"[desk\n", ""},
		"a key twice":                          {"[desk]\nname = \"a\"\nname = \"b\"\n", ""},
		"plain HTTP off loopback":              {"[http]\nlisten = \":8080\"\n", "http.listen"},
		"HTTPS without certificate":            {"[http]\ntls_listen = \"127.0.0.1:8443\"\n", "http.tls_listen"},
		"XMPP off loopback without TLS":        {"[xmpp]\nlisten = \"192.0.2.1:5222\"\n", "xmpp.listen"},
		"certificate without key":              {"[tls]\ncert = \"a.pem\"\n", "tls.key"},
		"one host name for patrons and staff":  {"[http]\nstaff_host = \"localhost\"\n", "http.staff_host"},
		"a public URL with a path":             {"[http]\npublic_url = \"http://localhost/desk\"\n", "http.public_url"},
		"a site with a path":                   {"[http]\nsites = [\"https://a.example/b\"]\n", "http.sites"},
		"no address":                           {"[http]\nlisten = \"8080\"\n", "http.listen"},
		"a port too large":                     {"[http]\nlisten = \"127.0.0.1:80800\"\n", "http.listen"},
		"an unknown profile":                   {"[cluster]\nprofile = \"warp\"\n", "cluster.profile"},
		"peers without this node":              {"[cluster]\nlisten=\"127.0.0.1:1\"\nca=\"a\"\ncert=\"b\"\nkey=\"c\"\n[cluster.peers.n9]\naddress=\"127.0.0.1:2\"\n", "cluster.peers"},
		"a peer without address":               {"[cluster]\nlisten=\"127.0.0.1:1\"\nca=\"a\"\ncert=\"b\"\nkey=\"c\"\n[cluster.peers.n0]\nurl=\"http://a\"\n", "cluster.peers.n0.address"},
		"two peers with one address":           {"[cluster]\nlisten=\"127.0.0.1:1\"\nca=\"a\"\ncert=\"b\"\nkey=\"c\"\n[cluster.peers.n0]\naddress=\"127.0.0.1:2\"\n[cluster.peers.n1]\naddress=\"127.0.0.1:2\"\n", "cluster.peers.n1.address"},
		"a body limit that cuts lines":         {"[limits]\nbody_bytes = 100\n", "limits.body_bytes"},
		"no lines at all":                      {"[limits]\nlines_burst = 0\n", "limits.lines_burst"},
		"a clock of a year and more":           {"[clocks]\ninvite = \"9000h\"\n", "clocks.invite"},
		"a level with an offset":               {"[log]\nlevel = \"info+2\"\n", "log.level"},
		"a table that isn't there":             {"[post]\nhost = \"a\"\n", "post.host"},
		"an empty table that isn't there":      {"[post]\n", "post"},
		"a list of peers":                      {"[[cluster.peers]]\naddress = \"127.0.0.1:2\"\n", "cluster.peers"},
		"a value in place of a table":          {"desk = 3\n", "desk"},
		"a wrong value in an inline table":     {"log = { level = 3 }\n", "log.level"},
		"an empty data directory":              {"[desk]\ndir = \"\"\n", "desk.dir"},
		"a library without a name":             {"[desk]\nname = \" \"\n", "desk.name"},
		"a node id with a blank":               {"[cluster]\nid = \"n 0\"\n", "cluster.id"},
		"neither plain HTTP nor HTTPS":         {"[http]\nlisten = \"\"\n", "http.listen"},
		"a network with bits behind the slash": {"[http]\ncampus_networks = [\"10.0.0.0/8/1\"]\n", "http.campus_networks"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(tc.file))
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatalf("got %v, want Problems", err)
			}
			for _, p := range ps {
				if p.Key == tc.key && p.Text != "" && (p.Line > 0 || !strings.Contains(tc.file, tc.key)) {
					return
				}
			}
			t.Errorf("no problem with %q in:\n%v", tc.key, err)
		})
	}
}

func TestInsecurePassesOnlyInWords(t *testing.T) {
	const file = "[http]\nlisten = \":8080\"\nallow_plain_text_off_loopback = true\n[xmpp]\nlisten = \":5222\"\nallow_login_without_tls = true\n"
	if _, err := Parse("f", []byte(file)); err != nil {
		t.Error(err)
	}
}

func TestSet(t *testing.T) {
	c := Default()
	for _, o := range []string{
		"clocks.transfer=90s", `clocks.held="3m"`, "limits.lines_burst=5", "limits.lines_per_second=3", "desk.name=St. John's",
		"http.sites=https://a.example, https://b.example", `http.campus_networks=["192.0.2.0/24"]`, "cluster.peers.n1.address=127.0.0.1:9",
		"http.allow_plain_text_off_loopback=true",
	} {
		if err := Set(&c, o); err != nil {
			t.Errorf("%s: %v", o, err)
		}
	}
	want := Default()
	want.Clocks["transfer"], want.Clocks["held"] = Duration{90 * time.Second}, Duration{3 * time.Minute}
	want.Limits.LinesBurst, want.Limits.LinesPerSecond, want.Desk.Name = 5, 3, "St. John's"
	want.HTTP.Sites, want.HTTP.CampusNetworks = []string{"https://a.example", "https://b.example"}, []string{"192.0.2.0/24"}
	want.HTTP.PlainOK = true
	want.Cluster.Peers["n1"] = Peer{Address: "127.0.0.1:9"}
	if d := cmp.Diff(want, c); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, o := range []string{"", "x", "=1", "clocks=1s", "clocks.nope=1s", "clocks.transfer=soon", "limits.sockets=two", "a.b.c=1", "desk.name.x=1", "limits.sockets=1\nlog.level=1"} {
		before := c.Clone()
		if err := Set(&c, o); err == nil {
			t.Errorf("%q: no error", o)
		}
		if d := cmp.Diff(before, c); d != "" {
			t.Errorf("%q is wrong and changed the configuration:\n%s", o, d)
		}
	}
}

func TestOverrideIsValidated(t *testing.T) {
	if _, err := Parse("f", nil, "clocks.transfer=-1s"); err == nil || !strings.Contains(err.Error(), "clocks.transfer") {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("f", nil, "clocks.transfre=1s"); err == nil || !strings.Contains(err.Error(), "did you mean clocks.transfer?") {
		t.Errorf("got %v", err)
	}
}

func TestLoadTakesPathsFromTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "refdesk.toml")
	if err := os.WriteFile(file, []byte("[desk]\ndir = \"state\"\n[tls]\ncert = \"c.pem\"\nkey = \"/k.pem\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if c.Desk.Dir != filepath.Join(dir, "state") || c.TLS.Cert != filepath.Join(dir, "c.pem") || c.TLS.Key != "/k.pem" {
		t.Errorf("got %q %q %q", c.Desk.Dir, c.TLS.Cert, c.TLS.Key)
	}
	if _, err := Load(filepath.Join(dir, "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a folder was read as a file")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Sample())
	f.Add("[clocks]\ntransfer = [1,\n2]\nheld = \"x\"\n")
	f.Add("a.b = { c = 1 }\n[[cluster.peers]]\nid = 1\n")
	f.Add("[cluster.peers.n0]\naddress = 1\n[cluster.peers.\"\"]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f", []byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a word")
			}
			return
		}
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f", b)
		if err != nil {
			t.Fatalf("what was accepted is refused after writing it: %v\n%s", err, b)
		}
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("(-first +again):\n%s", d)
		}
	})
}
