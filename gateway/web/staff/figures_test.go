// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"strings"
	"testing"

	"refdesk/cluster/desk"
)

// TestAViewerSeesFigures: how the desk stands, and nobody's name, address or words.
func TestAViewerSeesFigures(t *testing.T) {
	l := newLibrary(t)
	l.as("vera").get("/figures").says(t, http.StatusOK, "Reference", "closed", "too few chats to say", "No FAQ has been read yet")
	l.ask("p1", "Mia Lindqvist", "secret question")
	l.ticket("secret ticket", "nora@example.org")
	l.do("lena", &desk.SetFAQ{FAQ: desk.FAQ{Slug: "borrow", Question: "How long?", Answer: "Four weeks.", State: desk.FAQPublished}})
	l.do("lena", &desk.SetFAQ{FAQ: desk.FAQ{Slug: "draft", Question: "Unsaid?", Answer: "No.", State: desk.FAQDraft}})
	l.do("", &desk.CountFAQViews{Slug: "borrow", Views: 3})
	l.do("", &desk.CountFAQMiss{Query: "3d printer"})
	p := l.as("vera").get("/figures")
	p.says(t, http.StatusOK, "online", "1 published, 1 in draft", "How long?", "3d printer")
	for _, word := range []string{"secret", "Mia", "nora@", "Unsaid"} {
		if strings.Contains(p.body, word) {
			t.Errorf("the page says %q", word)
		}
	}
}
