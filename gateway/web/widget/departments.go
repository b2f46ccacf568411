// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"
	"time"

	"refdesk/cluster/desk"
)

// departmentView is one entry of GET /departments.
type departmentView struct {
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	State    string     `json:"state"`
	NextOpen *time.Time `json:"next_open,omitempty"`
	Waiting  int        `json:"waiting"`
	// WaitSeconds is what four of five patrons wait at most, in whole minutes; 0 where nothing honest can be said.
	WaitSeconds int         `json:"wait_seconds,omitempty"`
	Fields      []chatField `json:"fields,omitempty"`

	isDefault bool
}

// doorCache keeps the answer for a second: every open page asks for it every few.
type doorCache struct {
	mu    sync.Mutex
	at    time.Time
	views []departmentView
}

const doorFresh = time.Second

// departmentViews reads all departments as patrons find them, at most once a second.
func (d *Door) departmentViews(ctx context.Context) ([]departmentView, error) {
	d.doors.mu.Lock()
	defer d.doors.mu.Unlock()
	now := time.Now()
	if d.doors.views != nil && now.Sub(d.doors.at) < doorFresh {
		return d.doors.views, nil
	}
	views, moment := []departmentView{}, desk.At(d.cfg.Now())
	err := d.store.View(ctx, desk.Actor{}, func(rd desk.Reader) error {
		found, err := rd.Departments(moment)
		for _, f := range found {
			v := departmentView{ID: f.ID, Name: f.Name, State: string(f.State), Waiting: f.Waiting, isDefault: f.Default}
			if f.NextOpen != 0 {
				t := f.NextOpen.Std()
				v.NextOpen = &t
			}
			if err := completeView(rd, &v, moment); err != nil {
				return err
			}
			views = append(views, v)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	d.doors.views, d.doors.at = views, now
	return views, nil
}

// completeView adds how long one waits and what is asked for.
func completeView(rd desk.Reader, v *departmentView, now desk.Time) error {
	if v.State != string(desk.StateClosed) {
		minutes, err := rd.WaitMinutes(v.ID, now)
		if err != nil {
			return err
		}
		v.WaitSeconds = 60 * minutes
	}
	setting, err := rd.Setting(FieldsSetting + v.ID)
	v.Fields = parseFields(setting)
	return err
}

// departments is GET /departments.
func (d *Door) departments(w http.ResponseWriter, r *http.Request) error {
	views, err := d.departmentViews(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, views)
}

func (d *Door) department(ctx context.Context, id string) (departmentView, error) {
	views, err := d.departmentViews(ctx)
	if err != nil {
		return departmentView{}, err
	}
	for _, v := range views {
		if v.ID == id {
			return v, nil
		}
	}
	return departmentView{}, &desk.Error{Code: desk.NotFound, Field: "department"}
}

// departmentFile is GET /departments/{id}.txt (the state as one word) and .svg (a badge for any page).
func (d *Door) departmentFile(w http.ResponseWriter, r *http.Request) error {
	file := r.PathValue("file")
	id, isText := strings.CutSuffix(file, ".txt")
	if !isText {
		var isBadge bool
		if id, isBadge = strings.CutSuffix(file, ".svg"); !isBadge {
			return &desk.Error{Code: desk.NotFound}
		}
	}
	v, err := d.department(r.Context(), id)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if isText {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		// The client may be gone; there is nobody to tell.
		_, _ = fmt.Fprintln(w, v.State)
		return nil
	}
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = fmt.Fprint(w, badge(v))
	return nil
}

// badge draws the state of a department.
func badge(v departmentView) string {
	colour := map[string]string{"online": "#2e7d4f", "away": "#96601a", "closed": "#56646b"}[v.State]
	text := html.EscapeString(v.Name + ": " + v.State)
	width := 34 + 8*len([]rune(v.Name+": "+v.State))
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="28" role="img" aria-label="%s">`+
		`<rect width="100%%" height="28" rx="14" fill="%s"/><circle cx="16" cy="14" r="4" fill="#fff"/>`+
		`<text x="28" y="18.5" font-family="system-ui,sans-serif" font-size="13" fill="#fff">%s</text></svg>`+"\n", width, text, colour, text)
}
