// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"refdesk/cluster/desk"
	"refdesk/cluster/desk/rota"
)

// departmentRow is one line of the list of departments.
type departmentRow struct {
	ID, Name, State string
	Waiting         int
	Tags            int
	AnsweredBy      []string
	NextOpen        moment
}

// departmentsData is the list, with a form for a new one and the desk's claim deadline.
type departmentsData struct {
	slip
	Departments []departmentRow
	ID, Name    string // of the new one, as typed
	Deadline    string // seconds
}

// day is one row of the table of opening hours: two spans a day are enough for most.
type day struct {
	Number int // 0 = Sunday
	Name   string
	Spans  []hours
}

// hours is one span as it is typed: "9:00", "17:30".
type hours struct{ From, To string }

// departmentData is the page of one department.
type departmentData struct {
	slip
	ID, Name   string
	Tags       string // one a line
	Untagged   bool
	Zone       string
	Days       []day
	AnsweredBy []choice
	Backups    []choice // staff
	Retention  string
	Deadline   string // seconds
	NoStore    bool
	MayChange  bool
}

const spansPerDay = 2

// weekdays in the order of the table, Monday first.
func weekdays() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
}

// departmentsPage is GET /departments.
func (d *Door) departmentsPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showDepartments(w, r, who, http.StatusOK, departmentsData{})
}

func (d *Door) showDepartments(w http.ResponseWriter, r *http.Request, who *Who, status int, data departmentsData) error {
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		all, err := rd.Departments(d.now())
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, v := range all {
			names[v.ID] = v.Name
		}
		for _, v := range all {
			one, err := rd.Department(v.ID)
			if err != nil {
				return err
			}
			row := departmentRow{ID: v.ID, Name: v.Name, State: string(v.State), Waiting: v.Waiting, Tags: len(one.Tags), NextOpen: d.moment(v.NextOpen)}
			for _, id := range one.AnsweredBy {
				row.AnsweredBy = append(row.AnsweredBy, names[id])
			}
			data.Departments = append(data.Departments, row)
		}
		if data.Deadline == "" {
			deadline, err := rd.Clock(desk.ClockClaimDeadline)
			data.Deadline = strconv.Itoa(int(deadline / time.Second))
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "departments", Page{Title: "Departments", Section: "/departments", Status: status, Data: data})
}

// newDepartment is POST /departments.
func (d *Door) newDepartment(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	data := departmentsData{ID: oneLine(r.PostFormValue("id")), Name: oneLine(r.PostFormValue("name"))}
	if data.ID == "" {
		data.ID = slug(data.Name)
	}
	_, err := d.department(r.Context(), who, data.ID)
	if err == nil {
		data.slip = slip{"There is a department with that short name already.", "id"}
		return d.showDepartments(w, r, who, http.StatusUnprocessableEntity, data)
	}
	if refusal(err, desk.NotFound) == nil {
		return err
	}
	zone := d.cfg.Zone.String()
	if zone == "Local" {
		zone = "UTC"
	}
	err = d.putDepartment(r, who, desk.Department{ID: data.ID, Name: data.Name, TimeZone: zone})
	if e := refusal(err, desk.Invalid, desk.NotFound); e != nil {
		data.slip = departmentSlip(e)
		return d.showDepartments(w, r, who, http.StatusUnprocessableEntity, data)
	}
	if err != nil {
		return err
	}
	return d.done(w, r, "/departments/"+data.ID, data.Name+" was made. It is closed until it has opening hours.")
}

// putDepartment commits a department, and its opening hours as the calendar that the desk goes by.
func (d *Door) putDepartment(r *http.Request, who *Who, x desk.Department) error {
	k, err := rota.Expand(x, d.cfg.Now())
	if err != nil {
		return &desk.Error{Code: desk.Invalid, Field: "time_zone"}
	}
	if _, err := d.submit(r, who, &desk.SetDepartment{Department: x}); err != nil {
		return err
	}
	if _, err := d.do(r.Context(), d.node(), desk.Key{}, &desk.SetCalendar{Calendar: k}); err != nil {
		return fmt.Errorf("set the calendar of %s: %w", x.ID, err)
	}
	return nil
}

