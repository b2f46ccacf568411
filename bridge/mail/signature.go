// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	// What phones and programs put under a mail. The device or program is named by a few words; an excuse may follow.
	device  = `(iphone|ipad|ipod|android|black ?berry|smart ?phone|phone|mobile|handy|mobil\p{L}*|handheld|tablet|cell|device|galaxy|samsung|htc|huawei|xiaomi|nokia|pixel|sony|lg|oneplus|redmi|windows|outlook|yahoo|gmail|mailbox|mail|airmail|sparrow|spark|aol|gmx|web\.de|protonmail|proton|hotmail|thunderbird|nexus|motorola|moto|alcatel|zte|kindle|mac|macbook|surface|work)`
	sentBy  = `(sent|send|enviad[oa]|envoyé|envoy[eé]e?|inviat[oa]|gesendet|verzonden|verstuurd|verstuurt|skickat|sendt|lähetetty|wysłan[eoay]|wysłano|odesláno|odoslané|poslano|отправлено|надіслано|gönderildi|küldve|trimis|στάλθηκε|get|written|typed|dictated|послано)`
	through = `(from|with|via|by|using|desde|de|depuis|avec|do|dal?|con|tramite|von|vom|mit|vanaf|van|met|från|med|fra|z|za|ze|mého|с|из|от|через|dari|din|från min|for)`

	// Words for "my" and the like may stand between.
	fromDevice = regexp.MustCompile(`(?i)^[\s<(\[*_]*` + sentBy + ` ` + through + `( (a|an|my|our|mi|mon|ma|meinem|meiner|mein|mijn|min|mitt|mio|mia|meu|minha|mojego|mého|моего|the|il|le|la))? ?[^.,;!?\n]{0,45}$`)
	knownName  = regexp.MustCompile(`(?i)\b` + device + `|ti-\d\d|\d+g\b`)
	excuse     = regexp.MustCompile(`(?i)[.,;!–-]+ *(please |pls |sorry|excuse|pardon|forgive|apolog|kindly |brevity|typo|entschuldig|désolé|perdon|scus)[^\n]*$`)
	link       = regexp.MustCompile(`(?i)\]?\(?<?\[?https?://[^\s]*`)

	// The ones that put the words in another order.
	phoneLines = regexp.MustCompile(`(?i)^[\s<(*_]*((von|vom) meine[mr] .{2,60} (gesendet|geschickt)|diese (nachricht|e-?mail) wurde von .{2,80} gesendet|(from|via) (my )?(mobile|phone|iphone|ipad|android|smartphone)( \w{1,10})?|` +
		`從我的 .{1,30} 傳送|从我的.{1,30}(发送|傳送|发出)|发自(我的)?.{1,30}|發自(我的)?.{1,30}|.{1,30}から送信|나의 .{1,30}에서 보냄|내 .{1,30}에서 보냄|נשלח מ.{1,40}|أرسلت من .{1,40}|` +
		`get outlook for \w+|outlook (für|pour|para|per|voor) (ios|android).{0,40}|(obtenir|télécharger|holen sie sich|obtener|scarica) outlook .{1,40})[\s>)*_.!]*$`)
	// "Ann from mobile", which may be talk as well: it has to stand apart.
	byName = regexp.MustCompile(`(?i)^\p{L}+ (from|via) (my )?(mobile|iphone|ipad|android|smartphone)$`)
	// "Sent by mail" tells how something was sent.
	byMail = regexp.MustCompile(`(?i)^\S+ (by|via|with|per|mit|par|por) (the )?(e-?)?mail\b`)

	onlyMarks = regexp.MustCompile(`^[\s\-_*#~=+—–.ᐧ>]+$`)
	contact   = regexp.MustCompile(`(?i)https?://|www\.|@|\+?\d[\d ()./-]{6,}\d`)
)

