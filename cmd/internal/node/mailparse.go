// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"refdesk/bridge/mail"
)

// parsedMail is what "mail parse" prints. Scripts depend on it.
type parsedMail struct {
	From        string           `json:"from"`
	Subject     string           `json:"subject"`
	MessageID   string           `json:"message_id"`
	InReplyTo   string           `json:"in_reply_to"`
	References  []string         `json:"references"`
	Text        string           `json:"text"`
	ReplyText   string           `json:"reply_text"`
	AutoReply   bool             `json:"auto_reply"`
	Bounce      bool             `json:"bounce"`
	Attachments []attachmentMail `json:"attachments"`
}

type attachmentMail struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int64  `json:"size"`
}

// ParseMail reads one message and writes what refdesk would make of it, as one line of JSON. A message that can't be read
// fully gives what could be read.
func ParseMail(r io.Reader, w io.Writer) error {
	m := mail.Parse(context.Background(), r, mail.Options{})
	v := mail.Classify(m, mail.Own{})
	out := parsedMail{
		From: fromText(m), Subject: m.Subject, MessageID: m.MessageID, References: append([]string{}, m.References...),
		Text: m.Text, ReplyText: m.Reply(mail.TrimOptions{}).Text,
		AutoReply: v.AutoReply(), Bounce: v.Undelivered(), Attachments: []attachmentMail{},
	}
	if len(m.InReplyTo) > 0 {
		out.InReplyTo = m.InReplyTo[0]
	}
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, attachmentMail{a.Name, a.Type, a.Size})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write the parsed mail: %w", err)
	}
	return nil
}

func fromText(m *mail.Message) string {
	all := make([]string, 0, len(m.From))
	for _, a := range m.From {
		all = append(all, a.String())
	}
	return strings.Join(all, ", ")
}
