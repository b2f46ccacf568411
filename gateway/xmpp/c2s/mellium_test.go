// SPDX-License-Identifier: Apache-2.0

package c2s

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"net"
	"testing"

	"mellium.im/sasl"
	"mellium.im/xmlstream"
	client "mellium.im/xmpp"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/ping"
	"mellium.im/xmpp/stanza"

	"refdesk/gateway/xmpp"
	"refdesk/gateway/xmpp/element"
	"refdesk/gateway/xmpp/xmpptest"
)

// TestMelliumClient signs in with somebody else's client, by every mechanism and both ways of TLS.
func TestMelliumClient(t *testing.T) {
	h := newScript()
	h.stanza = func(_ context.Context, s *Session, el *element.Element, _ uint32) {
		if body, ok := xmpp.Body(el); ok {
			s.Send(xmpp.Message(xmpp.Chat, el.Attr("to"), s.JID(), "echo", body), nil)
		}
	}
	r := start(t, h, nil)
	for _, m := range []sasl.Mechanism{sasl.Plain, sasl.ScramSha1, sasl.ScramSha256} {
		for _, direct := range []bool{false, true} {
			name := m.Name + " STARTTLS"
			if direct {
				name = m.Name + " direct TLS"
			}
			t.Run(name, func(t *testing.T) {
				s := melliumLogin(t, r, m, direct)
				defer s.Close()
				// mellium v0.23.0 asks for an empty resource whatever it was given
				if got := s.LocalAddr(); got.Bare().String() != "ana@desk.example" || got.Resourcepart() == "" {
					t.Errorf("bound as %s", got)
				}
				echoed := make(chan string, 1)
				served := make(chan error, 1)
				go func() {
					served <- s.Serve(client.HandlerFunc(func(t xmlstream.TokenReadEncoder, start *xml.StartElement) error {
						if start.Name.Local != "message" {
							return nil
						}
						var msg struct {
							Body string `xml:"body"`
						}
						err := xml.NewTokenDecoder(xmlstream.MultiReader(xmlstream.Token(*start), t)).Decode(&msg)
						echoed <- msg.Body
						return err
					}))
				}()
				ctx, cancel := context.WithTimeout(t.Context(), xmpptest.Patience)
				defer cancel()
				if err := ping.Send(ctx, s, jid.MustParse(domain)); err != nil {
					t.Errorf("ping: %v", err)
				}
				const text = "<b> & مرحبا 😀 ]]>"
				err := s.Send(ctx, stanza.Message{To: jid.MustParse("c1@chat.desk.example"), Type: stanza.ChatMessage}.Wrap(
					xmlstream.Wrap(xmlstream.Token(xml.CharData(text)), xml.StartElement{Name: xml.Name{Local: "body"}})))
				if err != nil {
					t.Fatal(err)
				}
				select {
				case got := <-echoed:
					if got != text {
						t.Errorf("echoed %q", got)
					}
				case <-ctx.Done():
					t.Error("no echo")
				}
				s.Close()
				s.Conn().Close()
				<-served
			})
		}
	}
}

func melliumLogin(t *testing.T, r *rig, m sasl.Mechanism, direct bool) *client.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), xmpptest.Patience)
	defer cancel()
	features := []client.StreamFeature{client.SASL("", password, m), client.BindResource()}
	addr := r.plain
	if direct {
		addr = r.direct
	} else {
		features = append([]client.StreamFeature{client.StartTLS(r.client)}, features...)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var state client.SessionState
	if direct {
		conn, state = tls.Client(conn, r.client), client.Secure
	}
	me := jid.MustParse("ana@desk.example/mellium")
	s, err := client.NewSession(ctx, me.Domain(), me, conn, state,
		client.NewNegotiator(func(*client.Session, *client.StreamConfig) client.StreamConfig {
			return client.StreamConfig{Features: features}
		}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
