// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/gateway/account"
)

// devicesData is the page of one's own account.
type devicesData struct {
	slip
	Form    string // which form the slip is about: "device", "password"
	Device  string // as it was typed
	Devices []deviceRow
	Clients []client
	Client  string
	Others  int // further browsers that are signed in
	Address string
}

type deviceRow struct {
	Name string
	Made moment
}

// deviceData is the page that shows a new device's password, once.
type deviceData struct {
	Name     string
	Password string
	Client   client
	Settings settings
	Steps    []string
}

// devicesPage is GET /devices.
func (d *Door) devicesPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	return d.showDevices(w, r, who, http.StatusOK, devicesData{Client: r.URL.Query().Get("client")})
}

func (d *Door) showDevices(w http.ResponseWriter, r *http.Request, who *Who, status int, data devicesData) error {
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) error {
		devices, err := rd.Devices(who.Account)
		if err != nil {
			return err
		}
		for _, v := range devices {
			data.Devices = append(data.Devices, deviceRow{v.Name, d.moment(v.Created)})
		}
		sessions, err := rd.WebSessions(who.Account)
		for _, s := range sessions {
			if s.Hash != who.Session && s.Expires > d.now() {
				data.Others++
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	data.Clients, data.Address = clients(), who.Account+"@"+d.cfg.Connect.Domain
	return d.page(w, r, who, "devices", Page{Title: "Your account", Section: "/devices", Status: status, Data: data})
}

// addDevice is POST /devices. The password stands in this answer and nowhere else, so there is no redirect.
func (d *Door) addDevice(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	c := clientNamed(r.PostFormValue("client"))
	name := oneLine(r.PostFormValue("name"))
	if name == "" {
		name = c.Name
	}
	device, password, err := d.makeDevice(r.Context(), who, name)
	if e := refusal(err, desk.Exists, desk.Invalid); e != nil {
		data := devicesData{Form: "device", Device: name, Client: c.ID, slip: slip{
			"You have a device called “" + name + "” already. Give this one another name.", "name",
		}}
		if e.Code == desk.Invalid {
			data.slip = slip{"The name of a device has at most 64 characters.", "name"}
		}
		return d.showDevices(w, r, who, http.StatusUnprocessableEntity, data)
	}
	if err != nil {
		return err
	}
	s := d.settings(who.Account)
	return d.page(w, r, who, "device", Page{Title: "Password for " + device.Name, Section: "/devices", Data: deviceData{
		Name: device.Name, Password: password, Client: c, Settings: s, Steps: c.Steps(s),
	}})
}

func (d *Door) makeDevice(ctx context.Context, who *Who, name string) (*desk.Device, string, error) {
	var existing []*desk.Device
	err := d.view(ctx, who.Actor, func(rd desk.Reader) (err error) {
		existing, err = rd.Devices(who.Account)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	device, password, err := account.NewDevice(who.Account, name, existing)
	if err != nil {
		return nil, "", err
	}
	// No key: a second press makes another password, and its name is taken by then.
	_, err = d.do(ctx, who.Actor, desk.Key{}, &desk.AddDevice{Device: *device})
	return device, password, err
}

// revokeDevice is POST /devices/revoke.
func (d *Door) revokeDevice(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	name := r.PostFormValue("name")
	_, err := d.submit(r, who, &desk.RevokeDevice{Account: who.Account, Device: name})
	if err != nil && refusal(err, desk.NotFound) == nil {
		return err
	}
	return d.done(w, r, "/devices", "The password of “"+name+"” opens nothing any more.")
}

// changePassword is POST /password. The old one is asked for: a browser left open is not enough.
func (d *Door) changePassword(w http.ResponseWriter, r *http.Request, who *Who) error {
	if err := parseForm(r); err != nil {
		return err
	}
	again := func(status int, s slip) error {
		return d.showDevices(w, r, who, status, devicesData{Form: "password", slip: s})
	}
	_, err := d.accounts.WebLogin(r.Context(), passwords{d}, who.Account, r.PostFormValue("old"), d.frame.Address(r))
	var f *account.Failure
	switch {
	case errors.As(err, &f) && f.Condition == account.NotAuthorized:
		return again(http.StatusUnprocessableEntity, slip{"The old password is another. Nothing was changed.", "old"})
	case err != nil:
		return tooMany("There were many tries just now. Please wait a minute, then try once more.")
	}
	phc, wrong := newPassword(r.PostFormValue("password"), r.PostFormValue("again"))
	if wrong.Error != "" {
		return again(http.StatusUnprocessableEntity, wrong)
	}
	_, err = d.do(r.Context(), who.Actor, desk.Key{}, &desk.SetWebPassword{Account: who.Account, PHC: phc, Keep: who.Session})
	if err != nil {
		return err
	}
	return d.done(w, r, "/devices", "Your new password is set. Other browsers were signed out.")
}

// endSession is POST /sessions/end: signs the person out in all other browsers.
func (d *Door) endSession(w http.ResponseWriter, r *http.Request, who *Who) error {
	var sessions []*desk.WebSession
	err := d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		sessions, err = rd.WebSessions(who.Account)
		return err
	})
	if err != nil {
		return err
	}
	sessions = slices.DeleteFunc(sessions, func(s *desk.WebSession) bool { return strings.EqualFold(s.Hash, who.Session) })
	for _, s := range sessions {
		if _, err := d.do(r.Context(), who.Actor, desk.Key{}, &desk.CloseWebSession{Hash: s.Hash}); err != nil {
			return err
		}
	}
	return d.done(w, r, "/devices", "You are signed in here and nowhere else.")
}
