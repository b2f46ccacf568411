// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decodeCharset makes text of bytes. The label is a hint: senders leave it out, make it up, or leave it at their default.
// It reports whether the label was followed.
func decodeCharset(b []byte, label string) (string, bool) {
	label = strings.ToLower(strings.Trim(strings.TrimSpace(label), `"'`))
	valid := utf8.Valid(b)
	switch label {
	case "", "us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit", "x-unknown", "8bit", "binary", "default":
		if valid && !escapes(b) {
			return clean(string(b)), true
		}
		return guess(b), false
	case "utf-7", "unicode-1-1-utf-7":
		return clean(decodeUTF7(b)), true
	}
	e := lookup(label)
	if e == nil {
		return guess(b), false
	}
	// The label Latin-1 is what careless programs write on UTF-8. Bytes that are valid UTF-8 and not ASCII are, in
	// practice, UTF-8.
	if e == charmap.Windows1252 && valid && highBytes(b) > 1 {
		return clean(string(b)), false
	}
	text, bad := decodeWith(e, b)
	if bad > 0 && bad*20 > utf8.RuneCountInString(text) {
		return guess(b), false
	}
	return clean(text), true
}

// lookup finds an encoding: first by the names that browsers know, for which Latin-1 means Windows-1252 and GB2312 means
// its supersets, then by those of IANA.
func lookup(label string) encoding.Encoding {
	switch label {
	case "gb2312", "gbk", "gb18030", "x-gbk", "cp936", "gb_2312-80", "euc-cn":
		return simplifiedchinese.GB18030
	case "hz-gb-2312":
		return simplifiedchinese.HZGB2312
	case "cp932", "ms932", "sjis", "x-sjis", "shift-jis", "windows-31j":
		return japanese.ShiftJIS
	case "iso-2022-jp", "iso-2022-jp-1", "iso-2022-jp-2", "iso-2022-jp-3", "iso-2022-jp-ms", "cp50220", "cp50221":
		return japanese.ISO2022JP
	case "ks_c_5601-1987", "ks_c_5601", "cp949", "uhc", "euc-kr":
		return korean.EUCKR
	case "cp1252", "latin-1", "iso8859-1", "iso-8859-1-windows-3.1-latin-1":
		return charmap.Windows1252
	case "cp1251", "win-1251":
		return charmap.Windows1251
	case "utf-32", "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM)
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	}
	if e, err := htmlindex.Get(label); err == nil {
		if name, _ := htmlindex.Name(e); name != "replacement" {
			return e
		}
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e
	}
	return nil
}

func decodeWith(e encoding.Encoding, b []byte) (text string, bad int) {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd"), len(b)
	}
	return string(out), bytes.Count(out, []byte("\ufffd"))
}

// toUTF8 is decodeCharset for header values, which have no label.
func toUTF8(s string) string {
	if utf8.ValidString(s) && !escapes([]byte(s)) {
		return s
	}
	text, _ := decodeCharset([]byte(s), "")
	return text
}

// escapes finds the shifts of ISO-2022-JP, which look like ASCII.
func escapes(b []byte) bool {
	return bytes.Contains(b, []byte("\x1b$B")) || bytes.Contains(b, []byte("\x1b$@"))
}

func highBytes(b []byte) int {
	n := 0
	for _, c := range b {
		if c >= 0x80 {
			n++
		}
	}
	return n
}

// guess finds the encoding of bytes that came without a true label, by what the text would be like in each.
func guess(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		if e := lookup("utf-16"); e != nil {
			text, _ := decodeWith(e, b)
			return clean(text)
		}
	case escapes(b):
		if text, bad := decodeWith(japanese.ISO2022JP, b); bad == 0 {
			return clean(text)
		}
	case utf8.Valid(b):
		return clean(string(b))
	}
	sample := b
	if len(sample) > 8192 {
		sample = sample[:8192]
	}
	best, bestScore := encoding.Encoding(charmap.Windows1252), latinScore(sample)
	for _, c := range []struct {
		e     encoding.Encoding
		score func(rune) float64
	}{
		{japanese.ShiftJIS, japaneseRune},
		{japanese.EUCJP, japaneseRune},
		{korean.EUCKR, koreanRune},
		{simplifiedchinese.GB18030, hanRune},
		{traditionalchinese.Big5, hanRune},
		{charmap.KOI8R, cyrillicRune},
		{charmap.Windows1251, cyrillicRune},
	} {
		if s := scoreText(c.e, sample, c.score); s > bestScore {
			best, bestScore = c.e, s
		}
	}
	if brokenUTF8(b) {
		return clean(string(b))
	}
	text, _ := decodeWith(best, b)
	return clean(text)
}

