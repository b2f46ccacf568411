// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"refdesk/cluster/desk"
)

func TestAddPerson(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	for name, c := range map[string]struct {
		edit []string
		says string
	}{
		"account taken":            {[]string{"account", "ana"}, "somebody with that account already"},
		"account with a blank":     {[]string{"account", "a na"}, "An account has"},
		"account with a slash":     {[]string{"account", "a/b"}, "An account has"},
		"account that looks alike": {[]string{"account", "аna"}, "An account has"},
		"no account":               {[]string{"account", ""}, "An account has"},
		"no name":                  {[]string{"name", " "}, "Please give a name"},
		"no role":                  {[]string{"role", "king"}, "Please choose a role"},
		"no such department":       {[]string{"departments", "cellar"}, "not there any more"},
		"no address":               {[]string{"email", "nia"}, "has an @"},
		"a limit in words":         {[]string{"limit", "two"}, "is a number"},
	} {
		t.Run(name, func(t *testing.T) {
			form := map[string]string{"account": "nia", "name": "Nia Berg", "role": "operator", c.edit[0]: c.edit[1]}
			var pairs []string
			for k, v := range form {
				pairs = append(pairs, k, v)
			}
			p := v.post("/people", pairs...)
			p.says(t, http.StatusUnprocessableEntity, c.says)
			if c.edit[0] != "name" && p.value("name") != "Nia Berg" {
				t.Error("what was typed is lost")
			}
		})
	}
	v.follow("/people", "account", "Nia.B", "name", " Nia  Berg ", "role", "trainee", "departments", "reference", "departments", "digital", "limit", "2").
		says(t, http.StatusOK, "Nia Berg was added")
	l.read(func(rd desk.Reader) error {
		got, err := rd.StaffMember("nia.b")
		want := &desk.Staff{Account: "nia.b", Name: "Nia Berg", PublicName: "Nia", Role: desk.RoleTrainee, Departments: []string{"reference", "digital"}, Limit: 2}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		return err
	})
	if len(l.mails) != 0 {
		t.Error("an invitation that nobody asked for")
	}
}

func TestSetPerson(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	v.get("/people/ana").says(t, http.StatusOK, "Ana Lima", "Operator", "Disable the account")
	v.follow("/people/ana", "name", "Ana Lima-Roe", "public_name", "Ana", "role", "lead", "email", "ana@library.example").
		says(t, http.StatusOK, "Ana Lima-Roe was changed")
	v.post("/people/ana", "name", "", "role", "lead").says(t, http.StatusUnprocessableEntity, "Please give a name")
	v.get("/people").says(t, http.StatusOK, "Ana Lima-Roe ana lead none")

	v.post("/people/rosa", "name", "Rosa", "role", "operator").says(t, http.StatusUnprocessableEntity, "can't take your own role away")
	v.follow("/people/rosa/disable").says(t, http.StatusOK, "can't shut yourself out")

	v.follow("/people/ana/disable").says(t, http.StatusOK, "can't sign in", "disabled", "Let them in again")
	v.follow("/people/ana/invite", "kind", "invite").says(t, http.StatusOK, "Let them in again first")
	v.follow("/people/ana", "name", "Ana Lima", "role", "operator").says(t, http.StatusOK, "may sign in again")
	l.read(func(rd desk.Reader) error {
		p, err := rd.StaffMember("ana")
		if p.Disabled || p.Role != desk.RoleOperator {
			t.Errorf("%+v", p)
		}
		return err
	})
	v.follow("/people/rosa/invite", "kind", "reset").says(t, http.StatusOK, "A link to a new password is on its way to rosa@library.example")
}

// TestMailThatCanNotBeQueued: the person is there, and the page says that nothing was sent.
func TestMailThatCanNotBeQueued(t *testing.T) {
	l := newLibrary(t)
	l.jammed = errors.New("disk full")
	l.as("rosa").follow("/people", "account", "nia", "name", "Nia Berg", "email", "nia@library.example", "role", "operator", "invite", "1").
		says(t, http.StatusOK, "Nia Berg", "could not be put into the outbox")
	l.visit().follow("/forgot", "username", "rosa").says(t, http.StatusOK, "If there is such an account", "ask an admin")
}

