// SPDX-License-Identifier: Apache-2.0

package search

import "encoding/binary"

// storedField holds what a result shows of a document: kind, title, other wordings and text, each after its length.
const storedField = "doc"

func pack(d Doc) []byte {
	text := d.Text
	if d.Bare {
		text = ""
	}
	var b []byte
	for _, s := range append([]string{string(d.Kind), d.Title, text}, d.Also...) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// stored is an unpacked value.
type stored struct {
	kind        Kind
	title, text string
	also        []string
}

// unpack reads what pack wrote; damage gives what is readable.
func unpack(b []byte) stored {
	var all []string
	for len(b) > 0 {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			break
		}
		all = append(all, string(b[w:w+int(n)]))
		b = b[w+int(n):]
	}
	if len(all) < 3 {
		return stored{}
	}
	return stored{kind: Kind(all[0]), title: all[1], text: all[2], also: all[3:]}
}

// values are the texts of a document, each by itself.
func (s stored) values() []string { return append([]string{s.title, s.text}, s.also...) }
