// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"slices"
	"strings"
)

// AuthResult is one method of an Authentication-Results field (RFC 8601 §2.2).
type AuthResult struct {
	Method string            // spf, dkim, dmarc, …; lower case
	Result string            // pass, fail, none, temperror, …; lower case
	Props  map[string]string // "header.d" and such, lower-case keys
}

// AuthResults is a whole field.
type AuthResults struct {
	ServID  string // who says so; "" in Microsoft 365's form
	Results []AuthResult
}

const mostResults = 50

// ParseAuthResults reads a field's value. It takes Microsoft 365's form too, which begins with the first result in place of
// the server's name.
func ParseAuthResults(s string) AuthResults {
	var a AuthResults
	pieces := splitResults(dropComments(s))
	if len(pieces) == 0 {
		return a
	}
	words := strings.Fields(pieces[0])
	switch {
	case len(words) == 0:
		pieces = pieces[1:]
	case !strings.Contains(words[0], "="):
		a.ServID = strings.ToLower(strings.Trim(words[0], `"`))
		rest := words[1:]
		if len(rest) > 0 && strings.Trim(rest[0], "0123456789") == "" { // the version
			rest = rest[1:]
		}
		pieces[0] = strings.Join(rest, " ")
	}
	for _, p := range pieces {
		if r, ok := parseResult(p); ok {
			a.Results = append(a.Results, r)
		}
		if len(a.Results) == mostResults {
			break
		}
	}
	return a
}

// parseResult reads "dkim=pass header.d=example.org header.i=@example.org".
func parseResult(s string) (AuthResult, bool) {
	s = strings.ReplaceAll(s, "= ", "=")
	s = strings.ReplaceAll(s, " =", "=")
	words := strings.Fields(s)
	if len(words) == 0 {
		return AuthResult{}, false
	}
	method, result, ok := strings.Cut(words[0], "=")
	method, _, _ = strings.Cut(strings.ToLower(method), "/")
	result = strings.ToLower(strings.Trim(result, `",`))
	if !ok || method == "" || result == "" {
		return AuthResult{}, false
	}
	r := AuthResult{Method: method, Result: result, Props: map[string]string{}}
	for _, w := range words[1:] {
		k, v, ok := strings.Cut(w, "=")
		if _, have := r.Props[strings.ToLower(k)]; ok && k != "" && !have {
			r.Props[strings.ToLower(k)] = strings.Trim(v, `",`)
		}
	}
	return r, true
}

// dropComments takes out comments, which nest and may hold anything (RFC 5322 §3.2.2); quoted strings are left whole. A
// comment that never ends takes the rest with it: nothing in it may pass for a result.
func dropComments(s string) string {
	var b strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && (quoted || depth > 0) && i+1 < len(s):
			if depth == 0 {
				b.WriteByte(s[i+1])
			}
			i++
		case c == '"' && depth == 0:
			quoted = !quoted
			b.WriteByte(c)
		case quoted:
			b.WriteByte(c)
		case c == '(':
			depth++
		case c == ')':
			depth = max(0, depth-1)
		case depth == 0:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// splitResults splits at semicolons outside quotes; blanks inside quotes become underscores, so that words stay words.
func splitResults(s string) []string {
	var pieces []string
	var b strings.Builder
	quoted := false
	for _, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
			b.WriteRune(c)
		case c == ';' && !quoted:
			pieces = append(pieces, b.String())
			b.Reset()
		case quoted && (c == ' ' || c == '\t' || c == '='):
			b.WriteByte('_')
		default:
			b.WriteRune(c)
		}
	}
	return append(pieces, b.String())
}

// AuthState is what is known about the sender.
type AuthState string

// The states. Without any trusted field it is unknown, which is not the same as failed.
const (
	AuthPass    AuthState = "pass"    // DMARC passed, or DKIM of the sender's own domain
	AuthFail    AuthState = "fail"    // DMARC failed
	AuthTemp    AuthState = "temp"    // could not be checked just now
	AuthNone    AuthState = "none"    // checked, and there is nothing to go by
	AuthUnknown AuthState = "unknown" // nobody whom we trust has checked
)

