// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"encoding/json"
	"regexp"
	"strings"
)

// Recipient is what a delivery report says about one of the addresses.
type Recipient struct {
	Address    string
	Action     string // failed, delayed, delivered, relayed, expanded; "" when not said
	Status     string // RFC 3463, such as 5.1.1
	Diagnostic string
}

// Hard reports whether the address is no good, rather than busy, full or far away.
func (r Recipient) Hard() bool {
	return strings.HasPrefix(r.Status, "5.1.") || r.Status == "5.2.1" || r.Status == "5.0.0" && strings.Contains(strings.ToLower(r.Diagnostic), "unknown")
}

// report reads machine-readable reports: delivery status (RFC 3464), disposition (RFC 8098), feedback (RFC 5965).
func report(m *Message, own Own) (Verdict, bool) {
	v := Verdict{ReturnedID: returnedID(m)}
	v.Out = bouncedOut(m, own)
	if m.root.value != "multipart/report" && !daemon(m) {
		return Verdict{}, false
	}
	switch strings.ToLower(m.root.params["report-type"]) {
	case "feedback-report":
		v.Kind, v.Why = KindComplaint, "feedback-report"
		return v, true
	case "disposition-notification":
		v.Kind, v.Why = KindOpened, "disposition-notification"
		return v, true
	}
	lower := strings.ToLower(m.report)
	switch {
	case strings.Contains(lower, "feedback-type:"):
		v.Kind, v.Why = KindComplaint, "feedback-report"
		return v, true
	case strings.Contains(lower, "\ndisposition:") || strings.HasPrefix(lower, "disposition:"):
		v.Kind, v.Why = KindOpened, "disposition-notification"
		return v, true
	}
	v.Recipients = deliveryStatus(m.report)
	v.Why = "delivery-status"
	return v, v.weigh()
}

// weigh makes one kind of what is said about the recipients; one failure is a failure.
func (v *Verdict) weigh() bool {
	for _, r := range v.Recipients {
		kind := Kind("")
		switch {
		case r.Action == "failed", r.Action == "failure", r.Action == "" && strings.HasPrefix(r.Status, "5"):
			kind = KindBounce
		case r.Action == "delayed", r.Action == "" && strings.HasPrefix(r.Status, "4"):
			kind = KindDelayed
		case r.Action == "delivered", r.Action == "relayed", r.Action == "expanded", r.Action == "deliverable":
			kind = KindDelivered
		}
		if kind == KindBounce || v.Kind == "" || v.Kind == KindDelivered && kind != "" {
			v.Kind = kind
		}
	}
	return v.Kind != ""
}

// deliveryStatus reads the groups of fields; the first is about the message, each further one about a recipient.
func deliveryStatus(s string) []Recipient {
	const most = 200
	var all []Recipient
	for group := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		h := parseHeader([]byte(strings.TrimLeft(group, "\n")))
		r := Recipient{
			Address: afterType(firstOf(h, "Final-Recipient", "Original-Recipient", "X-Actual-Recipient")), Action: firstWord(h.Raw("Action")),
			Status: statusCode(h.Raw("Status")), Diagnostic: clip(oneLine(toUTF8(afterType(h.Raw("Diagnostic-Code")))), 500),
		}
		if r.Action == "" && r.Status == "" {
			continue
		}
		if all = append(all, r); len(all) == most {
			break
		}
	}
	return all
}

func firstOf(h Header, names ...string) string {
	for _, n := range names {
		if v := h.Raw(n); v != "" {
			return v
		}
	}
	return ""
}

// afterType takes the type off "rfc822; ann@example.org".
func afterType(s string) string {
	if _, after, ok := strings.Cut(s, ";"); ok {
		s = after
	}
	return strings.Trim(oneLine(toUTF8(s)), "<> ")
}

var status = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)

func statusCode(s string) string { return status.FindString(s) }

func returnedID(m *Message) string {
	if ids := messageIDs(m.returned.All("Message-ID")); len(ids) > 0 {
		return ids[0]
	}
	return ""
}

// bouncedOut finds the outgoing mail in the address that the report came to.
func bouncedOut(m *Message, own Own) uint64 {
	for _, a := range m.Recipients() {
		if out, ok := own.Keys.ParseBounceAddress(a.Addr); ok {
			return out
		}
	}
	return 0
}

// cloudReport reads what Amazon SES sends by way of SNS: JSON in the text.
func cloudReport(text string) (Verdict, bool) {
	text = strings.ReplaceAll(text, "\n", "") // long lines were wrapped on the way; JSON needs no line ends
	start := strings.IndexByte(text, '{')
	if start >= 0 && start < 200 && strings.Contains(text, `"TopicArn"`) { // the notification wrapped in another
		var outer struct{ Message string }
		if err := json.NewDecoder(strings.NewReader(text[start:])).Decode(&outer); err == nil {
			text = outer.Message
			start = strings.IndexByte(text, '{')
		}
	}
	if start < 0 || start > 200 || !strings.Contains(text, `"notificationType"`) && !strings.Contains(text, `"eventType"`) {
		return Verdict{}, false
	}
	var n struct {
		NotificationType, EventType string
		Bounce                      struct {
			BounceType        string
			BouncedRecipients []struct{ EmailAddress, Action, Status, DiagnosticCode string }
		}
	}
	if err := json.NewDecoder(strings.NewReader(text[start:])).Decode(&n); err != nil {
		return Verdict{}, false
	}
	switch strings.ToLower(n.NotificationType + n.EventType) {
	case "bounce":
	case "complaint":
		return Verdict{Kind: KindComplaint, Why: "notification"}, true
	case "delivery":
		return Verdict{Kind: KindDelivered, Why: "notification"}, true
	default:
		return Verdict{}, false
	}
	v := Verdict{Kind: KindBounce, Why: "notification"}
	for _, r := range n.Bounce.BouncedRecipients {
		v.Recipients = append(v.Recipients, Recipient{r.EmailAddress, strings.ToLower(r.Action), r.Status, clip(oneLine(r.DiagnosticCode), 500)})
	}
	return v, true
}