func TestDepartments(t *testing.T) {
	l := newLibrary(t)
	lead := l.as("lena")
	lead.get("/departments").says(t, http.StatusOK, "Reference", "Digital Learning", "60 seconds", "An admin can change")
	lead.get("/departments/reference").says(t, http.StatusOK, "renewals")
	lead.post("/departments/reference", "name", "Mine").says(t, http.StatusForbidden)

	if err := l.store.Connect("ana"); err != nil {
		t.Fatal(err)
	}
	v := l.as("rosa")
	v.follow("/departments", "name", "Maps & Atlases", "id", "").says(t, http.StatusOK, "Maps & Atlases was made", "maps-atlases")
	v.post("/departments", "name", "Maps & Atlases").says(t, http.StatusUnprocessableEntity, "already")
	v.post("/departments", "name", "", "id", "x").says(t, http.StatusUnprocessableEntity, "Please give a name")
	v.post("/departments", "name", "X", "id", "Über uns").says(t, http.StatusUnprocessableEntity, "A short name has")

	v.follow("/departments/maps-atlases", "name", "Maps", "tags", "old maps\r\n\r\n  copies ", "untagged", "1", "zone", "Europe/Dublin",
		"from1", "9:00", "to1", "12.30", "from1", "14", "to1", "24:00", "from6", "10:00", "to6", "11:00",
		"answered_by", "reference", "backups", "ana", "backups", "#digital", "retention", "30", "deadline", "90", "no_store", "1").
		says(t, http.StatusOK, "Maps was changed")
	l.read(func(rd desk.Reader) error {
		got, err := rd.Department("maps-atlases")
		want := &desk.Department{
			ID: "maps-atlases", Name: "Maps", Tags: []string{"old maps", "copies"}, Untagged: true, TimeZone: "Europe/Dublin",
			Hours:      []desk.Opening{{Weekday: 1, From: 540, To: 750}, {Weekday: 1, From: 840, To: 1440}, {Weekday: 6, From: 600, To: 660}},
			AnsweredBy: []string{"reference"}, Backups: []string{"ana", "#digital"}, Retention: 30, Deadline: 90, NoStore: true,
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		views, err2 := rd.Departments(l.store.Now())
		for _, x := range views { // it is Monday, 11:00 in Dublin
			if x.ID == "maps-atlases" && x.State != desk.StateOnline {
				t.Errorf("the opening hours did not reach the calendar: %s", x.State)
			}
		}
		if err == nil {
			err = err2
		}
		return err
	})
	p := v.get("/departments/maps-atlases")
	if p.value("from1") != "9:00" || p.value("to6") != "11:00" || p.value("zone") != "Europe/Dublin" {
		t.Error("the form does not show what was saved")
	}
	for name, c := range map[string][]string{
		"Monday: hours are typed":     {"from1", "9:00", "to1", "8:00"},
		"Tuesday: hours are typed":    {"from2", "nine", "to2", "17:00"},
		"Sunday: hours are typed":     {"from0", "9:00", "to0", ""},
		"the two spans overlap":       {"from3", "9:00", "to3", "12:00", "from3", "11:00", "to3", "13:00"},
		"no time zone of that name":   {"zone", "Atlantis/Deep"},
		"are a number":                {"retention", "long"},
		"at most ten years":           {"retention", "900000"},
		"from 10 to 3,600":            {"deadline", "5"},
		"not there any more":          {"answered_by", "cellar"},
		"Please give a name":          {"name", ""},
		"A tag has at most 64":        {"tags", "01234567890123456789012345678901234567890123456789012345678901234"},
		"is not there any more":       {"backups", "nobody"},
		"Wednesday: hours are typed ": {"from3", "9:60", "to3", "12:00"},
	} {
		pairs := append([]string{}, c...)
		if c[0] != "name" {
			pairs = append(pairs, "name", "Maps")
		}
		if c[0] != "zone" {
			pairs = append(pairs, "zone", "UTC")
		}
		v.post("/departments/maps-atlases", pairs...).says(t, http.StatusUnprocessableEntity, name)
	}
}

func TestClaimDeadline(t *testing.T) {
	l := newLibrary(t)
	v := l.as("rosa")
	v.follow("/departments/clock", "deadline", "90").says(t, http.StatusOK, "The deadline for claiming is set")
	if got := v.get("/departments").value("deadline"); got != "90" {
		t.Errorf("deadline %q", got)
	}
	for _, bad := range []string{"5", "-1", "soon", "9999"} {
		v.post("/departments/clock", "deadline", bad).says(t, http.StatusUnprocessableEntity, "from 10 to 3,600")
	}
	v.follow("/departments/clock", "deadline", "")
	if got := v.get("/departments").value("deadline"); got != "60" {
		t.Errorf("back to %q", got)
	}
}

func TestClockMinutes(t *testing.T) {
	for s, want := range map[string]int{
		"9": 540, "9:00": 540, "09.05": 545, "24:00": 1440, "0:00": 0,
		"24:01": -1, "25": -1, "9:5": -1, "9:60": -1, "": -1, ":": -1, "-1": -1, "9:00:00": -1, "1e1": -1, "９:00": -1,
	} {
		got, ok := clockMinutes(s)
		if ok != (want >= 0) || ok && int(got) != want {
			t.Errorf("%q: %d %v, want %d", s, got, ok, want)
		}
	}
}

// FuzzClockMinutes: what is read is within a day, and reads the same when it is written again.
func FuzzClockMinutes(f *testing.F) {
	for _, s := range []string{"9", "9:00", "24:00", "::", "99999999999999999999:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := clockMinutes(s)
		if !ok {
			return
		}
		if again, ok := clockMinutes(clockText(n)); n > 1440 || !ok || again != n {
			t.Errorf("%q: %d, then %d", s, n, again)
		}
	})
}
