// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
)

var (
	labelLine = regexp.MustCompile(`^[\s*_>|]*([\p{L}][\p{L}' ’-]{0,24}?)[\s*_]*[:：][\s*_]*(.*)$`)
	// A line across: Outlook's and others', above a header block; or above the footer of a mailing list.
	across = regexp.MustCompile(`^[\s*>]*([_=*~#-])[_=*~# -]{8,}$`)
	// A text between dashes, whatever its language.
	dashed = regexp.MustCompile(`^[\s*>]*-{3,}\s*\p{L}[^-\n]{2,60}[\s*]*-{3,}[\s*]*$`)
)

func labelOf(text string) (l label, value string) {
	m := labelLine.FindStringSubmatch(text)
	if m == nil {
		return labelNone, ""
	}
	return labelIndex[strings.ToLower(strings.TrimSpace(m[1]))], m[2]
}

// headerBlock reports whether the lines from i are the header of a mail, as clients put it above the mail they answer,
// and where it ends. Sure means that something above it says so already.
//
// A patron may write "From: Monday, To: Friday" about a booking. So the block has to hold what a mail's header holds: an
// address, or the time it was sent, with a subject.
func headerBlock(lines []line, i int, sure bool) (end int, ok bool) {
	kinds := map[label]bool{}
	address, dated := false, false
	wrapped, empty := 0, 0
	end = i
	for j := i; j < len(lines) && j < i+30; j++ {
		text := lines[j].plain
		if strings.TrimSpace(text) == "" {
			if empty++; empty > 1 || j == i {
				break
			}
			continue
		}
		l, value := labelOf(text)
		if l == labelNone || kinds[l] && l != labelCc && l != labelOther {
			if j == i || empty > 0 {
				break
			}
			if wrapped++; wrapped > 3 {
				break
			}
			continue
		}
		kinds[l] = true
		wrapped, empty = 0, 0
		end = j + 1
		address = address || (l == labelFrom || l == labelTo || l == labelCc) && strings.Contains(value, "@")
		dated = dated || l == labelDate && hasTime.MatchString(value) && hasDigit.MatchString(value)
	}
	n := 0
	for l := range kinds {
		if l != labelOther && l != labelCc {
			n++
		}
	}
	switch {
	case !kinds[labelFrom] || n < 2:
		return 0, false
	case sure, n >= 3 && address, n >= 3 && dated && kinds[labelSubject]:
		return end, true
	}
	return 0, false
}

// separator reports whether a mail that is answered or forwarded begins at line i, after a line that says so or after its
// header. The end is the first line of its text.
func separator(lines []line, i int, own []string) (end int, ok bool) {
	text := lines[i].plain
	for _, s := range own {
		if s != "" && strings.Contains(text, s) {
			return i + 1, true
		}
	}
	next := i + 1
	for next < len(lines) && next < i+3 && strings.TrimSpace(lines[next].text) == "" {
		next++
	}
	switch {
	case lines[i].cut:
		if e, ok := headerBlock(lines, i, true); ok {
			return e, true
		}
		return i, true
	case originalWords.MatchString(text), forwardWords.MatchString(text):
		if next < len(lines) {
			if e, ok := headerBlock(lines, next, true); ok {
				return e, true
			}
		}
		return i + 1, true
	case across.MatchString(text), dashed.MatchString(text):
		if next < len(lines) {
			return headerBlock(lines, next, true)
		}
		return 0, false
	}
	return headerBlock(lines, i, false)
}
