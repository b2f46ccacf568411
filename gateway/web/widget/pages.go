// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"net/http"
	"time"

	"refdesk/gateway/web/ui"
)

// chatPage is GET /chat/{department}: the page that speaks this API, by itself or in the widget's frame (?embed=1).
func (d *Door) chatPage(w http.ResponseWriter, r *http.Request) error {
	v, err := d.department(r.Context(), r.PathValue("department"))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	w.Header().Set("Cache-Control", "no-store") // the form in it is for one reader
	p := ui.ChatPage{
		Locale:     d.frame.Pages().Locale(q.Get("lang"), r.Header.Get("Accept-Language")),
		Department: v.ID, Name: v.Name, State: v.State,
		Nodes: d.frame.Nodes(), Sites: d.frame.Origins(), Embedded: q.Get("embed") != "", Titles: d.cfg.Titles,
		WaitSeconds: v.WaitSeconds, Form: d.emptyForm(v),
	}
	if v.NextOpen != nil {
		p.NextOpen = v.NextOpen.Format(time.RFC3339)
	}
	var buf bytes.Buffer
	if err := d.frame.Pages().Chat(&buf, p); err != nil {
		return err
	}
	return writePage(w, http.StatusOK, buf.Bytes())
}

// home is GET /: the demo's library, or the list of departments.
func (d *Door) home(w http.ResponseWriter, r *http.Request) error {
	views, err := d.departmentViews(r.Context())
	if err != nil {
		return err
	}
	var doors []ui.Door
	for _, v := range views {
		doors = append(doors, ui.Door{Department: v.ID, Name: v.Name})
	}
	var buf bytes.Buffer
	if d.cfg.Demo {
		err = d.frame.Pages().Demo(&buf, ui.DemoPage{Department: d.defaultDepartment(views), Doors: doors})
	} else {
		list, listErr := d.published(r.Context())
		if listErr != nil {
			return listErr
		}
		locale := d.frame.Pages().Locale(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
		err = d.frame.Pages().Index(&buf, locale, doors, len(list) > 0)
	}
	if err != nil {
		return err
	}
	return writePage(w, http.StatusOK, buf.Bytes())
}

// defaultDepartment is where the demo's widget leads.
func (d *Door) defaultDepartment(views []departmentView) string {
	for _, v := range views {
		if v.isDefault {
			return v.ID
		}
	}
	if len(views) > 0 {
		return views[0].ID
	}
	return ""
}

func writePage(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	w.WriteHeader(status)
	// The browser may be gone; there is nobody to tell.
	_, _ = w.Write(body)
	return nil
}
