// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
)

// mtaWords are sentences of particular mail servers. They are so much their own that they count whoever the sender is,
// as long as the envelope's sender was null.
var mtaWords = []string{
	"this is the qmail-send program", "this is the mail system at host", "this is the postfix program at host", "this is the dragonfly mail agent", "hi! this is the mailer-daemon",
	"this message was created automatically by mail delivery software", "this is a permanent error; i've given up", "i wasn't able to deliver your message", "was not able to deliver your message to the following",
	"----- transcript of session follows", "had permanent fatal errors", "had transient non-fatal errors", "----- unsent message follows", "diagnostic information for administrators",
	"delivery to the following recipient failed permanently", "delivery has failed to these recipients", "delivery to the following recipients failed", "did not reach the following recipient",
	"did not reach some or all of the intended recipients", "technical details of permanent failure", "the following addresses had delivery", "an error occurred while trying to deliver the mail to the following recipients",
	"unable to deliver message to the following address", "the following message could not be delivered because", "body of message generated response", "returning message to sender", "each of the following recipients was rejected",
}

// failWords say that a mail was not delivered, in words that a person might use too; only a mail server's own address
// makes them count.
var failWords = []string{
	"could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered", "can not be delivered", "was not delivered", "wasn't delivered", "has not been delivered", "not been delivered", "undeliverable", "undelivered", "unable to deliver", "unable to be delivered", "delivery failed",
	"delivery has failed", "failed to deliver", "error delivering", "delivery failure", "message not delivered", "failure reasons", "non-deliverable", "could not deliver", "could not be sent", "message that you sent", "failed to send", "can't be reached", "could not be reached", "returned mail", "returned message",
	"delivery errors", "delivery problems", "failed permanently", "permanent error", "not able to deliver", "wasn't able to deliver", "recipient rejected", "rejected your message", "message was rejected by", "unknown user", "user unknown", "delivery status notification", "the following address", "no such user", "no such address", "invalid user address", "user doesn't exist", "user does not exist", "address not found", "mailbox not found", "account is disabled", "may not exist, or you may not have permission",
	"nicht zugestellt werden", "unzustellbar", "nicht zustellbar", "n'a pas pu être (remis", "n'a pas pu être remis", "n'a pas pu être délivré", "n'a pas pu être distribué", "n'a pas été remis", "échec de la remise", "no se pudo entregar", "no se ha podido entregar", "no pudo ser entregado", "no se puede entregar",
	"impossibile recapitare", "non è stato possibile consegnare", "non può essere consegnato", "mancato recapito", "não pôde ser entregue", "não foi possível entregar", "não pode ser entregue", "kon niet worden bezorgd", "kan niet worden bezorgd", "niet worden afgeleverd", "onbestelbaar", "kunde inte levereras", "gick inte att leverera",
	"kunne ikke leveres", "ikke leveret", "ei voitu toimittaa", "nie mogła zostać dostarczona", "nie można dostarczyć", "nie została dostarczona", "nepodařilo se doručit", "nelze doručit", "nebylo možné doručit", "nemohla byť doručená", "не может быть доставлено", "не удалось доставить", "не было доставлено", "не доставлено", "не вдалося доставити",
	"teslim edilemedi", "iletilemedi", "nem sikerült kézbesíteni", "kézbesíthetetlen", "nu a putut fi livrat", "δεν ήταν δυνατή η παράδοση", "nije bilo moguće isporučiti", "nepavyko pristatyti",
	"配信できませんでした", "配信できません", "配信に失敗", "送信できませんでした", "送信できません", "届けられませんでした", "届けできませんでした", "配送できません", "配達できません", "お届けできません", "宛先不明", "宛先に届", "无法投递", "无法送达", "未能送达", "投递失败", "退信", "無法傳送", "無法投遞", "无法将邮件", "전송하지 못했습니다", "배달되지 않았습니다", "배달하지 못했습니다", "반송", "לא ניתן היה למסור", "تعذر تسليم", "không thể gửi",
}

// delayWords say that it is still being tried.
var delayWords = []string{
	"has not yet been delivered", "still being retried", "delivery has been delayed", "delivery delayed", "mail delivery delayed", "no action is required on your part", "will continue to try", "will keep trying", "this is only a warning", "this is a warning message only",
	"you do not need to resend", "do not need to resend your message", "delivery attempts will continue", "temporarily delayed", "delayed mail", "delivery incomplete", "temporary problem delivering", "will retry for", "zustellung verzögert", "retardée", "message is delayed",
}

