// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// mark is what an element says about quotation.
type mark uint8

const (
	markNone      mark = iota
	markQuote          // what is inside is quoted
	markIntro          // what is inside introduces a quote
	markContainer      // around introduction and quote; an answer may stand in it too
	markCut            // the mail that is answered begins here and goes on to the end
)

// Outlook for the desktop draws a line above the header block of the mail it answers, in one of these colours.
var outlookLine = regexp.MustCompile(`border-top(-color)?:[^;]*(#e1e1e1|#b5c4df|rgb\(225, ?225, ?225\)|rgb\(181, ?196, ?223\)|rgb\(229, ?229, ?229\))`)

// quoteMark knows how the mail clients mark what they quote.
func quoteMark(t html.Token) mark {
	id, class := attr(t, "id"), strings.ToLower(attr(t, "class"))
	switch {
	case id == "divRplyFwdMsg", id == "x_divRplyFwdMsg", id == "OLK_SRC_BODY_SECTION", id == "reply-intro", strings.HasPrefix(id, "mail-editor-reference-message"):
		return markCut // Outlook on the web; Outlook for Mac; Roundcube; Outlook's apps
	case hasClass(class, "moz-cite-prefix"), hasClass(class, "moz-email-headers-table"), hasClass(class, "gmail_attr"), hasClass(class, "zmail_extra_hr"):
		return markIntro // Thunderbird; Gmail; Zoho
	case t.DataAtom == atom.Blockquote:
		return blockquote(t, class)
	case hasClass(class, "gmail_quote"), hasClass(class, "protonmail_quote"), hasClass(class, "tutanota_quote"), hasClass(class, "zmail_extra"),
		hasClass(class, "gmail_quote_container"), hasClass(class, "ik_mail_quote"), hasClass(class, "sh-signature-quote"):
		return markContainer
	case strings.Contains(class, "yahoo_quoted") || strings.Contains(id, "yahoo_quoted") || strings.Contains(id, "ymail_android_signature_quote"):
		return markQuote
	case hasClass(class, "wordsection1_quote"), hasClass(class, "freebirdformessage"):
		return markQuote
	case t.DataAtom == atom.Div && outlookLine.MatchString(strings.ToLower(attr(t, "style"))):
		return markCut
	}
	return markNone
}

// blockquote tells quotes from indents, for which several editors use the same element.
func blockquote(t html.Token, class string) mark {
	style := strings.ReplaceAll(strings.ToLower(attr(t, "style")), " ", "")
	switch {
	case strings.EqualFold(attr(t, "type"), "cite"), attr(t, "cite") != "", strings.Contains(class, "quote"), strings.Contains(class, "cite"):
		return markQuote
	case strings.Contains(style, "border:none") && strings.Contains(style, "margin"), strings.Contains(style, "border:medium none"):
		return markNone // the indent of Gmail and Outlook
	}
	return markQuote
}

// hasClass looks for a class, also as Outlook and Gmail rename it when they quote (x_…, ecx…, m_123…).
func hasClass(classes, want string) bool {
	for c := range strings.FieldsSeq(classes) {
		if c == want || strings.TrimPrefix(c, "x_") == want || strings.TrimPrefix(c, "ecx") == want {
			return true
		}
	}
	return false
}
