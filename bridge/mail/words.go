// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
)

// The words below are those that mail clients write themselves, in the languages their makers translate to.

// wroteWords are the verbs of the line above a quote ("… wrote:"). "(a)" and the like may follow.
var wroteWords = []string{
	"wrote", "writes", "sent", "a écrit", "a ecrit", "écrit", "schrieb", "schrieben", "geschrieben", "hat am", "hat folgendes", "schreef", "geschreven",
	"escribió", "escribio", "ha escrito", "va escriure", "ha escrit", "ha scritto", "scrisse", "scrive", "escreveu", "escribiu", "napisał", "napisała",
	"pisze", "napsal", "napsala", "napísal", "napísala", "написал", "написала", "пишет", "писал", "писала", "написав", "пише", "написа", "skrev",
	"skreiv", "skriver", "kirjoitti", "kirjoittaa", "kirjutas", "írta", "a scris", "yazdı", "yazmış", "έγραψε", "έγραψαν", "rašė", "parašė", "rakstīja",
	"napisao", "napisala", "pisal", "pisala", "pisao", "menulis", "đã viết", "skrifaði", "idatzi du", "kaleme aldı", "shkroi", "geskryf",
}

// wroteSigns are the same where words aren't set apart by blanks.
var wroteSigns = []string{
	"写道", "寫道", "写到", "写了", "さんは書きました", "のメール", "が書きました", "さんが書きました", "のメッセージ", "님이 작성", "님이 다음", "작성:", "כתב", "כתבה", "كتب", "نوشت", "เขียน",
}

// labels are the field names of the header block that Outlook and its like put above the mail they answer.
type label uint8

const (
	labelNone label = iota
	labelFrom
	labelTo
	labelCc
	labelDate
	labelSubject
	labelOther
)

var labelWords = map[label][]string{
	labelFrom: {
		"from", "de", "von", "da", "van", "från", "fra", "frá", "od", "odesílatel", "odosielateľ", "lähettäjä", "от", "от кого", "від", "kimden", "gönderen",
		"feladó", "de la", "expéditeur", "expediteur", "mittente", "remitente", "remetente", "afzender", "absender", "avsändare", "avsender", "afsender",
		"nadawca", "από", "nuo", "no", "saatja", "pošiljatelj", "šalje", "från", "发件人", "寄件者", "寄件人", "差出人", "送信者", "보낸 사람", "보낸사람", "מאת", "من", "từ", "dari", "จาก",
	},
	labelTo: {
		"to", "à", "a", "an", "para", "naar", "aan", "till", "til", "do", "pro", "komu", "vastaanottaja", "кому", "kime", "alıcı", "címzett", "către", "catre", "pour",
		"destinataire", "destinatario", "destinatário", "ontvanger", "empfänger", "mottagare", "mottaker", "modtager", "adresat", "προς", "kam", "kellele", "za", "prima",
		"收件人", "收件者", "宛先", "받는 사람", "받는사람", "אל", "إلى", "đến", "kepada", "ถึง",
	},
	labelCc: {"cc", "bcc", "kopie", "kopia", "kopi", "копия", "копія", "抄送", "副本", "参照", "참조", "cópia", "másolatot kap", "bilgi", "reply-to", "risposta", "responder a", "répondre à", "antwort an", "antwoord aan", "svar till", "svar til", "rispondi a", "답장", "返信先"},
	labelDate: {
		"date", "sent", "sent on", "datum", "gesendet", "gesendet am", "envoyé", "envoye", "date d'envoi", "fecha", "enviado", "enviado el", "enviado em", "data", "inviato", "verzonden", "verzonden op", "verstuurd",
		"skickat", "sendt", "dato", "lähetetty", "päivämäärä", "päiväys", "wysłano", "wysłane", "data wysłania", "odesláno", "odoslané", "дата", "отправлено", "надіслано", "tarih", "gönderildi", "gönderme tarihi", "küldve", "elküldve", "dátum",
		"trimis", "ημερομηνία", "στάλθηκε", "išsiųsta", "nosūtīts", "saadetud", "poslano", "发送时间", "发送日期", "日期", "寄件日期", "傳送日期", "时间", "日付", "送信日時", "送信日", "보낸 날짜", "날짜", "נשלח", "תאריך", "تاريخ", "التاريخ", "تم الإرسال", "ngày", "tanggal", "วันที่", "enviada em", "enviada", "dátum", "dags",
	},
	labelSubject: {
		"subject", "betreff", "objet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "efni", "aihe", "temat", "předmět", "predmet", "тема", "konu", "tárgy",
		"subiect", "θέμα", "tema", "temats", "teema", "zadeva", "主题", "主題", "主旨", "件名", "제목", "נושא", "الموضوع", "موضوع", "chủ đề", "perihal", "subjek", "เรื่อง", "assumpte", "gaia",
	},
	labelOther: {"importance", "priority", "wichtigkeit", "priorität", "importancia", "importância", "importance", "vigtighed", "prioritet", "attachments", "anlagen", "pièces jointes", "organization", "newsgroups", "message-id"},
}

// labelIndex turns labelWords round.
var labelIndex = func() map[string]label {
	index := map[string]label{}
	for l, words := range labelWords {
		for _, w := range words {
			if _, have := index[w]; !have {
				index[w] = l
			}
		}
	}
	return index
}()

