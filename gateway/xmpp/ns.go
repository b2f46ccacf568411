// SPDX-License-Identifier: Apache-2.0

// Package xmpp is the vocabulary of XMPP that the staff's door speaks: addresses of a desk, namespaces, builders of
// stanzas and errors, entity capabilities, and the one table of extensions (XEPs) that discovery and documents are made
// from. It opens no connection.
package xmpp

// Namespaces of RFC 6120 and RFC 6121.
const (
	NSClient       = "jabber:client"
	NSStream       = "http://etherx.jabber.org/streams"
	NSStreamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
	NSStanzas      = "urn:ietf:params:xml:ns:xmpp-stanzas"
	NSStartTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	NSSASL         = "urn:ietf:params:xml:ns:xmpp-sasl"
	NSBind         = "urn:ietf:params:xml:ns:xmpp-bind"
	NSSession      = "urn:ietf:params:xml:ns:xmpp-session" // RFC 3921 §3
	NSRoster       = "jabber:iq:roster"
)

// Namespaces of extensions, named after what they are for.
const (
	NSForm        = "jabber:x:data"                             // XEP-0004
	NSDiscoInfo   = "http://jabber.org/protocol/disco#info"     // XEP-0030
	NSDiscoItems  = "http://jabber.org/protocol/disco#items"    // XEP-0030
	NSMUC         = "http://jabber.org/protocol/muc"            // XEP-0045
	NSPrivate     = "jabber:iq:private"                         // XEP-0049
	NSCommands    = "http://jabber.org/protocol/commands"       // XEP-0050
	NSVCard       = "vcard-temp"                                // XEP-0054
	NSRSM         = "http://jabber.org/protocol/rsm"            // XEP-0059
	NSPubSub      = "http://jabber.org/protocol/pubsub"         // XEP-0060
	NSOOB         = "jabber:x:oob"                              // XEP-0066
	NSRegister    = "jabber:iq:register"                        // XEP-0077
	NSAvatarData  = "urn:xmpp:avatar:data"                      // XEP-0084
	NSChatStates  = "http://jabber.org/protocol/chatstates"     // XEP-0085
	NSVersion     = "jabber:iq:version"                         // XEP-0092
	NSCaps        = "http://jabber.org/protocol/caps"           // XEP-0115
	NSNick        = "http://jabber.org/protocol/nick"           // XEP-0172
	NSReceipts    = "urn:xmpp:receipts"                         // XEP-0184
	NSBlocking    = "urn:xmpp:blocking"                         // XEP-0191
	NSSM          = "urn:xmpp:sm:3"                             // XEP-0198
	NSPing        = "urn:xmpp:ping"                             // XEP-0199
	NSTime        = "urn:xmpp:time"                             // XEP-0202
	NSDelay       = "urn:xmpp:delay"                            // XEP-0203
	NSCarbons     = "urn:xmpp:carbons:2"                        // XEP-0280
	NSForward     = "urn:xmpp:forward:0"                        // XEP-0297
	NSCorrect     = "urn:xmpp:message-correct:0"                // XEP-0308
	NSArchive     = "urn:xmpp:mam:2"                            // XEP-0313
	NSMarkers     = "urn:xmpp:chat-markers:0"                   // XEP-0333
	NSHints       = "urn:xmpp:hints"                            // XEP-0334
	NSCSI         = "urn:xmpp:csi:0"                            // XEP-0352
	NSStanzaID    = "urn:xmpp:sid:0"                            // XEP-0359
	NSUpload      = "urn:xmpp:http:upload:0"                    // XEP-0363
	NSEME         = "urn:xmpp:eme:0"                            // XEP-0380
	NSRetract     = "urn:xmpp:message-retract:1"                // XEP-0424
	NSFallback    = "urn:xmpp:fallback:0"                       // XEP-0428
	NSReactions   = "urn:xmpp:reactions:0"                      // XEP-0444
	NSReply       = "urn:xmpp:reply:0"                          // XEP-0461
	NSOMEMOLegacy = "eu.siacs.conversations.axolotl"            // XEP-0384 before 0.4
	NSOMEMO1      = "urn:xmpp:omemo:1"                          // XEP-0384
	NSOMEMO2      = "urn:xmpp:omemo:2"                          // XEP-0384
	NSOpenPGP     = "urn:xmpp:openpgp:0"                        // XEP-0373
	NSPGPLegacy   = "jabber:x:encrypted"                        // XEP-0027
	NSOTR         = "urn:xmpp:otr:0"                            // XEP-0364
	NSPEPPublish  = "http://jabber.org/protocol/pubsub#publish" // XEP-0060
	NSPEPOptions  = "http://jabber.org/protocol/pubsub#publish-options"
)
