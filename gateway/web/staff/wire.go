// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"slices"

	"refdesk/gateway/console"
)

// subprotocol is what both sides of a board's socket have to agree on.
const subprotocol = "refdesk.board.v1"

// up is a frame from the board. Type says which of the other fields count.
type up struct {
	Type    string              `json:"type"`
	ID      string              `json:"id"`      // of what waits for an answer: say, run, form, duty, tell
	Page    string              `json:"page"`    // hello: the page's own id
	Epoch   uint64              `json:"epoch"`   // hello
	After   uint64              `json:"after"`   // hello: highest seq that the page has; open: number of the last line it has
	Show    string              `json:"show"`    // hello, show: online, away, off
	Chat    uint64              `json:"chat"`    // 0 = the desk as a whole
	To      string              `json:"to"`      // tell: a colleague's account
	Text    string              `json:"text"`    // say, tell
	Command string              `json:"command"` // run, form
	Values  map[string][]string `json:"values"`  // run
	Seq     uint64              `json:"seq"`     // got: as far as the person has been shown the chat; moved: as the page has it
	On      bool                `json:"on"`      // typing, duty
}

// down is a frame to the board.
type down struct {
	Type       string    `json:"type"`
	ID         string    `json:"id,omitempty"`
	Epoch      uint64    `json:"epoch,omitempty"`
	Seq        uint64    `json:"seq,omitempty"`
	Reset      bool      `json:"reset,omitempty"` // ready: what the page has of its chats counts no more
	Show       string    `json:"show,omitempty"`
	Board      *board    `json:"board,omitempty"`
	Chat       uint64    `json:"chat,omitempty"`
	Head       *head     `json:"head,omitempty"`
	Lines      []line    `json:"lines,omitempty"`
	Line       *line     `json:"line,omitempty"`
	Text       string    `json:"text,omitempty"`
	By         string    `json:"by,omitempty"`
	From       string    `json:"from,omitempty"` // message: the colleague's account, to answer to
	On         bool      `json:"on,omitempty"`
	Shown      bool      `json:"shown,omitempty"` // seen: shown, not only received
	Form       *formView `json:"form,omitempty"`
	Answer     *answer   `json:"answer,omitempty"`
	Code       string    `json:"code,omitempty"`
	RetryAfter int       `json:"retry_after,omitempty"`
}

// answer is what became of something that was typed or clicked. It is sent after the commit.
type answer struct {
	Command string `json:"command,omitempty"`
	Posted  bool   `json:"posted,omitempty"` // it is a line that the patron gets
	Note    bool   `json:"note,omitempty"`
	Held    bool   `json:"held,omitempty"` // kept back: !send sends it
	Refused string `json:"refused,omitempty"`
	Text    string `json:"text,omitempty"`
	Chat    uint64 `json:"chat,omitempty"`
	Seq     uint64 `json:"seq,omitempty"`
	Line    uint64 `json:"line,omitempty"`
}

func answered(a console.Answer) *answer {
	out := &answer{
		Command: a.Command, Posted: a.Posted, Note: a.Note, Held: a.Held, Text: a.Text, Chat: a.Chat, Seq: a.Reply.Seq, Line: a.Reply.Line,
	}
	if a.Refused != nil {
		out.Refused = string(a.Refused.Code)
	}
	return out
}

// formView is a command's form as the board shows it.
type formView struct {
	Command      string  `json:"command"`
	Title        string  `json:"title"`
	Instructions string  `json:"instructions,omitempty"`
	Fields       []field `json:"fields"`
}

// field is one question of a form, in the words of XEP-0004 §3.3.
type field struct {
	Var      string   `json:"var"`
	Label    string   `json:"label"`
	Type     string   `json:"type"`
	Values   []string `json:"values"`
	Options  []option `json:"options"`
	Required bool     `json:"required"`
}

// option is one choice of a list.
type option struct {
	Label string `json:"label"`
	Value string `json:"value"`
	On    bool   `json:"on"`
}

// shownForm makes a console's form fit for a page.
func shownForm(command string, f console.Form) *formView {
	out := &formView{Command: command, Title: f.Title, Instructions: f.Instructions, Fields: []field{}}
	for _, x := range f.Fields {
		y := field{
			Var: x.Var, Label: x.Label, Type: string(x.Type), Required: x.Required,
			Values: append([]string{}, x.Values...), Options: []option{},
		}
		for _, o := range x.Options {
			y.Options = append(y.Options, option{Label: o.Label, Value: o.Value, On: slices.Contains(x.Values, o.Value)})
		}
		out.Fields = append(out.Fields, y)
	}
	return out
}
