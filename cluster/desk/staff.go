// SPDX-License-Identifier: Apache-2.0

package desk

import "slices"

// Role says what a member of staff may do. Each role may do what those below it may.
type Role uint8

// The roles, from least to most.
const (
	RoleViewer Role = iota + 1
	RoleTrainee
	RoleOperator
	RoleLead
	RoleAdmin
)

var roleNames = [...]string{"", "viewer", "trainee", "operator", "lead", "admin"}

// String returns the role's word.
func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return ""
}

// RoleOf returns the role of a word, 0 if there is none.
func RoleOf(word string) Role {
	if word == "" {
		return 0
	}
	return Role(max(0, slices.Index(roleNames[:], word)))
}

// Staff is one person who works at the desk.
type Staff struct {
	Account     string // localpart of the address
	Name        string // as colleagues read it
	PublicName  string // as patrons read it
	Role        Role
	Departments []string
	Disabled    bool
	Email       string
	Limit       uint64 // chats at once, silent patrons' not counted; 0 = any number
}

const staffTable Table = "staff"

func (p *Staff) table() Table { return staffTable }
func (p *Staff) key() key     { return staffKey(p.Account) }
func staffKey(a string) key   { return key("").word(a) }

func (p *Staff) entries() []Entry {
	var out []Entry
	for _, d := range p.Departments {
		out = append(out, Entry{byDepartment, string(key("").word(d))})
	}
	return out
}

func (p *Staff) code(c *coder) {
	c.str(&p.Account)
	c.str(&p.Name)
	c.str(&p.PublicName)
	num(c, &p.Role)
	c.strs(&p.Departments)
	c.flag(&p.Disabled)
	c.str(&p.Email)
	c.u64(&p.Limit)
}

// SetStaff adds a member of staff or changes one. New = true refuses an account that exists.
type SetStaff struct {
	Staff Staff
	New   bool
}

// CommandName is the word for the command in the log.
func (*SetStaff) CommandName() string { return "SetStaff" }

func (x *SetStaff) code(c *coder) {
	x.Staff.code(c)
	c.flag(&x.New)
}

func (x *SetStaff) apply(s *state) error {
	if err := s.may(ManageStaff, Object{}); err != nil {
		return err
	}
	p := x.Staff
	old := get[Staff](s, staffKey(p.Account))
	switch {
	case !name(p.Account):
		return refuseField(Invalid, "account")
	case !plain(p.Name, 100):
		return refuseField(Invalid, "name")
	case !plain(p.PublicName, 100):
		return refuseField(Invalid, "public_name")
	case p.Role < RoleViewer || p.Role > RoleAdmin:
		return refuseField(Invalid, "role")
	case x.New && old != nil:
		return refuseField(Exists, "account")
	}
	if err := checkShort(p.Email, "email", 254); err != nil {
		return err
	}
	for _, d := range p.Departments {
		if get[Department](s, departmentKey(d)) == nil {
			return refuseField(NotFound, "department")
		}
	}
	put(s, &p)
	s.emit(Event{Kind: StaffChanged, Staff: p.Account, Audience: Audience{Staff: []string{p.Account}, Departments: p.Departments}})
	if p.Disabled || old != nil && old.Role != p.Role {
		s.endSessions(p.Account, "disabled")
	}
	s.duty(p.Account)
	return nil
}

// DisableStaff ends a person's sessions and lets them in no more. Their chats go back to waiting.
type DisableStaff struct{ Account string }

// CommandName is the word for the command in the log.
func (*DisableStaff) CommandName() string { return "DisableStaff" }

func (x *DisableStaff) code(c *coder) { c.str(&x.Account) }

func (x *DisableStaff) apply(s *state) error {
	if err := s.may(ManageStaff, Object{}); err != nil {
		return err
	}
	p := get[Staff](s, staffKey(x.Account))
	if p == nil {
		return refuseField(NotFound, "account")
	}
	p.Disabled = true
	put(s, p)
	s.emit(Event{Kind: StaffDisabled, Staff: p.Account, Audience: Audience{Staff: []string{p.Account}, Departments: p.Departments}})
	s.endSessions(p.Account, "disabled")
	s.unassign(p.Account)
	for _, chat := range s.ownedBy(p.Account) {
		if err := s.requeue(chat, "operator-lost"); err != nil {
			return err
		}
	}
	return nil
}

// Device is a device password: the keys that SCRAM stores (RFC 5802), never the password.
type Device struct {
	Account    string
	Name       string
	Salt       []byte // one salt for all devices of an account, so that SCRAM can try each
	Iterations uint32
	Stored1    []byte // SHA-1 StoredKey
	Server1    []byte // SHA-1 ServerKey
	Stored256  []byte // SHA-256 StoredKey
	Server256  []byte // SHA-256 ServerKey
	Created    Time
}

const deviceTable Table = "device"

func (d *Device) table() Table     { return deviceTable }
func (d *Device) key() key         { return staffKey(d.Account).word(d.Name) }
func (d *Device) entries() []Entry { return nil }

func (d *Device) code(c *coder) {
	c.str(&d.Account)
	c.str(&d.Name)
	c.bytes(&d.Salt)
	num(c, &d.Iterations)
	c.bytes(&d.Stored1)
	c.bytes(&d.Server1)
	c.bytes(&d.Stored256)
	c.bytes(&d.Server256)
	c.time(&d.Created)
}

// AddDevice gives an account a device password. The name must be new.
type AddDevice struct{ Device Device }

// CommandName is the word for the command in the log.
func (*AddDevice) CommandName() string { return "AddDevice" }

func (x *AddDevice) code(c *coder) { x.Device.code(c) }

func (x *AddDevice) apply(s *state) error {
	d := x.Device
	if err := s.may(OwnAccount, Object{Owner: d.Account}); err != nil {
		return err
	}
	switch {
	case get[Staff](s, staffKey(d.Account)) == nil:
		return refuseField(NotFound, "account")
	case !plain(d.Name, 64):
		return refuseField(Invalid, "name")
	case len(d.Salt) < 8 || len(d.Salt) > 64 || d.Iterations < 4096 || d.Iterations > 1_000_000,
		len(d.Stored1) != 20, len(d.Server1) != 20, len(d.Stored256) != 32, len(d.Server256) != 32:
		return refuseField(Invalid, "keys")
	case get[Device](s, d.key()) != nil:
		return refuseField(Exists, "name")
	}
	d.Created = s.now
	put(s, &d)
	s.emit(Event{Kind: DeviceChanged, Staff: d.Account, Value: d.Name, Audience: Audience{Staff: []string{d.Account}}})
	return nil
}

// RevokeDevice takes a device password back.
type RevokeDevice struct{ Account, Device string }

// CommandName is the word for the command in the log.
func (*RevokeDevice) CommandName() string { return "RevokeDevice" }

func (x *RevokeDevice) code(c *coder) {
	c.str(&x.Account)
	c.str(&x.Device)
}

func (x *RevokeDevice) apply(s *state) error {
	if err := s.may(OwnAccount, Object{Owner: x.Account}); err != nil {
		return err
	}
	d := get[Device](s, staffKey(x.Account).word(x.Device))
	if d == nil {
		return refuseField(NotFound, "device")
	}
	remove(s, d)
	s.emit(Event{Kind: DeviceChanged, Staff: x.Account, Value: x.Device, Audience: Audience{Staff: []string{x.Account}}})
	return nil
}