var (
	daemonLocal = regexp.MustCompile(`(?i)^(mailer[-_.]?daemon|mail[-_.]?daemon|post[-_.]?master|mail[-_.]?delivery([-_.](system|subsystem))?|mdaemon|mail[-_.]?system|microsoftexchange[0-9a-f]+|bounces?|double-bounce|mmdf|mail-?admin|ndr)$`)
	replyCode   = regexp.MustCompile(`(?m)(^|[\s:>(\[])[#]?(5\d\d[ -]#?5\.\d{1,3}\.\d{1,3}|55[0-9][ :-]|5\.\d{1,3}\.\d{1,3}[ :)])`)
	failSubject = regexp.MustCompile(`(?i)(undeliver|failure notice|failed delivery|delivery (status|failure|failed|has failed|problem|error|report)|returned (mail|to sender)|returning (message|to sender)|mail (delivery|system) (failed|failure|error)|non[- ]?delivery|mail failed|could not be delivered|delivery notification|unzustellbar|non remis|no entregado|mancato recapito|não entregue|onbestelbaar|配信|配送|送信不可|退信|не доставлен)`)
)

// undeliverable finds the bounces that carry no machine-readable report, by who sends them and by what they say. Neither
// is enough alone: a postmaster is a person too, and people forward bounces.
func undeliverable(m *Message, own Own) (Verdict, bool) {
	text := bounceText(m)
	v := Verdict{Kind: KindBounce, Out: bouncedOut(m, own), ReturnedID: returnedID(m)}
	if cloud, ok := cloudReport(text); ok && !human(m) {
		return cloud, true
	}
	byDaemon, null := daemon(m), nullSender(m)
	if !byDaemon && !null {
		return Verdict{}, false
	}
	lower := flat(text)
	switch {
	case v.Out != 0:
		v.Why = "token"
	case m.Header.Has("X-Failed-Recipients"):
		v.Why = "x-failed-recipients"
	case contains(lower, mtaWords):
		v.Why = "words of a mail server"
	case byDaemon && contains(lower, failWords) && (null || !role(m) || failSubject.MatchString(m.Subject) || replyCode.MatchString(text) || givesBack(text)):
		v.Why = "words and sender"
	case null && failSubject.MatchString(m.Subject) && contains(lower, failWords):
		v.Why = "words and subject"
	case byDaemon && failSubject.MatchString(m.Subject) && (replyCode.MatchString(text) || m.returned != nil || givesBack(text)):
		v.Why = "subject, sender and what is returned"
	default:
		return Verdict{}, false
	}
	if contains(lower, delayWords) && !replyCode.MatchString(text) || contains(strings.ToLower(m.Subject), delayWords) {
		v.Kind = KindDelayed
	}
	if to := addresses(m.Header.All("X-Failed-Recipients")); len(to) > 0 {
		for _, a := range to {
			v.Recipients = append(v.Recipients, Recipient{Address: a.Addr, Action: string(v.Kind), Status: statusCode(text)})
		}
	}
	return v, true
}

// givesBack finds the header of another mail in the text.
func givesBack(text string) bool {
	_, after, ok := strings.Cut(text, "\nReceived: ")
	return ok && strings.Contains(strings.ToLower(after), "\nmessage-id: ")
}

// bounceText is what a mail server wrote, without the mail that it gives back.
func bounceText(m *Message) string {
	text := m.Text
	if len(text) > 32<<10 {
		text = strings.ToValidUTF8(text[:32<<10], "")
	}
	return text
}

// daemon reports whether the mail says that a mail server wrote it.
func daemon(m *Message) bool {
	if path := strings.Trim(m.Header.Raw("Return-Path"), "<> "); path != "" {
		local, _ := Address{Addr: path}.split()
		if daemonLocal.MatchString(local) && !strings.EqualFold(local, "postmaster") && !strings.HasPrefix(strings.ToLower(local), "bounce") {
			return true
		}
	}
	from := m.FromAddress()
	local, _ := from.split()
	switch {
	case from.Addr == "":
		return daemonLocal.MatchString(strings.ReplaceAll(from.Name, " ", "-")) || nullSender(m)
	case strings.EqualFold(local, "bounce") || strings.EqualFold(local, "bounces"):
		return nullSender(m)
	}
	return daemonLocal.MatchString(local)
}

// role reports whether the sender's address is one that people write from as well.
func role(m *Message) bool {
	local, _ := m.FromAddress().split()
	return strings.EqualFold(local, "postmaster") || strings.EqualFold(local, "mail-admin") || strings.EqualFold(local, "mailadmin")
}

// human reports whether anything speaks for a person as the writer of something that looks like a notification.
func human(m *Message) bool {
	local, _ := m.FromAddress().split()
	local = strings.ToLower(local)
	return !strings.Contains(local, "no-reply") && !strings.Contains(local, "noreply") && !strings.Contains(local, "notification") && !strings.Contains(local, "bounce")
}

// flat makes a text comparable: lower case, blanks single, straight apostrophes.
func flat(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "’", "'")
	return strings.Join(strings.Fields(s), " ")
}

func contains(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
