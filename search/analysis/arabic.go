// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// arabicTerm normalizes an Arabic word and takes off the commonest prefixes and suffixes (a light stemmer: it never
// touches the root).
func arabicTerm(raw string) string {
	w := strings.Map(func(r rune) rune {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			return -1 // vowel marks, and the blanks inside some ligatures
		case r == 'أ' || r == 'إ' || r == 'آ' || r == 'ٱ':
			return 'ا'
		case r == 'ى':
			return 'ي'
		case r == 'ة':
			return 'ه'
		case r == 'ـ': // tatweel
			return -1
		case r == 'ک':
			return 'ك'
		case r == 'ی':
			return 'ي'
		case 0x0660 <= r && r <= 0x0669:
			return '0' + r - 0x0660
		case 0x06f0 <= r && r <= 0x06f9:
			return '0' + r - 0x06f0
		}
		return r
	}, norm.NFKC.String(raw))
	for _, p := range []string{"وال", "بال", "كال", "فال", "لل", "ال", "و"} {
		if rest, ok := strings.CutPrefix(w, p); ok && len([]rune(rest)) >= 3 {
			w = rest
			break
		}
	}
	for _, s := range []string{"ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"} {
		if rest, ok := strings.CutSuffix(w, s); ok && len([]rune(rest)) >= 2 {
			w = rest
			break
		}
	}
	return cut(w)
}