// brokenUTF8 finds UTF-8 with a few broken places, such as where a text was cut off.
func brokenUTF8(b []byte) bool {
	good, bad := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case n > 1:
			good++
		case r == utf8.RuneError:
			bad++
		}
		b = b[n:]
	}
	return good > 4*bad
}

// latinScore is high when high bytes stand alone among letters, or in twos, as accents do.
func latinScore(b []byte) float64 {
	high, alone := 0, 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		high++
		before, after := i == 0 || b[i-1] < 0x80, i+1 == len(b) || b[i+1] < 0x80
		if before && (after || i+2 == len(b) || b[i+2] < 0x80) || after && (i < 2 || b[i-2] < 0x80) {
			alone++
		}
	}
	if high == 0 {
		return 1
	}
	return 0.9*float64(alone)/float64(high) + 0.05
}

// scoreText is the mean score of what isn't ASCII; a single byte that can't be decoded rules an encoding out.
func scoreText(e encoding.Encoding, b []byte, score func(rune) float64) float64 {
	text, _ := decodeWith(e, b)
	bad, n := 0, 0
	sum := 0.0
	before := rune(0)
	for i, r := range text {
		switch {
		case r == utf8.RuneError:
			bad++
		case r >= 0x80:
			n++
			// Few words mix scripts. Latin with accents, taken for something else, does all the time.
			if after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):]); !latin(before) && !latin(after) {
				sum += score(r)
			}
		}
		before = r
	}
	if n == 0 || bad > 1 { // the sample may end within a character
		return 0
	}
	return sum / float64(n)
}

func latin(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func japaneseRune(r rune) float64 {
	switch {
	case unicode.In(r, unicode.Hiragana, unicode.Katakana) && r < 0xff00:
		return 1.3
	case unicode.Is(unicode.Han, r), r >= 0x3000 && r < 0x3040:
		return 0.6
	case r >= 0xff61 && r <= 0xff9f: // half-width: single bytes in Shift-JIS, so anything decodes to them
		return 0.1
	}
	return 0.1
}

func koreanRune(r rune) float64 {
	if unicode.Is(unicode.Hangul, r) {
		return 0.95
	}
	return 0.1
}

func hanRune(r rune) float64 {
	switch {
	case r >= 0x3000 && r < 0x3040, r >= 0xff00 && r < 0xff60:
		return 0.8
	case r >= 0x4e00 && r <= 0x9fa5:
		return 0.75
	}
	return 0
}

func cyrillicRune(r rune) float64 {
	switch {
	case r >= 'а' && r <= 'я' || r == 'ё':
		return 1
	case r >= 'А' && r <= 'Я' || r == 'Ё':
		return 0.4
	}
	return 0
}

// clean drops what no text should hold: NUL and other controls but tab and line feed, invalid bytes; line ends become \n.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.TrimPrefix(s, "\ufeff")
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// decodeUTF7 is RFC 2152, leniently.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		if b[i] != '+' {
			out.WriteByte(b[i])
			continue
		}
		end := i + 1
		for end < len(b) && inBase64(b[end]) {
			end++
		}
		if end == i+1 {
			out.WriteByte('+') // "+-", or a stray plus
		} else if e := lookup("utf-16be"); e != nil {
			raw := decodeBase64(b[i+1 : end])
			text, _ := decodeWith(e, raw[:len(raw)&^1])
			out.WriteString(text)
		}
		if end < len(b) && b[end] == '-' {
			end++
		}
		i = end - 1
	}
	return out.String()
}