// originalWords stand between dashes above a mail that is answered or forwarded, or on a line of their own.
var originalWords = regexp.MustCompile(`(?i)^[\s*_>|]*-{2,}[\s*]*(` + strings.Join([]string{
	`original (message|mail|e-?mail|appointment)`, `(the )?original message( follows)?`, `forwarded (message|mail|by .{1,60})`, `reply message`, `replied message`, `forwarded`,
	`message (d'origine|original|transféré|transmis|transferé)`, `message d’origine`, `courriel original`,
	`ursprüngliche (nachricht|mail|e-mail)`, `urspr\. nachricht`, `original-?nachricht`, `weitergeleitete (nachricht|mail)`, `originalnachricht`,
	`mensaje original`, `mensaje reenviado`, `missatge original`, `mensagem original`, `mensagem encaminhada`, `messaggio originale`, `messaggio inoltrato`, `messaggio originario`,
	`oorspronkelijk bericht`, `oorspronkelijk(e)? (bericht|mail)`, `doorgestuurd bericht`, `origineel bericht`,
	`ursprungligt? meddelande`, `original ?meddelande`, `vidarebefordrat meddelande`, `oprindelig (meddelelse|besked)`, `opprinnelig melding`, `videresendt (melding|besked|meddelelse)`,
	`alkuperäinen viesti`, `välitetty viesti`, `wiadomość oryginalna`, `oryginalna wiadomość`, `wiadomość przekazana`, `původní (zpráva|e-mail)`, `přeposlaná zpráva`, `pôvodná správa`,
	`исходное сообщение`, `пересылаемое сообщение`, `пересланное сообщение`, `оригинальное сообщение`, `перенаправленное сообщение`, `початкове повідомлення`, `вихідне повідомлення`, `переслане повідомлення`,
	`özgün (ileti|mesaj)`, `orijinal (mesaj|ileti)`, `iletilen (ileti|mesaj)`, `eredeti üzenet`, `továbbított üzenet`, `mesaj original`, `αρχικό μήνυμα`, `προωθημένο μήνυμα`, `originali žinutė`, `izvorna poruka`, `izvirno sporočilo`,
	`原始邮件`, `原始郵件`, `原始信件`, `邮件原件`, `转发的邮件`, `回复的原邮件`, `オリジナルメッセージ`, `元のメッセージ`, `转发邮件信息`, `원본 메시지`, `원본 메일`, `הודעה מקורית`, `الرسالة الأصلية`, `thư gốc`, `pesan asli`,
}, `|`) + `)[\s*:]*-{2,}`)

// forwardWords are lines of their own above a forwarded mail.
var forwardWords = regexp.MustCompile(`(?i)^[\s*>]*(begin forwarded message|start of forwarded message|anfang der weitergeleiteten (nachricht|e-mail)|début du message (réexpédié|transféré)|inizio messaggio inoltrato|` +
	`inicio del mensaje reenviado|início da mensagem (reencaminhada|encaminhada)|begin doorgestuurd bericht|vidarebefordrat brev|videresendt besked|videresendt melding|välitetty viesti alkaa|początek przekazywanej wiadomości|` +
	`začátek přeposílané zprávy|начало переадресованного сообщения|početak proslijeđene poruke|a továbbított levél kezdete|开始转发的邮件|下面是被转发的邮件|転送されたメッセージ|전달된 메시지 시작|iletilmiş mesajın başı)\s*[:：]?\s*$`)

// inlineHints announce answers among the quoted text, where a client marks nothing.
var inlineHints = regexp.MustCompile(`(?i)(\b(see|answers?|answered|repl(y|ies|ied)|respon(se|ses|ded)|comments?|commented|notes?|find|below|please|my)\b[^.\n]{0,60}\b(below|inline|in-line|in ?between|interspersed|in (red|blue|green|purple|bold|capitals|colou?r)|underneath|beneath|further down)\b` +
	`|\binline\b|\bin-line\b|\bsiehe (weiter )?unten\b|\bs\. ?u\.|\b(antworte?n?|kommentare?|anmerkungen|meine)\b[^.\n]{0,50}\b(unten|im text|dazwischen|in (rot|blau|grün)|inline)\b|\bunten\b` +
	`|\b(ci-dessous|plus bas|dans le texte|en (rouge|bleu|vert)|ci-après)\b|\b(más abajo|abajo|en (rojo|azul|verde)|intercalad[oa]s?|a continuación)\b|\b(qui sotto|di seguito|in (rosso|blu|verde)|sotto)\b|\b(abaixo|em (vermelho|azul|verde))\b` +
	`|\b(hieronder|onderstaand|zie onder|tussen de tekst|in het (rood|blauw|groen))\b|\b(nedan|nedanför|i rött|i blått)\b|\b(nedenfor|nedenunder|med rødt|i rødt)\b|\b(alla|alempana|punaisella)\b|\b(poniżej|na czerwono|w treści)\b|\b(níže|červeně)\b|\b(nižšie|dolu)\b|\b(alább|lent|piros(sal)?)\b|\b(mai jos|cu roșu)\b` +
	`|ниже|красным|нижче|червоним|aşağıda|kırmızı|παρακάτω|下面|如下|红色|紅色|以下|下記|赤字|赤で|아래|빨간|להלן|למטה|أدناه|dưới đây|di bawah)`)
