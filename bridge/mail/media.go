// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// media is a Content-Type or a Content-Disposition: a value and parameters.
type media struct {
	value  string // lower case
	params map[string]string
}

func (m media) is(prefix string) bool { return strings.HasPrefix(m.value, prefix) }

// parseMedia reads a value with parameters. It takes what breaks mime.ParseMediaType: no quotes, quotes that never end,
// double semicolons, doubled parameters, a stray word.
func parseMedia(s string) media {
	value, rest, _ := strings.Cut(s, ";")
	value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
	value, _, _ = strings.Cut(value, "\t")
	m := media{value: strings.ToLower(toUTF8(value)), params: map[string]string{}}
	if len(m.value) > 100 {
		m.value = ""
	}
	if rest == "" { // "text/plain charset=utf-8"
		if _, after, ok := strings.Cut(strings.TrimSpace(s), " "); ok && strings.Contains(after, "=") {
			rest = after
		}
	}
	for n := 0; rest != "" && n < 100; n++ {
		var key, val string
		key, val, rest = nextParam(rest)
		if _, have := m.params[key]; key != "" && !have {
			m.params[key] = val
		}
	}
	m.join()
	return m
}

// nextParam cuts one parameter off.
func nextParam(s string) (key, val, rest string) {
	s = strings.TrimLeft(s, "; \t")
	eq := strings.IndexByte(s, '=')
	if semi := strings.IndexByte(s, ';'); eq < 0 || semi >= 0 && semi < eq {
		_, rest, _ = strings.Cut(s, ";")
		return "", "", rest
	}
	key = strings.ToLower(strings.TrimSpace(s[:eq]))
	if i := strings.LastIndexAny(key, " \t"); i >= 0 {
		key = key[i+1:]
	}
	s = strings.TrimLeft(s[eq+1:], " \t")
	if !strings.HasPrefix(s, `"`) {
		val, rest, _ = strings.Cut(s, ";")
		return key, strings.TrimSpace(val), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return key, b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return key, b.String(), "" // the quote never ended
}

// join puts the pieces of long and encoded parameters together (RFC 2231 §3, §4).
func (m *media) join() {
	type piece struct {
		n       int
		encoded bool
		val     string
	}
	pieces := map[string][]piece{}
	for key, val := range m.params {
		base, tail, ok := strings.Cut(key, "*")
		if !ok || base == "" {
			continue
		}
		delete(m.params, key)
		tail, encoded := strings.CutSuffix("*"+tail, "*")
		n, err := strconv.Atoi(strings.TrimPrefix(tail, "*"))
		if err != nil {
			n = 0
		}
		pieces[base] = append(pieces[base], piece{n, encoded, val})
	}
	for base, all := range pieces {
		sort.Slice(all, func(i, j int) bool { return all[i].n < all[j].n })
		label := ""
		var raw []byte
		for i, p := range all {
			if p.encoded && i == 0 {
				if parts := strings.SplitN(p.val, "'", 3); len(parts) == 3 {
					label, p.val = parts[0], parts[2]
				}
			}
			if p.encoded {
				if un, err := url.PathUnescape(p.val); err == nil {
					p.val = un
				}
			}
			raw = append(raw, p.val...)
		}
		m.params[base], _ = decodeCharset(raw, label)
	}
}

// fileName gives a part's name, made safe: no path, no controls, at most 120 characters.
func fileName(disposition, content media) string {
	for _, n := range []string{disposition.params["filename"], content.params["name"]} {
		if n = safeName(decodeWords(n)); n != "" {
			return n
		}
	}
	return ""
}

func safeName(s string) string {
	s = oneLine(s)
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"|?*`, r) || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, s)
	s = strings.TrimLeft(strings.TrimSpace(s), ".")
	ext := path.Ext(s)
	if len([]rune(s)) > 120 && len([]rune(ext)) < 20 {
		return clip(strings.TrimSuffix(s, ext), 120-len([]rune(ext))) + ext
	}
	return clip(s, 120)
}

// madeUpName names a part whose sender gave no name.
func madeUpName(n int, mediaType string) string {
	kind, sub, _ := strings.Cut(mediaType, "/")
	ext := ""
	switch {
	case mediaType == "message/rfc822" || mediaType == "message/global":
		return "message-" + strconv.Itoa(n) + ".eml"
	case mediaType == "text/calendar":
		ext = ".ics"
	case mediaType == "text/plain":
		ext = ".txt"
	case kind == "image" || kind == "audio" || kind == "video" || mediaType == "application/pdf" || mediaType == "text/html":
		if sub, _, _ = strings.Cut(sub, "+"); safeExt(sub) {
			ext = "." + sub
		}
	}
	return "attachment-" + strconv.Itoa(n) + ext
}

func safeExt(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 5
}

// runs knows the names of files that do something when they are opened.
func runs(name string) bool {
	switch strings.ToLower(path.Ext(strings.TrimRight(name, ". "))) {
	case ".exe", ".com", ".scr", ".pif", ".msi", ".msp", ".bat", ".cmd", ".ps1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh", ".hta",
		".cpl", ".jar", ".lnk", ".url", ".reg", ".iso", ".img", ".vhd", ".chm", ".scf", ".dll", ".app", ".command", ".desktop", ".sh",
		".html", ".htm", ".xhtml", ".svg", ".shtml", ".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".xll", ".pptm", ".potm", ".ppam", ".one", ".apk", ".appref-ms", ".gadget", ".inf", ".settingcontent-ms":
		return true
	}
	return false
}
