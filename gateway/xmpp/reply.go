// SPDX-License-Identifier: Apache-2.0

package xmpp

import (
	"strconv"

	"refdesk/gateway/xmpp/element"
)

// Answered returns a message's body without what its client put there for those that don't know replies: the quotation
// that XEP-0461 §3.1 marks as fallback by XEP-0428. reply tells whether the message answers another one.
func Answered(message *element.Element) (body string, reply bool) {
	body, _ = Body(message)
	reply = message.Child(NSReply, "reply") != nil
	if !reply {
		return body, false
	}
	for f := range message.Elements() {
		if !f.Is(NSFallback, "fallback") || f.Attr("for") != NSReply {
			continue
		}
		b := f.Child(NSFallback, "body")
		if b == nil {
			continue
		}
		body = cutRange(body, b.Attr("start"), b.Attr("end"))
		break
	}
	return body, true
}

// cutRange takes the code points from start up to end out of s. A range that isn't one, or reaches beyond s, cuts nothing:
// rather a quotation too many than a word too few.
func cutRange(s, start, end string) string {
	from, err1 := strconv.ParseUint(start, 10, 31)
	to, err2 := strconv.ParseUint(end, 10, 31)
	runes := []rune(s)
	if err1 != nil || err2 != nil || from >= to || to > uint64(len(runes)) {
		return s
	}
	return string(runes[:from]) + string(runes[to:])
}