// AuthTrust says whose word counts; it is learnt at set-up from a mail to ourselves.
type AuthTrust struct {
	ServIDs   []string // authserv-ids of our provider
	Hosts     []string // domains of the provider's servers, for Received … by
	Microsoft bool     // fields without an id count, if a server of Hosts wrote a Received below them
}

var receivedBy = regexp.MustCompile(`(?i)\bby\s+([a-z0-9._-]+)`)

// Authenticate judges the sender by the fields that our own provider wrote. A field counts only if no foreign server has
// handled the mail after it: fields below a Received of somebody else may have been written by anybody (RFC 8601 §5).
func Authenticate(m *Message, trust AuthTrust) AuthState {
	if len(addresses(m.Header.All("From"))) != 1 {
		return AuthFail // DMARC has no answer for several senders; forgers do (RFC 7489 §6.6.1)
	}
	_, domain := m.FromAddress().split()
	if domain == "" {
		return AuthNone
	}
	state, unnamed := AuthUnknown, AuthUnknown
	for _, f := range m.Header {
		switch strings.ToLower(f.Name) {
		case "received":
			by := receivedBy.FindStringSubmatch(f.Value)
			if by == nil || !within(by[1], trust.Hosts) {
				return state
			}
			state = worse(state, unnamed)
			unnamed = AuthUnknown
		case "authentication-results":
			a := ParseAuthResults(f.Value)
			switch {
			case a.ServID != "" && slices.ContainsFunc(trust.ServIDs, func(id string) bool { return strings.EqualFold(id, a.ServID) }):
				state = worse(state, a.judge(domain))
			case a.ServID == "" && trust.Microsoft && unnamed == AuthUnknown:
				// Without an id, only its place tells who wrote it: above the line by which a server of the provider took
				// the mail. What the sender put in stands below all of those.
				unnamed = a.judge(domain)
			}
		}
	}
	return state
}

func within(host string, domains []string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, d := range domains {
		d = strings.ToLower(strings.Trim(d, "."))
		if d != "" && (host == d || strings.HasSuffix(host, "."+d)) {
			return true
		}
	}
	return false
}

// worse joins the words of several trusted servers: a failure is never outvoted.
func worse(a, b AuthState) AuthState {
	rank := map[AuthState]int{AuthUnknown: 0, AuthNone: 1, AuthPass: 2, AuthTemp: 3, AuthFail: 4}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// judge weighs the results for the domain in From.
func (a AuthResults) judge(from string) AuthState {
	aligned := false
	state := AuthNone
	for _, r := range a.Results {
		switch r.Method {
		case "dmarc":
			if h := r.Props["header.from"]; h != "" && !sameDomain(h, from) {
				continue // about another mail
			}
			switch r.Result {
			case "pass":
				state = worse(state, AuthPass)
			case "fail", "permerror":
				state = worse(state, AuthFail)
			case "temperror":
				state = worse(state, AuthTemp)
			}
		case "dkim":
			d := r.Props["header.d"]
			if d == "" {
				_, d, _ = strings.Cut(r.Props["header.i"], "@")
			}
			aligned = aligned || r.Result == "pass" && d != "" && sameDomain(d, from)
		}
	}
	if state == AuthNone && aligned {
		return AuthPass
	}
	return state
}

// sameDomain is strict alignment, and the relaxed one downwards: a signature of example.org speaks for mail.example.org.
// The other way needs the list of public suffixes; without it, "org" must not speak for everyone, hence the dot.
func sameDomain(signer, from string) bool {
	signer, from = strings.ToLower(strings.Trim(signer, ".")), strings.ToLower(strings.Trim(from, "."))
	if i := strings.LastIndexByte(signer, '@'); i >= 0 {
		signer = signer[i+1:]
	}
	return signer == from || strings.HasSuffix(from, "."+signer) && strings.Contains(signer, ".") && !registry(signer)
}

// registry knows the second-level domains under which names are given to strangers, such as co.uk.
func registry(domain string) bool {
	second, top, _ := strings.Cut(domain, ".")
	if strings.Contains(top, ".") {
		return false
	}
	switch second {
	case "co", "com", "org", "net", "ac", "edu", "gov", "gob", "gouv", "or", "ne", "go", "nom", "sch", "ltd", "plc", "me", "id", "info", "asso":
		return len(top) == 2
	}
	return false
}
