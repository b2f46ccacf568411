// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
	"testing"
	"time"
)

// Lines above a quote, as clients in many languages write them.
var introLines = []string{
	"On Tue, 3 Feb 2026 at 14:05, Main Library <help@library.example> wrote:",
	"On Tue, Feb 3, 2026 at 2:05 PM Main Library <help@library.example>\nwrote:",
	"On 03/02/2026 14:05, Main Library wrote:",
	"Am 03.02.26 um 14:05 schrieb Main Library:",
	"Am Di., 3. Feb. 2026 um 14:05 Uhr schrieb Main Library <\nhelp@library.example>:",
	"Main Library <help@library.example> schrieb am Di., 3. Feb. 2026,\n14:05:",
	"Le mar. 3 févr. 2026 à 14:05, Main Library <help@library.example> a\nécrit\u00a0:",
	"Le 03/02/2026 à 14:05, Main Library a écrit\u00a0:",
	"El mar, 3 feb 2026 a las 14:05, Main Library (<help@library.example>)\nescribió:",
	"Il giorno mar 3 feb 2026 alle ore 14:05 Main Library <\nhelp@library.example> ha scritto:",
	"Il 03/02/2026 14:05, Main Library ha scritto:",
	"Em ter., 3 de fev. de 2026 às 14:05, Main Library <help@library.example>\nescreveu:",
	"Op di 3 feb 2026 om 14:05 schreef Main Library <help@library.example>:",
	"Op 3 feb. 2026 om 14:05 heeft Main Library <help@library.example> het volgende geschreven:",
	"Den tis 3 feb. 2026 kl 14:05 skrev Main Library <help@library.example>:",
	"tir. 3. feb. 2026 kl. 14:05 skrev Main Library <help@library.example>:",
	"ti 3. helmik. 2026 klo 14.05 Main Library (help@library.example) kirjoitti:",
	"wt., 3 lut 2026 o 14:05 Main Library <help@library.example> napisał(a):",
	"út 3. 2. 2026 v 14:05 odesílatel Main Library <help@library.example> napsal:",
	"вт, 3 февр. 2026 г. в 14:05, Main Library <help@library.example>:",
	"вт, 3 февр. 2026 г. в 14:05, Main Library <help@library.example> написал(а):",
	"вт, 3 лют. 2026 р. о 14:05 Main Library <help@library.example> пише:",
	"3 Şub 2026 Sal 14:05 tarihinde Main Library <help@library.example>\nşunu yazdı:",
	"Main Library <help@library.example> ezt írta (időpont: 2026. febr. 3., K, 14:05):",
	"mar., 3 feb. 2026 la 14:05, Main Library <help@library.example> a scris:",
	"Στις Τρί 3 Φεβ 2026 στις 14:05, ο χρήστης Main Library <help@library.example> έγραψε:",
	"Main Library <help@library.example> 于2026年2月3日周二 14:05写道：",
	"2026年2月3日(火) 14:05 Main Library <help@library.example>:",
	"2026년 2월 3일 (화) 오후 2:05, Main Library <help@library.example>님이 작성:",
	"\u202bבתאריך יום ג׳, 3 בפבר׳ 2026 ב-14:05 מאת \u202aMain Library\u202c\u200f <\u202ahelp@library.example\u202c\u200f>:\u202c",
	"Vào Th 3, 3 thg 2, 2026 vào lúc 14:05 Main Library <help@library.example> đã viết:",
	"Pada tanggal Sel, 3 Feb 2026 pukul 14.05 Main Library <help@library.example> menulis:",
}

func TestQuoteBelowAnIntroductionIsFolded(t *testing.T) {
	for _, intro := range introLines {
		t.Run(strings.ReplaceAll(intro, "\n", " "), func(t *testing.T) {
			got := Trim("Thank you, that helps.\n\n"+intro+"\n\n> Dear reader,\n> the book is due on Monday.\n", "", TrimOptions{})
			if want := (Reply{"Thank you, that helps.", ShownTop}); got != want {
				t.Errorf("above the quote: got %+v", got)
			}
			got = Trim(intro+"\n> Dear reader,\n> the book is due on Monday.\n\nThank you, that helps.\n", "", TrimOptions{})
			if want := (Reply{"Thank you, that helps.", ShownBottom}); got != want {
				t.Errorf("below the quote: got %+v", got)
			}
		})
	}
}

