// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommentedIsTheSampleWithOtherValues(t *testing.T) {
	c := Default()
	text, err := c.Commented()
	if err != nil {
		t.Fatal(err)
	}
	if _, want, _ := strings.Cut(Sample(), "#\n"); want != string(text) {
		diff := cmp.Diff(want, string(text))
		t.Errorf("with the defaults it isn't the sample: %s", diff)
	}
	c.Desk.Name = `Библиотека "A" 'b' # c`
	c.HTTP.Sites = []string{"https://a.example", "https://b.example"}
	c.Clocks["transfer"] = Duration{90 * time.Second}
	c.Cluster.Listen, c.Cluster.CA, c.Cluster.Cert, c.Cluster.Key = "192.0.2.1:7400", "ca.pem", "node.pem", "node.key"
	c.Cluster.Peers = map[string]Peer{"n0": {Address: "192.0.2.1:7400"}, "n1": {Address: "192.0.2.2:7400"}}
	text, err = c.Commented()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, back); diff != "" {
		t.Errorf("it reads back otherwise: %s", diff)
	}
	if !strings.Contains(string(text), "# this node's name, for ever") {
		t.Error("the comments are gone")
	}
}