// setClaimDeadline is POST /departments/clock.
func (d *Door) setClaimDeadline(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	typed := strings.TrimSpace(r.PostFormValue("deadline"))
	n, ok := number(typed, 3600)
	if !ok || n != 0 && n < 10 {
		return d.showDepartments(w, r, who, http.StatusUnprocessableEntity, departmentsData{
			Deadline: typed, slip: slip{"The deadline is a number of seconds from 10 to 3,600.", "deadline"},
		})
	}
	value := ""
	if n != 0 {
		value = (time.Duration(n) * time.Second).String()
	}
	_, err := d.submit(r, who, &desk.SetSetting{Setting: desk.Setting{Name: "clock.claim_deadline", Value: value}})
	if err != nil {
		return err
	}
	return d.done(w, r, "/departments", "The deadline for claiming is set.")
}

// department loads one.
func (d *Door) department(ctx context.Context, who *Who, id string) (x *desk.Department, err error) {
	err = d.view(ctx, who.Actor, func(rd desk.Reader) error {
		x, err = rd.Department(id)
		return err
	})
	return x, err
}

// departmentPage is GET /departments/{id}.
func (d *Door) departmentPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	x, err := d.department(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	data := departmentData{
		ID: x.ID, Name: x.Name, Tags: strings.Join(x.Tags, "\n"), Untagged: x.Untagged, Zone: x.TimeZone,
		Days: days(x.Hours), Retention: decimal(x.Retention), Deadline: decimal(x.Deadline), NoStore: x.NoStore,
	}
	return d.showDepartment(w, r, who, http.StatusOK, data, x.AnsweredBy, x.Backups)
}

