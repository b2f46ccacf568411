// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"regexp"
	"strings"
)

// autoSubject knows how programs begin the subject of an automatic answer. What follows must be a break: "Out of office
// hours: how do I return a book?" is a question.
var autoSubject = regexp.MustCompile(`(?i)^[\s\[(]*(` + strings.Join([]string{
	`out of (the )?office`, `out-of-office`, `automatic (reply|response|answer)`, `auto(mated|matic)? ?-?(reply|response|responder)( message)?`, `autoreply`, `autoresponse`, `auto`, `vacation (reply|response|message|notice)`, `i am out of the office`,
	`automatische? (antwort|antwoord|rückantwort|eingangsbestätigung)`, `automatisch antwoord`, `abwesenheits(notiz|meldung|nachricht|assistent|agent)`, `abwesenheit`, `afwezigheids(bericht|melding)`, `niet aanwezig`, `automatisch bericht`,
	`réponse automatique`, `reponse automatique`, `message automatique`, `absence du bureau`, `notification d'absence`, `absent(e)? du bureau`,
	`respuesta automática`, `respuesta automatica`, `fuera de (la )?oficina`, `resposta automàtica`, `resposta automática`, `resposta automatica`, `fora do escritório`, `ausência temporária`,
	`risposta automatica`, `messaggio automatico`, `fuori (sede|ufficio)`, `autosvar`, `automatiskt svar`, `automatisk svar`, `frånvaro(meddelande)?`, `fraværsbesked`, `fravær`, `ikke på kontoret`, `ikke til stede`,
	`automaattinen vastaus`, `automaattivastaus`, `poissaoloviesti`, `poissa toimistosta`, `automatyczna odpowiedź`, `odpowiedź automatyczna`, `autoodpowiedź`, `poza biurem`, `automatická odpověď`, `mimo kancelář`, `automatická odpoveď`,
	`автоматический ответ`, `автоответ(чик)?`, `автоматична відповідь`, `автоматичен отговор`, `аўтаматычны адказ`, `otomatik (yanıt|cevap)`, `automatikus válasz`, `házon kívül`, `răspuns automat`, `αυτόματη απάντηση`, `εκτός γραφείου`,
	`automatski odgovor`, `аутоматски одговор`, `samodejni odgovor`, `automatinis atsakymas`, `automātiskā atbilde`, `automaatvastus`, `automaatne vastus`, `sjálfvirkt svar`,
	`自动(答复|回复|回覆)`, `自動(回覆|回復|答覆|応答|返信)`, `自動応答メール`, `不在通知`, `자동 ?(회신|응답)`, `부재중`, `תשובה אוטומטית`, `מענה אוטומטי`, `رد تلقائي`, `الرد التلقائي`, `پاسخ خودکار`, `trả lời tự động`, `tự động trả lời`, `balasan otomatis`, `ตอบกลับอัตโนมัติ`, `erantzun automatikoa`,
}, `|`) + `)( ?(auto-?reply|reply|response|message|notification|notice|antwort))?[\s\])]*([:：\-–—!.,|]|$|re: |aw: |\((re|was)\b)`)

// awaySubject is less sure: it counts only beside X-Auto-Response-Suppress.
var awaySubject = regexp.MustCompile(`(?i)^\s*(ooo\b|away\b|on (leave|holiday|vacation)|absen[tc]|abwesend|urlaub|afwezig|ferie|vacaciones|congé|en vacances|férias|assente|semester|loma|urlop|dovolená|отпуск|в отпуске|відпустка|izinde|szabadság|concediu)`)
