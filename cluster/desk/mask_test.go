// SPDX-License-Identifier: Apache-2.0

package desk

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCardNumbersAreMasked(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"sixteen digits", "4111111111111111", "[card number]"},
		{"groups of four", "it is 4111 1111 1111 1111.", "it is [card number]."},
		{"groups of four with dashes", "5500-0000-0000-0004", "[card number]"},
		{"fifteen digits, 4-6-5", "3782 822463 10005", "[card number]"},
		{"fourteen digits of Diners Club", "30569309025904", "[card number]"},
		{"thirteen digits", "4222222222222", "[card number]"},
		{"nineteen digits", "6304000000000000000", "[card number]"},
		{"a date behind it stays", "4111 1111 1111 1111 12/27", "[card number] 12/27"},
		{"a number before it stays", "2 cards: 4111111111111111, 5500000000000004", "2 cards: [card number], [card number]"},
		{"between letters of any script", "بطاقة4111111111111111", "بطاقة[card number]"},
		{"a wrong check digit stays", "4111 1111 1111 1112", "4111 1111 1111 1112"},
		{"a patron's barcode stays", "21234000012344", "21234000012344"},
		{"an item's barcode stays", "31234000012342", "31234000012342"},
		{"an ISBN stays", "9780306400001", "9780306400001"},
		{"a telephone number stays", "+44 1225 555 0199 or 44 1225 555 0199", "+44 1225 555 0199 or 44 1225 555 0199"},
		{"other separators part numbers", "4111.1111.1111.1111", "4111.1111.1111.1111"},
		{"a longer number stays", "41111111111111111111111", "41111111111111111111111"},
		{"no digits", "How do I renew?", "How do I renew?"},
		{"nothing", "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, masked := maskCards(c.text)
			if got != c.want || masked != (c.want != c.text) {
				t.Errorf("%q gives %q (%v), want %q", c.text, got, masked, c.want)
			}
		})
	}
}

func TestWhatTellsWhoAPatronWasIsMasked(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"an address", "write to ada.quill+x@mail.example.org, please", "write to [masked], please"},
		{"an address in brackets", "<a@b.example>", "<[masked]>"},
		{"an address in another script", "почта@пример.рф", "[masked]"},
		{"a telephone number", "ring +44 (0)1225 555-0199 today", "ring [masked] today"},
		{"a long number", "my card is 21234000012347", "my card is [masked]"},
		{"digits of another script", "رقمي ٠١٢٣٤٥٦٧٨٩", "رقمي [masked]"},
		{"a short number stays", "room 1204, 3 books, 2026", "room 1204, 3 books, 2026"},
		{"pages stay", "pages 100-120, 130", "pages 100-120, 130"},
		{"an at-sign alone stays", "we meet @ the desk", "we meet @ the desk"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := maskPersonal(c.text); got != c.want {
				t.Errorf("%q gives %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestAWordIsRedactedWhereverItStands(t *testing.T) {
	for _, c := range []struct{ text, word, want string }{
		{"Bath, BATH and bathing", "bath", "[redacted], [redacted] and [redacted]ing"},
		{"Ältere ÄLTERE", "ältere", "[redacted] [redacted]"},
		{"aaa", "aa", "[redacted]a"},
		{"nothing here", "word", "nothing here"},
		{"", "word", ""},
	} {
		if got, found := redactWord(c.text, c.word); got != c.want || found != (c.want != c.text) {
			t.Errorf("%q in %q gives %q (%v), want %q", c.word, c.text, got, found, c.want)
		}
	}
}

func FuzzMasks(f *testing.F) {
	f.Add("4111 1111 1111 1111 12/27", "1111")
	f.Add("a@b.example +44 (0)1225 555-0199", "a")
	f.Add("٠١٢٣٤٥٦٧٨٩ \xff4111111111111111", "\xff")
	f.Fuzz(func(t *testing.T, text, w string) {
		once, masked := maskCards(text)
		if len(once) > len(text) {
			t.Fatalf("%q grew to %q", text, once)
		}
		if again, more := maskCards(once); more || again != once {
			t.Fatalf("%q is masked again to %q", once, again)
		}
		if !masked && once != text {
			t.Fatal("changed without saying so")
		}
		if utf8.ValidString(text) && !utf8.ValidString(once) {
			t.Fatalf("%q is no longer UTF-8", once)
		}
		if got := maskPersonal(text); strings.Contains(text, personalMask) == false && maskPersonal(got) != got {
			t.Fatalf("%q is masked again to %q", got, maskPersonal(got))
		}
		if w != "" && utf8.ValidString(text) && utf8.ValidString(w) {
			if got, found := redactWord(text, w); !found && got != text {
				t.Fatalf("%q became %q", text, got)
			}
		}
	})
}
