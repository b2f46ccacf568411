// SPDX-License-Identifier: Apache-2.0

package console

import (
	"regexp"
	"strings"
)

var (
	mdLink   = regexp.MustCompile(`!?\[([^\[\]\n]*)\]\(\s*<?([^\s()<>]+)>?(?:\s+"[^"\n]*")?\s*\)`)
	mdAuto   = regexp.MustCompile(`<((?:https?://|mailto:)[^\s<>]+)>`)
	mdStrong = regexp.MustCompile(`(\*\*|__)(\S(?:[^*_\n]*?\S)?)(?:\*\*|__)`)
	mdEm     = regexp.MustCompile(`(^|[\s(])[*_](\S(?:[^*_\n]*?\S)?)[*_]([\s).,;:!?]|$)`)
	mdCode   = regexp.MustCompile("`([^`\n]+)`")
	mdHead   = regexp.MustCompile(`^ {0,3}#{1,6}\s+`)
	mdBullet = regexp.MustCompile(`^(\s*)[*+]\s+`)
)

// plainText is an FAQ's answer as a line of a chat: its Markdown without marks, links with their addresses.
func plainText(markdown string) string {
	var out []string
	for line := range strings.SplitSeq(markdown, "\n") {
		if fence := strings.TrimSpace(line); strings.HasPrefix(fence, "```") || strings.HasPrefix(fence, "~~~") {
			continue
		}
		line = mdHead.ReplaceAllString(strings.TrimRight(line, " \t\r"), "")
		line = mdBullet.ReplaceAllString(line, "$1- ")
		line = mdLink.ReplaceAllStringFunc(line, func(l string) string {
			m := mdLink.FindStringSubmatch(l)
			if m[1] == "" || m[1] == m[2] {
				return m[2]
			}
			return m[1] + " (" + m[2] + ")"
		})
		line = mdAuto.ReplaceAllString(line, "$1")
		line = mdStrong.ReplaceAllString(line, "$2")
		line = mdEm.ReplaceAllString(line, "$1$2$3")
		out = append(out, mdCode.ReplaceAllString(line, "$1"))
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
