// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

// TestTx holds an implementation of desk.Tx to its contract. fresh returns an empty one each time.
func TestTx(t *testing.T, fresh func(t *testing.T) desk.Tx) {
	info := indexed()
	table, index := info.Table, info.Indexes[0]
	entry := func(value string) []desk.Entry { return []desk.Entry{{Index: index, Value: value}} }
	scan := func(tx desk.Tx, r desk.Range) []string {
		var out []string
		for value, data := range tx.Scan(table, r) {
			out = append(out, fmt.Sprintf("%s=%s", value, data))
		}
		return out
	}
	fill := func(t *testing.T) desk.Tx {
		tx := fresh(t)
		tx.Put(table, "k2", []byte("two"), nil, entry("a\x00x"))
		tx.Put(table, "k1", []byte("one"), nil, entry("a\x00x"))
		tx.Put(table, "k3", []byte("three"), nil, append(entry("a\xffy"), entry("b")...))
		tx.Put(table, "k\x00", []byte("zero"), nil, nil)
		return tx
	}
	t.Run("a prefix restricts, whatever byte ends it", func(t *testing.T) {
		tx := fresh(t)
		for b := range 256 {
			tx.Put(table, string([]byte{0, byte(b)}), []byte(fmt.Sprint(b)), nil, nil)
		}
		for b := range 256 {
			key := string([]byte{0, byte(b)})
			if diff := cmp.Diff([]string{key + "=" + fmt.Sprint(b)}, scan(tx, desk.Range{Prefix: key})); diff != "" {
				t.Errorf("byte %#x: %s", b, diff)
			}
		}
	})
	cases := []struct {
		rule string
		r    desk.Range
		want []string
	}{
		{"keys come bytewise", desk.Range{}, []string{"k\x00=zero", "k1=one", "k2=two", "k3=three"}},
		{"downwards too", desk.Range{Desc: true, Limit: 2}, []string{"k3=three", "k2=two"}},
		{"after is exclusive", desk.Range{After: "k1"}, []string{"k2=two", "k3=three"}},
		{"after downwards", desk.Range{After: "k2", Desc: true}, []string{"k1=one", "k\x00=zero"}},
		{"a prefix restricts", desk.Range{Prefix: "k\x00"}, []string{"k\x00=zero"}},
		{"one value, keys in order", desk.Range{Index: index, Prefix: "a\x00"}, []string{"a\x00x=one", "a\x00x=two"}},
		{"a record may have two values", desk.Range{Index: index, After: "a\x00x"}, []string{"a\xffy=three", "b=three"}},
		{"a prefix of 0xff ends somewhere", desk.Range{Index: index, Prefix: "a\xff"}, []string{"a\xffy=three"}},
		{"prefix and after", desk.Range{Index: index, Prefix: "a", After: "a\x00x", Limit: 5}, []string{"a\xffy=three"}},
		{"downwards by index", desk.Range{Index: index, Desc: true, Limit: 1}, []string{"b=three"}},
		{"nothing there", desk.Range{Prefix: "z"}, nil},
	}
	for _, c := range cases {
		t.Run(c.rule, func(t *testing.T) {
			if diff := cmp.Diff(c.want, scan(fill(t), c.r)); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("put moves index rows", func(t *testing.T) {
		tx := fill(t)
		tx.Put(table, "k1", []byte("uno"), entry("a\x00x"), entry("c"))
		want := []string{"a\x00x=two", "a\xffy=three", "b=three", "c=uno"}
		if diff := cmp.Diff(want, scan(tx, desk.Range{Index: index})); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("delete takes index rows along", func(t *testing.T) {
		tx := fill(t)
		tx.Delete(table, "k3", append(entry("a\xffy"), entry("b")...))
		tx.Delete(table, "nothing", nil)
		if diff := cmp.Diff([]string{"a\x00x=one", "a\x00x=two"}, scan(tx, desk.Range{Index: index})); diff != "" {
			t.Error(diff)
		}
		if _, ok := tx.Get(table, "k3"); ok {
			t.Error("a deleted record is still there")
		}
	})
	t.Run("a scan may be left early", func(t *testing.T) {
		tx := fill(t)
		for range tx.Scan(table, desk.Range{}) {
			break
		}
		if data, ok := tx.Get(table, "k2"); !ok || string(data) != "two" {
			t.Errorf("get k2 = %q, %v", data, ok)
		}
	})
}

// indexed returns a table that has an index.
func indexed() desk.TableInfo {
	for _, t := range desk.Tables() {
		if len(t.Indexes) > 0 {
			return t
		}
	}
	return desk.TableInfo{}
}
