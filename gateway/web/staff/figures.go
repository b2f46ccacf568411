// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"cmp"
	"net/http"
	"slices"

	"refdesk/cluster/desk"
)

// How many FAQs and searches the figures list.
const (
	mostRead = 8
	mostVain = 8
)

// figuresData is how the desk does, without anybody's name or words.
type figuresData struct {
	Departments []figuresRow
	Published   int
	Drafts      int
	Read        []*desk.FAQ     // the most read, published ones
	Vain        []*desk.FAQMiss // searched for and not found
}

// figuresRow is a department's line.
type figuresRow struct {
	desk.DepartmentView
	On   int    // who is available
	Wait int    // minutes that four of five waits stay within; 0 = nothing honest can be said
	Next moment // when it opens, of a closed one
}

// figuresPage is GET /figures: what whoever only looks on may see.
func (d *Door) figuresPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	var data figuresData
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		if err := d.readDepartments(rd, &data); err != nil {
			return err
		}
		return data.readFAQs(rd)
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "figures", Page{Title: "Figures", Section: "/figures", Data: data})
}

func (d *Door) readDepartments(rd desk.Reader, data *figuresData) error {
	views, err := rd.Departments(d.now())
	if err != nil {
		return err
	}
	for _, v := range views {
		x := figuresRow{DepartmentView: v}
		available, _, err := rd.Crew(v.ID, d.now())
		if ignoreMissing(err) != nil {
			return err
		}
		x.On = len(available)
		if x.Wait, err = rd.WaitMinutes(v.ID, d.now()); ignoreMissing(err) != nil {
			return err
		}
		if v.State == desk.StateClosed && v.NextOpen != 0 {
			x.Next = d.moment(v.NextOpen)
		}
		data.Departments = append(data.Departments, x)
	}
	return nil
}

func (x *figuresData) readFAQs(rd desk.Reader) error {
	all, err := rd.FAQs()
	if err != nil {
		return err
	}
	for _, q := range all {
		if q.State != desk.FAQPublished {
			x.Drafts++
			continue
		}
		x.Published++
		if q.Views > 0 {
			x.Read = append(x.Read, q)
		}
	}
	slices.SortStableFunc(x.Read, func(a, b *desk.FAQ) int { return cmp.Compare(b.Views, a.Views) })
	x.Read = x.Read[:min(len(x.Read), mostRead)]
	x.Vain, err = rd.FAQMisses(mostVain)
	return ignoreMissing(err)
}