// phoneSignature knows the line under mails written on a phone. A sentence that merely begins like one is kept.
func phoneSignature(t string) bool {
	if utf8.RuneCountInString(t) > 200 {
		return false
	}
	t = strings.TrimSpace(strings.NewReplacer("[", "", "]", "").Replace(link.ReplaceAllString(t, "")))
	if byMail.MatchString(t) {
		return false
	}
	if phoneLines.MatchString(t) {
		return true
	}
	core := excuse.ReplaceAllString(t, "")
	core = strings.TrimRight(core, " .!>)]*_")
	return fromDevice.MatchString(core) && (knownName.MatchString(core) || len(strings.Fields(core)) <= 4 && core != t)
}

// withoutSignature gives the end of a text without what stands under it: signature, phone lines, ornaments.
func withoutSignature(lines []line, from, to int) int {
	end := withoutOrnaments(lines, from, to)
	for i := from; i < end; i++ {
		if lines[i].depth == 0 && signatureAt(lines[i:end]) {
			return withoutOrnaments(lines, from, i)
		}
	}
	return end
}

func withoutOrnaments(lines []line, from, to int) int {
	for ; to > from; to-- {
		t := strings.TrimSpace(lines[to-1].plain)
		switch {
		case t == "":
		case lines[to-1].depth > 0:
			return to
		case onlyMarks.MatchString(t) && !fenced(t), phoneSignature(t), to-1 > from && byName.MatchString(t) && apart(lines[to-2].plain):
		default:
			return to
		}
	}
	return to
}

// apart reports whether the line above leaves what follows standing by itself.
func apart(above string) bool { return strings.TrimSpace(above) == "" || phoneSignature(above) }

// fenced knows marks that mean something in their text.
func fenced(t string) bool {
	return strings.HasPrefix(t, "```") || strings.HasPrefix(t, "...") || t == "+" || t == "+1" || t == "-"
}

// signatureAt reports whether a signature begins here and goes on to the end. "-- " is RFC 3676's mark (§4.3), but people
// also draw lines between paragraphs; so what follows must not be talk: no question, no postscript, not long.
func signatureAt(lines []line) bool {
	mark := strings.TrimRight(lines[0].text, " \t\u00a0")
	exact := lines[0].text == "-- " || mark == "--"
	drawn := len(mark) >= 10 && strings.Trim(mark, "-_") == ""
	if !exact && mark != "—" && !drawn {
		return false
	}
	full, contacts := 0, 0
	for _, l := range lines[1:] {
		t := strings.TrimSpace(l.text)
		if t == "" {
			continue
		}
		lower := strings.ToLower(t)
		if l.depth > 0 || strings.HasSuffix(t, "?") || strings.Contains(t, "? ") || strings.HasPrefix(lower, "ps") || strings.HasPrefix(lower, "p.s") || strings.HasPrefix(lower, "nb") {
			return false
		}
		if full++; full > 25 {
			return false
		}
		if contact.MatchString(t) {
			contacts++
		}
		if utf8.RuneCountInString(t) > 100 && !contact.MatchString(t) && lines[0].text != "-- " {
			return false
		}
	}
	switch {
	case lines[0].text == "-- ":
		return true
	case exact:
		return full <= 12
	case drawn:
		return full <= 15 && contacts > 0
	}
	return full <= 6 && contacts > 0
}

// withoutFooter cuts the footer that mailing lists put below everything: a line across, then a few lines with an address.
func withoutFooter(lines []line) int {
	full, contacts := 0, 0
	for i := len(lines) - 1; i >= 0 && full <= 6; i-- {
		t := strings.TrimSpace(lines[i].text)
		if t == "" {
			continue
		}
		if len(t) >= 30 && strings.Trim(t, "_") == "" && lines[i].depth == 0 {
			if contacts > 0 && full > 0 {
				return i
			}
			return len(lines)
		}
		if strings.HasSuffix(t, "?") || lines[i].depth > 0 {
			return len(lines)
		}
		if l, _ := labelOf(t); l == labelFrom || l == labelSubject {
			return len(lines)
		}
		full++
		if contact.MatchString(t) {
			contacts++
		}
	}
	return len(lines)
}
