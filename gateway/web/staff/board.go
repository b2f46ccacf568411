// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"refdesk/cluster/desk"
)

// boardPage is GET /board: the live board where scripts run, and a list that works without.
func (d *Door) boardPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	var b *board
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		b, err = readBoard(rd, who.Account, d.now())
		return err
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "board", Page{
		Title: "Board", Section: "/board", Scripts: []string{"board.js"}, Wide: true, Data: boardData{Board: b, Lists: b.lists(), Live: d.deps.Events != nil},
	})
}

// boardData is what the board's page shows.
type boardData struct {
	Board *board
	Lists []boardList
	Live  bool // this node has live boards
}

// boardList is one list of chats on the page.
type boardList struct {
	ID, Title, None string
	Rows            []listRow
}

// listRow is a chat as the list without scripts shows it.
type listRow struct {
	row
	Time  string // how long, in words
	Claim bool
	Offer bool
}

// lists are the board's lists in the order in which they matter.
func (b *board) lists() []boardList {
	made := func(id, title, none string, rows []row) boardList {
		l := boardList{ID: id, Title: title, None: none}
		for _, x := range rows {
			l.Rows = append(l.Rows, listRow{
				row: x, Time: lasted(time.Duration(b.Now-x.Since) * time.Millisecond), Claim: x.State == string(desk.Waiting), Offer: id == "offered",
			})
		}
		return l
	}
	return []boardList{
		made("offered", "Offered to you", "", b.Offered),
		made("waiting", "Waiting", "Nobody is waiting.", b.Waiting),
		made("mine", "Mine", "You have no chat.", b.Mine),
		made("to-tag", "To tag", "", b.ToTag),
		made("others", "With colleagues", "", b.Others),
	}
}

// lasted says how long something has lasted.
func lasted(t time.Duration) string {
	switch {
	case t < time.Minute:
		return strconv.Itoa(int(max(t, 0)/time.Second)) + " s"
	case t < time.Hour:
		return strconv.Itoa(int(t/time.Minute)) + " min"
	case t < 48*time.Hour:
		return strconv.Itoa(int(t/time.Hour)) + " h"
	}
	return strconv.Itoa(int(t/(24*time.Hour))) + " days"
}

// alive is GET /board/alive: a page that lives on its socket asks whether its person is still signed in.
func (d *Door) alive(w http.ResponseWriter, _ *http.Request, _ *Who) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// webURL keeps an address only if a browser may be sent there.
func webURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}