func (d *Door) showDepartment(w http.ResponseWriter, r *http.Request, who *Who, status int, data departmentData, answeredBy, backups []string) error {
	data.MayChange = who.Admin()
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		var err error
		if data.AnsweredBy, err = departmentChoices(rd, d.now(), answeredBy); err != nil {
			return err
		}
		data.AnsweredBy = slices.DeleteFunc(data.AnsweredBy, func(c choice) bool { return c.Value == data.ID })
		for _, c := range data.AnsweredBy {
			data.Backups = append(data.Backups, choice{"#" + c.Value, "Everybody of " + c.Name, slices.Contains(backups, "#"+c.Value)})
		}
		people, err := rd.StaffList()
		for _, p := range people {
			if !p.Disabled && p.Role >= desk.RoleTrainee {
				data.Backups = append(data.Backups, choice{p.Account, p.Name, slices.Contains(backups, p.Account)})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return d.page(w, r, who, "department", Page{Title: data.Name, Section: "/departments", Status: status, Data: data})
}

// setDepartment is POST /departments/{id}.
func (d *Door) setDepartment(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	x, err := d.department(r.Context(), who, r.PathValue("id"))
	if err != nil {
		return err
	}
	data := departmentData{
		ID: x.ID, Name: oneLine(r.PostFormValue("name")), Tags: block(r.PostFormValue("tags")),
		Untagged: r.PostFormValue("untagged") != "", Zone: oneLine(r.PostFormValue("zone")),
		Retention: strings.TrimSpace(r.PostFormValue("retention")), Deadline: strings.TrimSpace(r.PostFormValue("deadline")),
		NoStore: r.PostFormValue("no_store") != "",
	}
	var wrong slip
	changed := *x
	changed.Name, changed.Tags, changed.Untagged = data.Name, eachLine(data.Tags), data.Untagged
	changed.TimeZone, changed.NoStore = data.Zone, data.NoStore
	changed.AnsweredBy, changed.Backups = r.PostForm["answered_by"], r.PostForm["backups"]
	data.Days, changed.Hours, wrong = readHours(r)
	retention, ok := number(data.Retention, 1<<20)
	if changed.Retention = retention; !ok && wrong.Error == "" {
		wrong = departmentSlip(&desk.Error{Code: desk.Invalid, Field: "retention"})
	}
	deadline, ok := number(data.Deadline, 1<<20)
	if changed.Deadline = deadline; !ok && wrong.Error == "" {
		wrong = departmentSlip(&desk.Error{Code: desk.Invalid, Field: "deadline"})
	}
	if wrong.Error == "" {
		err := d.putDepartment(r, who, changed)
		if e := refusal(err, desk.Invalid, desk.NotFound); e != nil {
			wrong = departmentSlip(e)
		} else if err != nil {
			return err
		}
	}
	if wrong.Error != "" {
		data.slip = wrong
		return d.showDepartment(w, r, who, http.StatusUnprocessableEntity, data, changed.AnsweredBy, changed.Backups)
	}
	return d.done(w, r, "/departments/"+x.ID, data.Name+" was changed.")
}

// departmentSlip says what the desk didn't like about a department, in the form's words.
func departmentSlip(e *desk.Error) slip {
	switch e.Field {
	case "id":
		return slip{"A short name has 1 to 64 of the letters a to z, digits, dots, dashes and underscores.", "id"}
	case "name":
		return slip{"Please give a name, of at most 200 characters.", "name"}
	case "tags":
		return slip{"A tag has at most 64 characters.", "tags"}
	case "time_zone":
		return slip{"There is no time zone of that name. They are called like Europe/Dublin or America/Toronto.", "zone"}
	case "hours":
		return slip{"The opening hours overlap, or close before they open.", "hours"}
	case "retention":
		return slip{"The days that names and addresses are kept are a number, at most ten years of them.", "retention"}
	case "deadline":
		return slip{"The seconds to claim a chat in are a number from 10 to 3,600.", "deadline"}
	case "answered_by", "backups":
		return slip{"Somebody or something that was chosen is not there any more.", e.Field}
	}
	return slip{sentence(e), e.Field}
}

// days lays opening hours out as a week.
func days(open []desk.Opening) []day {
	var out []day
	for _, wd := range weekdays() {
		row := day{Number: int(wd), Name: wd.String()}
		for _, o := range open {
			if int(o.Weekday) == int(wd) {
				row.Spans = append(row.Spans, hours{clockText(o.From), clockText(o.To)})
			}
		}
		for len(row.Spans) < spansPerDay {
			row.Spans = append(row.Spans, hours{})
		}
		out = append(out, row)
	}
	return out
}

// maxSpans bounds the spans of a day that a form may hold.
const maxSpans = 12

// readHours reads the table of a week.
func readHours(r *http.Request) (rows []day, open []desk.Opening, wrong slip) {
	for _, wd := range weekdays() {
		row := day{Number: int(wd), Name: wd.String()}
		from, to := r.PostForm[fmt.Sprintf("from%d", wd)], r.PostForm[fmt.Sprintf("to%d", wd)]
		for i := range min(len(from), len(to), maxSpans) {
			h := hours{oneLine(from[i]), oneLine(to[i])}
			row.Spans = append(row.Spans, h)
			if h == (hours{}) {
				continue
			}
			a, ok1 := clockMinutes(h.From)
			b, ok2 := clockMinutes(h.To)
			if !ok1 || !ok2 || a >= b {
				wrong = slip{wd.String() + ": hours are typed like 9:00 to 17:30, and 24:00 is midnight.", "hours"}
				continue
			}
			open = append(open, desk.Opening{Weekday: uint8(wd), From: a, To: b})
		}
		for len(row.Spans) < spansPerDay {
			row.Spans = append(row.Spans, hours{})
		}
		rows = append(rows, row)
	}
	slices.SortFunc(open, func(a, b desk.Opening) int {
		return (int(a.Weekday)-int(b.Weekday))*10000 + int(a.From) - int(b.From)
	})
	for i := 1; i < len(open) && wrong.Error == ""; i++ {
		if open[i].Weekday == open[i-1].Weekday && open[i].From < open[i-1].To {
			wrong = slip{time.Weekday(open[i].Weekday).String() + ": the two spans overlap.", "hours"}
		}
	}
	return rows, open, wrong
}

// clockText writes minutes after midnight as "9:05".
func clockText(m uint16) string { return fmt.Sprintf("%d:%02d", m/60, m%60) }

// clockMinutes reads "9", "9:05", "09.05" or "24:00".
func clockMinutes(s string) (uint16, bool) {
	h, m, split := strings.Cut(strings.ReplaceAll(s, ".", ":"), ":")
	if !split {
		m = "0"
	}
	hour, err1 := strconv.ParseUint(h, 10, 8)
	minute, err2 := strconv.ParseUint(m, 10, 8)
	n := hour*60 + minute
	if err1 != nil || err2 != nil || minute > 59 || n > 1440 || split && len(m) != 2 {
		return 0, false
	}
	return uint16(n), true
}

// decimal writes a number for a field; 0, which stands for the default, is empty.
func decimal(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}