func TestAnswersAmongQuotesAreShown(t *testing.T) {
	for _, intro := range introLines {
		for name, body := range map[string]string{
			"between quotes":           intro + "\n> When will you come?\n\nOn Monday.\n\n> With how many?\n\nThree.\n",
			"between, then a quote":    intro + "\n> When will you come?\nOn Monday.\n> With how many?\n",
			"above and below":          "Dear library,\n\n" + intro + "\n> When will you come?\n\nOn Monday.\n",
			"above, the quote unbound": "Please see my answers below.\n\n" + intro + "\n\nWhen will you come?\nOn Monday.\n",
			"marked with initials":     intro + "\n\nML> When will you come?\n\nOn Monday.\n",
		} {
			if got := Trim(body, "", TrimOptions{}); !strings.Contains(got.Text, "On Monday.") {
				t.Errorf("%s, %s: hidden in %q", name, intro, got.Text)
			}
		}
	}
}

func TestHeaderBlocksBeginTheOldMail(t *testing.T) {
	for name, old := range map[string]string{
		"Outlook":                   "From: Main Library <help@library.example>\nSent: Tuesday, February 3, 2026 2:05 PM\nTo: Ann Lee\nSubject: Your question",
		"Outlook, no address":       "From: Main Library\nSent: Tuesday, February 3, 2026 2:05 PM\nTo: Ann Lee\nSubject: Your question",
		"with a line":               "________________________________\nFrom: Main Library\nSent: Tuesday\nTo: Ann Lee\nSubject: Your question",
		"bold":                      "*From:* Main Library <help@library.example>\n*Sent:* Tuesday\n*To:* Ann Lee\n*Subject:* Your question",
		"German":                    "Von: Main Library <help@library.example>\nGesendet: Dienstag, 3. Februar 2026 14:05\nAn: Ann Lee\nBetreff: Ihre Frage",
		"French":                    "De : Main Library <help@library.example>\nEnvoyé : mardi 3 février 2026 14:05\nÀ : Ann Lee\nObjet : Votre question",
		"Spanish":                   "De: Main Library <help@library.example>\nEnviado el: martes, 3 de febrero de 2026 14:05\nPara: Ann Lee\nAsunto: Su pregunta",
		"Dutch":                     "Van: Main Library <help@library.example>\nVerzonden: dinsdag 3 februari 2026 14:05\nAan: Ann Lee\nOnderwerp: Uw vraag",
		"Swedish":                   "Från: Main Library <help@library.example>\nSkickat: den 3 februari 2026 14:05\nTill: Ann Lee\nÄmne: Din fråga",
		"Polish":                    "Od: Main Library <help@library.example>\nWysłano: wtorek, 3 lutego 2026 14:05\nDo: Ann Lee\nTemat: Pytanie",
		"Russian":                   "От: Main Library <help@library.example>\nОтправлено: вторник, 3 февраля 2026 г. 14:05\nКому: Ann Lee\nТема: Вопрос",
		"Chinese":                   "发件人: Main Library <help@library.example>\n发送时间: 2026年2月3日 14:05\n收件人: Ann Lee\n主题: 问题",
		"Japanese":                  "差出人: Main Library <help@library.example>\n送信日時: 2026年2月3日 14:05\n宛先: Ann Lee\n件名: 質問",
		"original message":          "-----Original Message-----\nFrom: Main Library\nSubject: Your question",
		"original message, Turkish": "-----Orijinal Mesaj-----\nKimden: Main Library\nKonu: Soru",
		"original message alone":    "-------- Ursprüngliche Nachricht --------",
		"forwarded":                 "---------- Forwarded message ---------\nFrom: Main Library <help@library.example>",
	} {
		t.Run(name, func(t *testing.T) {
			got := Trim("Thank you.\n\n"+old+"\n\nThe book is due on Monday.\n", "", TrimOptions{})
			if want := (Reply{"Thank you.", ShownTop}); got != want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestTrim(t *testing.T) {
	intro := "On Tue, 3 Feb 2026 at 14:05, Main Library <help@library.example> wrote:\n"
	for _, tc := range []struct{ name, in, want string }{
		{"no quote: everything", "Hello,\n\nmay I bring my dog?\n", "Hello,\n\nmay I bring my dog?"},
		{"nothing but a quote: everything", "> You may.\n", "> You may."},
		{"nothing but an introduced quote: everything", intro + "> You may.\n", intro + "> You may."},
		{"a citation at the top stays: nobody's client put it there", "> A room of one's own\n\nHave you got this?\n", "> A room of one's own\n\nHave you got this?"},
		{"a booking is no header block", "I want a room.\n\nFrom: Monday 10:00\nTo: Tuesday\nSubject: chemistry\n\nIs that possible?\n", "I want a room.\n\nFrom: Monday 10:00\nTo: Tuesday\nSubject: chemistry\n\nIs that possible?"},
		{"a sentence with a date is no introduction", "On 3 February my teacher wrote:\nread chapter 5.\nWhich book is it in?\n", "On 3 February my teacher wrote:\nread chapter 5.\nWhich book is it in?"},
		{"a forwarded mail without a word: everything", "---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nDate: today\n\nPlease help.\n", "---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nDate: today\n\nPlease help."},
		{"an unmarked mail below a bare introduction: all of it", intro + "\nThe book is lost.\n", "The book is lost."},
		{"the text above an introduction stays whole", "I come on Monday 2 Feb 2026 at 10:00.\n" + intro + "> When?\n", "I come on Monday 2 Feb 2026 at 10:00."},
		{"answers by name: everything", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nWhen?\n[Ann Lee] On Monday.\n", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nWhen?\n[Ann Lee] On Monday."},
		{"announced answers: everything", "Siehe unten.\n\n-----Original Message-----\nFrom: Main Library\n\nWann?\nAm Montag.\n", "Siehe unten.\n\n-----Original Message-----\nFrom: Main Library\n\nWann?\nAm Montag."},
		{"answers by initials: everything", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nWhen?\n[AL] On Monday.\n", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nWhen?\n[AL] On Monday."},
		{"text below a quote in an unmarked mail: everything", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nHello,\n> When?\nOn Monday.\n", "Hi,\n\n-----Original Message-----\nFrom: Main Library\n\nHello,\n> When?\nOn Monday."},
		{"quotes at the end of an unmarked mail are its own", "Thanks!\n\n-----Original Message-----\nFrom: Main Library\n\nOn Monday.\n\n" + intro + "> When?\n\n-- \nLibrary\n", "Thanks!"},
		{"a citation at the end stays", "I mean this one:\n\n> A room of one's own\n", "I mean this one:\n\n> A room of one's own"},
		{"our own separator", "Thanks!\n\n=== please write above this line ===\nDear reader\n", "Thanks!"},
		{"a quoted introduction is a quote", "Thanks!\n> " + intro + "> You may.\n", "Thanks!"},
		{"an introduction whose address was broken", "Thanks!\n\nOn Tue, 3 Feb 2026 at 14:05, Main Library <help@library.example\n> wrote:\n\n> You may.\n", "Thanks!"},
		{"signature below the answer", "Thanks!\n-- \nAnn Lee\n+44 20 7946 0000\n\n" + intro + "> You may.\n", "Thanks!"},
		{"signature below the quote", "Thanks!\n\n" + intro + "> You may.\n\n-- \nAnn Lee\n", "Thanks!"},
		{"list footer below the quote", "Thanks!\n\n" + intro + "> You may.\n\n_______________________________________________\nreaders mailing list\nreaders@lists.example\nhttps://lists.example/readers\n", "Thanks!"},
		{"what is below a line of two dashes and asks is no signature", "First question.\n--\nSecond: may I bring my dog?\n", "First question.\n--\nSecond: may I bring my dog?"},
		{"a postscript is no signature", "Thanks!\n--\nPS. I lost my card.\n", "Thanks!\n--\nPS. I lost my card."},
		{"an old phone line goes", "Yes.\n\nSent from my iPhone\n", "Yes."},
		{"a German phone line goes", "Ja.\n\nVon meinem iPad gesendet\n", "Ja."},
		{"how something was sent stays", "How did I return it?\n\nSent by mail last week.\n", "How did I return it?\n\nSent by mail last week."},
		{"a call from a phone stays", "Nobody answered.\nI called from my phone\n", "Nobody answered.\nI called from my phone"},
		{"a phone line alone stays", "Sent from my iPhone\n", "Sent from my iPhone"},
		{"code between marks stays", "Look:\n\n```\n# a\n```\n", "Look:\n\n```\n# a\n```"},
		{"nothing", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Trim(tc.in, "", TrimOptions{From: []string{"Ann Lee"}, Separators: []string{"please write above this line"}})
			if strings.TrimSpace(got.Text) != strings.TrimSpace(tc.want) {
				t.Errorf("got %q, want %q", got.Text, tc.want)
			}
		})
	}
}

func TestTrimHTML(t *testing.T) {
	gmail := func(inside string) string {
		return `<div dir="ltr">Thank you.</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">Some day the library said:<br></div>` + inside + `</div>`
	}
	for _, tc := range []struct{ name, in, want string }{
		{"Gmail", gmail(`<blockquote class="gmail_quote">Dear reader</blockquote>`), "Thank you."},
		{"Gmail, answer between quotes", gmail(`<blockquote class="gmail_quote">When?</blockquote><div>On Monday.</div><blockquote class="gmail_quote">How many?</blockquote>`), "On Monday."},
		{"Gmail, answer below the quote", gmail(`<blockquote class="gmail_quote">When?</blockquote><div>On Monday.</div>`), "On Monday."},
		{"Thunderbird", `<p>Thank you.</p><div class="moz-cite-prefix">Foo:<br></div><blockquote type="cite"><p>Dear reader</p></blockquote>`, "Thank you."},
		{"Thunderbird, below", `<div class="moz-cite-prefix">Foo:<br></div><blockquote type="cite"><p>Dear reader</p></blockquote><p>Thank you.</p>`, "Thank you."},
		{"Outlook on the web", `<div>Thank you.</div><hr><div id="divRplyFwdMsg"><b>Lähde:</b> Library<br></div><div>Dear reader</div>`, "Thank you."},
		{"Outlook", `<p>Thank you.</p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p><b>Xyz:</b> Library<br><b>Abc:</b> now</p></div><p>Dear reader</p>`, "Thank you."},
		{"Outlook, answers in red", `<p>Hello.</p><div id="divRplyFwdMsg"><b>Xyz:</b> Library</div><p>When?</p><p><span style="color:red">On Monday.</span></p>`, "On Monday."},
		{"a citation", `<p>I mean</p><blockquote>A room of one's own</blockquote>`, "A room of one's own"},
		{"Yahoo", `<div>Thank you.</div><div id="ydp1yahoo_quoted_2" class="ydp1yahoo_quoted"><div>Xyz</div><div>Dear reader</div></div>`, "Thank you."},
		{"Proton", `<div>Thank you.</div><div class="protonmail_quote">Xyz<blockquote class="protonmail_quote" type="cite">Dear reader</blockquote></div>`, "Thank you."},
		{"an indent is no quote", `<p>I want</p><blockquote style="margin:0 0 0 40px;border:none;padding:0px"><div>this book</div></blockquote><p>please</p>`, "this book"},
		{"script and style are not text", `<style>p{}</style><script>x()</script><p>Hello</p>`, "Hello"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Trim("", tc.in, TrimOptions{})
			shown := strings.Contains(got.Text, tc.want)
			if !shown || tc.want == "Thank you." && got.Text != tc.want || strings.Contains(got.Text, "x()") {
				t.Errorf("got %+v, want %q", got, tc.want)
			}
		})
	}
}

func TestTrimPrefersTheStructureOfTheHTML(t *testing.T) {
	// The plain text lost its marks; the HTML still has them.
	plain := "Thank you.\nFoo:\nDear reader\n"
	got := Trim(plain, `<p>Thank you.</p><div class="moz-cite-prefix">Foo:</div><blockquote type="cite">Dear reader</blockquote>`, TrimOptions{})
	if got.Text != "Thank you." {
		t.Errorf("got %+v", got)
	}
	if got := Trim(plain, `<p>Thank you.</p><p>Foo:</p><p>Dear reader</p>`, TrimOptions{}); got.Text != strings.TrimSpace(plain) {
		t.Errorf("no structure: got %+v", got)
	}
}

// Time grows no faster than the text: these would take minutes otherwise.
func TestTrimIsQuick(t *testing.T) {
	for name, unit := range map[string]string{
		"introductions": "On Tue, 3 Feb 2026 at 14:05, Main Library <help@library.example> wrote:\n",
		"half of one":   "On Tue, 3 Feb 2026 at 14:05, Main Library <help@library.example>\n",
		"labels":        "From: a@example.org\nTo: b\n",
		"dashes":        "--\nx\n",
		"underscores":   "______________________________________\nx\n",
		"quotes":        ">>>>>>>>>>>> x\ny\n",
		"one line":      "wrote: ",
		"original":      "-----x",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			Trim(strings.Repeat(unit, 400_000/len(unit)), "", TrimOptions{})
			if d := time.Since(start); d > 8*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestTrimOfHTMLIsQuick(t *testing.T) {
	for name, unit := range map[string]string{
		"open elements":     "<div class=gmail_quote>x",
		"open quotes":       "<blockquote type=cite>x<br>",
		"ends only":         "</div></p></blockquote>",
		"styles":            `<div style="border-top:solid #000 1pt;color:blue">x</div>`,
		"half a tag":        "<div style=\"x",
		"an endless name":   "<" + strings.Repeat("a", 1000),
		"entities":          "&amp;&nbsp;&zzz;",
		"lists within list": "<ul><li>x",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			Trim("", strings.Repeat(unit, 2_000_000/len(unit)), TrimOptions{})
			if d := time.Since(start); d > 8*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func FuzzTrim(f *testing.F) {
	for _, l := range introLines {
		f.Add("Thanks\n\n"+l+"\n> q\n", "")
	}
	f.Add("", `<div class="gmail_quote">x<blockquote>y</blockquote>z</div>`)
	f.Fuzz(func(t *testing.T, text, html string) {
		r := Trim(text, html, TrimOptions{})
		if r.Text == "" && strings.TrimFunc(text, func(r rune) bool { return r <= ' ' || r == 0x85 || r == 0xa0 || r >= 0x2000 }) != "" && html == "" {
			t.Errorf("%q became nothing", text)
		}
	})
}
