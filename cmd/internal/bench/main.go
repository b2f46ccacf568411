// SPDX-License-Identifier: Apache-2.0

// Command bench measures a refdesk of three nodes beside the XMPP servers that a library could run instead, on this
// machine, and prints one table. `make bench` installs those servers and runs it.
//
// Every server is visited in turn, several times, alone on the machine, from the same data each time; the table has the
// median of the visits. The clients run in this process, whose processor time is not counted.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	short := flag.Bool("quick", false, "one short round, to see that it works")
	only := flag.String("only", "", "servers to measure, as `NAMES` with commas; all by default")
	parts := flag.String("parts", "messages,logins,kill,crowd", "what to measure")
	bin := flag.String("refdesk", "", "the `PROGRAM` to measure; built by default")
	sync := flag.Bool("syncs", false, "only count with strace what refdesk syncs to disk")
	flag.Parse()
	sc := full()
	if *short {
		sc = quick()
	}
	dir, err := os.MkdirTemp("", "refdesk-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if *bin == "" {
		*bin = filepath.Join(dir, "refdesk")
		build := exec.Command("go", "build", "-trimpath", "-o", *bin, "refdesk/cmd/refdesk")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build refdesk: %w\n%s", err, out)
		}
	}
	subjects, err := everybody(dir, *bin, *only)
	if err != nil {
		return err
	}
	if d, ok := subjects[0].(*desk); ok && *sync {
		if err := d.prepare(); err != nil {
			return err
		}
		return syncs(d, sc, os.Stdout)
	}
	t := newTable(sc)
	for _, s := range subjects {
		if err := s.prepare(); err != nil {
			return fmt.Errorf("prepare %s: %w", s.name(), err)
		}
	}
	for round := range max(sc.rounds, sc.wide) {
		for _, s := range subjects {
			if time.Since(t.began) > sc.budget {
				break // the rounds before have the servers all alike
			}
			if round < sc.rounds && *parts != "crowd" {
				t.take(s.name(), "speed", func() (figures, error) { return speed(s, sc, *parts) })
			}
			if round < sc.wide && strings.Contains(*parts, "crowd") {
				t.take(s.name(), "crowd", func() (figures, error) { return crowd(s, sc) })
			}
		}
	}
	t.print(os.Stdout)
	return nil
}

// everybody is what is measured: refdesk first.
func everybody(dir, bin, only string) ([]subject, error) {
	cert, key, both, err := certificate(dir)
	if err != nil {
		return nil, err
	}
	list, missing := peers(dir, cert, key, both)
	for _, m := range missing {
		fmt.Fprintln(os.Stderr, "left out:", m)
	}
	list = append([]subject{&desk{bin: bin, dir: filepath.Join(dir, "desk")}}, list...)
	if only == "" {
		return list, nil
	}
	var out []subject
	for _, s := range list {
		for _, name := range strings.Split(only, ",") {
			if strings.EqualFold(s.name(), strings.TrimSpace(name)) {
				out = append(out, s)
			}
		}
	}
	if out == nil {
		return nil, fmt.Errorf("nothing is called %q here", only)
	}
	return out, nil
}

// certificate makes one for the peers, of the kind that the demo makes for refdesk.
func certificate(dir string) (cert, key, both string, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", "", err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: peerDomain}, DNSNames: []string{peerDomain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		return "", "", "", err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return "", "", "", err
	}
	c := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	cert, key, both = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "both.pem")
	return cert, key, both, errors.Join(os.WriteFile(cert, c, 0o600), os.WriteFile(key, p, 0o600), os.WriteFile(both, append(c, p...), 0o600))
}
