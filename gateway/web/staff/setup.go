// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"net/http"
	"strings"

	"refdesk/cluster/desk"
)

// task is one thing that a new desk needs.
type task struct {
	Name string
	Done bool
	Text string // how it is, or what to do
	Path string // where; "" = in the configuration or on the command line
}

// setupPage is GET /setup: what of a new desk is done, and what is missing.
func (d *Door) setupPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	var departments, people, faqs int
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		views, err := rd.Departments(d.now())
		if err != nil {
			return err
		}
		departments = len(views)
		staff, err := rd.StaffList()
		if err != nil {
			return err
		}
		for _, p := range staff {
			if !p.Disabled && p.Role >= desk.RoleTrainee && len(p.Departments) > 0 {
				people++
			}
		}
		all, err := rd.FAQs()
		faqs = len(all)
		return err
	})
	if err != nil {
		return err
	}
	voters := 0
	if d.deps.Cluster != nil {
		standing, err := d.deps.Cluster.Nodes(r.Context())
		if err != nil {
			return err
		}
		for _, n := range standing.Nodes {
			if n.Voter {
				voters++
			}
		}
	}
	tasks := d.tasks(departments, people, faqs, voters)
	left := 0
	for _, t := range tasks {
		if !t.Done {
			left++
		}
	}
	return d.page(w, r, who, "setup", Page{Title: "Set up the desk", Section: "/setup", Data: struct {
		Tasks []task
		Left  int
	}{tasks, left}})
}

func (d *Door) tasks(departments, people, faqs, voters int) []task {
	item := func(name, path string, ok bool, done, missing string) task {
		if ok {
			return task{name, true, done, path}
		}
		return task{name, false, missing, path}
	}
	return []task{
		item("Your password", "", true, "You are signed in.", ""),
		item("A department with hours", "/departments", departments > 0, plural(departments, "department")+".",
			"Patrons ask a department. Make the first one, and say when it is open."),
		item("People who answer", "/people", people > 0, plural(people, "colleague")+" can answer.",
			"Nobody can take a chat yet. Add people and put them into a department; they get a link by mail, or you hand it over."),
		item("Encryption", "", strings.HasPrefix(d.cfg.URL, "https://"), "Patrons and staff reach the desk by https.",
			"Give the desk a certificate (tls.cert, tls.key, http.tls_listen) or put a proxy with one in front, and write the https address into http.public_url."),
		item("Mail", "/outbox", d.deps.Mailer != nil && d.deps.Replier == nil, "Mails go out by the library's server.",
			"Tickets are answered by mail, and none leaves the desk yet. Write the mail server into the section [mail] of the configuration."),
		item("The widget on your site", "", len(d.frame.Sites()) > 0, "These sites may show it: "+strings.Join(d.frame.Sites(), ", ")+".",
			"Write the library's site into http.sites, and the widget's line into its pages."),
		item("FAQs", "/faqs", faqs > 0, plural(faqs, "answer")+".", "Patrons are shown answers before they ask. Write some, or bring them with refdesk faq import."),
		item("More than one node", "/nodes", voters >= 3, plural(voters, "node")+" vote.",
			"When the only node fails, the desk is away. Three nodes go on when one fails: refdesk token here, refdesk join there."),
	}
}
