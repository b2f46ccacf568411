// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"context"
	"strings"
	"testing"
)

func testKeys(t testing.TB) Keyring {
	t.Helper()
	k, err := NewKeyring(Key{'b', []byte("the second secret of the desk 02")}, Key{'a', []byte("the first secret of the desk 001")})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func testOwn(t testing.TB) Own {
	return Own{Keys: testKeys(t), Addresses: []string{"help@library.example"}, Lists: []string{"help.library.example"}}
}

// dsn is a delivery report as RFC 3464 has it.
func dsn(fields string) string {
	return "From: Mail Delivery <mailer-daemon@mx.example>\nTo: help@library.example\nSubject: Report\nAuto-Submitted: auto-replied\n" +
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSomething about your mail.\n" +
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n" + fields +
		"\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <x@library.example>\n--b--\n"
}

func TestClassify(t *testing.T) {
	own := testOwn(t)
	human := "From: Ann <ann@reader.example>\nTo: help@library.example\nReturn-Path: <ann@reader.example>\n"
	daemon := "From: MAILER-DAEMON@mx.example\nTo: help@library.example\nReturn-Path: <>\n"
	for _, tc := range []struct {
		name, in string
		want     Kind
	}{
		{"a person", human + "Subject: Renewal\n\nPlease renew my book.\n", KindHuman},
		{"a person who writes about a bounce", human + "Subject: Undeliverable: my question\n\nI got: 550 5.1.1 user unknown. Message could not be delivered.\n", KindHuman},
		{"a person with Outlook's suppression", human + "Subject: Renewal\nX-Auto-Response-Suppress: All\n\nPlease.\n", KindHuman},
		{"a person who asks about office hours", human + "Subject: Out of office hours: where do I return books?\n\nHello\n", KindHuman},
		{"a person who says that it isn't automatic", human + "Subject: x\nAuto-Submitted: no\n\nHello\n", KindHuman},
		{"a postmaster who is a person", "From: postmaster@reader.example\nReturn-Path: <postmaster@reader.example>\nSubject: Your mail server\n\nCould you look at your SPF record?\n", KindHuman},
		{"a postmaster who is a person and had a bounce", "From: postmaster@reader.example\nReturn-Path: <postmaster@reader.example>\nSubject: Trouble\n\nMy last message could not be delivered to you. Is your mailbox full?\n", KindHuman},
		{"a copy of our own mail", "From: help@library.example\nMessage-ID: " + own.Keys.MessageID(57, 7, "library.example") + "\nList-Id: <x.lists.example>\n\nx\n", KindOwn},
		{"our Message-ID in a stranger's mail", human + "Message-ID: " + own.Keys.MessageID(57, 7, "library.example") + "\n\nx\n", KindHuman},
		{"a report of failure", dsn("Final-Recipient: rfc822; ann@reader.example\nAction: failed\nStatus: 5.1.1\n"), KindBounce},
		{"a report of failure for one of two", dsn("Final-Recipient: rfc822; ann@reader.example\nAction: delivered\n\nFinal-Recipient: rfc822; bob@reader.example\nAction: FAILED\n"), KindBounce},
		{"a report of failure without an action", dsn("Final-Recipient: rfc822; ann@reader.example\nStatus: 5.0.0\n"), KindBounce},
		{"a report of delay", dsn("Final-Recipient: rfc822; ann@reader.example\nAction: delayed\nStatus: 4.4.1\n"), KindDelayed},
		{"a report of delivery", dsn("Final-Recipient: rfc822; ann@reader.example\nAction: relayed\nStatus: 2.0.0\n"), KindDelivered},
		{"a disposition", human + "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nDisposition: manual-action/MDN-sent-manually; displayed\n--b--\n", KindOpened},
		{"a complaint", human + "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n", KindComplaint},
		{"qmail's words", daemon + "Subject: failure notice\n\nHi. This is the qmail-send program at mx.example.\n<ann@reader.example>:\nno mailbox here\n", KindBounce},
		{"Exim's words, null sender", "From: Mail System <root@mx.example>\nReturn-Path: <>\nSubject: x\n\nThis message was created automatically by mail delivery software.\n", KindBounce},
		{"Exim's words, quoted by a person", human + "Subject: what is this?\n\n> This message was created automatically by mail delivery software.\n", KindHuman},
		{"Exim's words about a delay", daemon + "Subject: Warning: message delayed 24 hours\n\nThis message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its recipients.\nNo action is required on your part.\n", KindDelayed},
		{"German words", daemon + "Subject: Fehler\n\nIhre Nachricht konnte nicht zugestellt werden.\n", KindBounce},
		{"a header of Exim's", daemon + "X-Failed-Recipients: ann@reader.example\nSubject: x\n\n...\n", KindBounce},
		{"a null sender, and our token", "From: x@mx.example\nReturn-Path: <>\nDelivered-To: " + own.Keys.BounceAddress(9, "library.example") + "\nSubject: x\n\nsorry\n", KindBounce},
		{"a notification of Amazon's", "From: no-reply@sns.example\nSubject: AWS\n\n{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{\"emailAddress\":\"ann@reader.example\",\"status\":\"5.1.1\"}]}}\n", KindBounce},
		{"away, with a null sender", "From: Ann <ann@reader.example>\nReturn-Path: <>\nSubject: On holiday\n\nBack on Monday. Mails that were not delivered yet wait.\n", KindAuto},
		{"RFC 3834", human + "Auto-Submitted: auto-replied; owner=ann\n\nx\n", KindAuto},
		{"X-Autoreply", human + "X-Autoreply: yes\n\nx\n", KindAuto},
		{"Precedence auto_reply", human + "Precedence: auto_reply\n\nx\n", KindAuto},
		{"suppression and a subject", human + "Subject: OOO until Monday\nX-Auto-Response-Suppress: All\n\nx\n", KindAuto},
		{"bulk", human + "Precedence: bulk\n\nx\n", KindList},
		{"a list", human + "List-Id: Books <books.lists.example>\n\nx\n", KindList},
		{"our own list", human + "List-Id: Help <help.library.example>\nList-Unsubscribe: <mailto:x@library.example>\nPrecedence: list\n\nx\n", KindHuman},
		{"nothing", "", KindHuman},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Classify(parse(t, tc.in), own); got.Kind != tc.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestReportsTellWhoAndWhy(t *testing.T) {
	v := Classify(parse(t, dsn("Final-Recipient: rfc822; Ann@reader.example\nAction: failed\nStatus: 5.1.1 (unknown)\nDiagnostic-Code: smtp; 550 no such user\n")), testOwn(t))
	if len(v.Recipients) != 1 || v.Recipients[0] != (Recipient{"Ann@reader.example", "failed", "5.1.1", "550 no such user"}) || !v.Recipients[0].Hard() || v.ReturnedID != "<x@library.example>" {
		t.Errorf("got %+v", v)
	}
}

func TestAutomaticSubjects(t *testing.T) {
	for _, s := range []string{
		"Out of Office: Re: your book", "Automatic reply: your book", "Auto: Re: your book", "Autoreply", "Abwesenheitsnotiz: Ihr Buch", "Automatische Antwort: Buch", "Réponse automatique : livre",
		"Respuesta automática: libro", "Resposta automática: livro", "Risposta automatica: libro", "Automatisch antwoord: boek", "Autosvar: bok", "Automatiskt svar: bok", "Automatisk svar: bog",
		"Automaattinen vastaus: kirja", "Odpowiedź automatyczna: książka", "Automatická odpověď: kniha", "Автоматический ответ: книга", "Автоматична відповідь: книга", "Otomatik Yanıt: kitap",
		"Automatikus válasz: könyv", "Răspuns automat: carte", "Αυτόματη απάντηση: βιβλίο", "自动答复: 书", "自動応答: 本", "자동 회신: 책", "תשובה אוטומטית: ספר", "رد تلقائي: كتاب",
	} {
		if !autoSubject.MatchString(s) {
			t.Errorf("%s: not known", s)
		}
	}
	for _, s := range []string{
		"Re: Out of Office: your book", "Out of office hours", "Automatic reply settings of my account", "Auto repair manuals", "Autobiography", "Abwesend am Montag – kann ich verlängern?", "Question about: out of office: replies", "Automobile", "",
	} {
		if autoSubject.MatchString(s) {
			t.Errorf("%s: taken for automatic", s)
		}
	}
}

func TestHops(t *testing.T) {
	m := parse(t, "Received: a\nX-Refdesk-Hop: 3\nReceived: b\n\nx\n")
	if servers, desks := m.Hops(); servers != 2 || desks != 3 {
		t.Errorf("got %d, %d", servers, desks)
	}
	if _, desks := parse(t, "X-Refdesk-Hop: -99999999999999999999\n\nx\n").Hops(); desks != 0 {
		t.Errorf("nonsense: got %d", desks)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(dsn("Action: failed\nStatus: 5.1.1\n"))
	f.Add("Return-Path: <>\n\n{\"notificationType\":\"Bounce\"}")
	f.Add("From: MAILER-DAEMON\n\n550 5.1.1")
	own := testOwn(f)
	f.Fuzz(func(t *testing.T, s string) {
		m := Parse(context.Background(), strings.NewReader(s), Options{})
		v := Classify(m, own)
		if v.Kind == "" || v.Why == "" {
			t.Errorf("no verdict: %+v", v)
		}
		if !m.Header.Has("Return-Path") && strings.HasPrefix(s, "From: ann@") && v.Kind == KindBounce && m.root.value == "text/plain" {
			t.Errorf("a person's mail became a bounce: %+v", v)
		}
		Candidates(m, v, own)
	})
}
