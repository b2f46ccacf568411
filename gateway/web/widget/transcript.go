// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"refdesk/cluster/desk"
)

// transcript is GET /chats/{chat}/transcript: the chat as plain text, in its patron's language and the department's time.
func (d *Door) transcript(w http.ResponseWriter, r *http.Request) error {
	p, err := d.aside(r, &struct{}{})
	if err != nil {
		return err
	}
	var text string
	err = d.store.View(r.Context(), p.actor(), func(rd desk.Reader) (err error) {
		text, err = d.transcriptText(rd, p.chat)
		return err
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="chat-%d.txt"`, p.chat))
	h.Set("Cache-Control", "no-store")
	// The client may be gone; there is nobody to tell.
	_, _ = w.Write([]byte(text))
	return nil
}

func (d *Door) transcriptText(rd desk.Reader, number uint64) (string, error) {
	h, err := rd.Chat(number)
	if err != nil {
		return "", err
	}
	department, err := rd.Department(h.Department)
	if err != nil {
		return "", err
	}
	lines, err := rd.Lines(number, 0, 0)
	if err != nil {
		return "", err
	}
	zone, err := time.LoadLocation(department.TimeZone)
	if err != nil {
		zone = time.UTC
	}
	say := d.frame.Pages().Texts(d.frame.Pages().Locale(h.Locale))
	var out strings.Builder
	fmt.Fprintf(&out, "%s – %s\n\n", department.Name, h.Opened.Std().In(zone).Format("2006-01-02 15:04 MST"))
	for _, l := range lines {
		by := ""
		switch l.From {
		case desk.FromPatron:
			by = say["you"]
		case desk.FromStaff:
			if by, err = publicName(rd, l.By, nil); err != nil {
				return "", err
			}
			if by == "" {
				by = say["staff"]
			}
		}
		if by != "" {
			by += ": "
		}
		// Further lines of a text are set in, so that none looks like a line of somebody else.
		fmt.Fprintf(&out, "[%s] %s%s\n", l.At.Std().In(zone).Format("15:04"), by, strings.ReplaceAll(l.Text, "\n", "\n        "))
	}
	return out.String(), nil
}
