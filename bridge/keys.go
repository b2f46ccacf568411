// SPDX-License-Identifier: Apache-2.0

package bridge

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"refdesk/bridge/mail"
)

// Keys makes the mail door's keys of the desk's. The first one signs. The letter of a key stays with it: when the desk gets
// a new key, the old one goes on with its letter behind the new one, for the two years in which answers to old mails may
// come.
func Keys(desk ...mail.Key) (mail.Keyring, error) {
	keys := make([]mail.Key, len(desk))
	for i, k := range desk {
		secret, err := hkdf.Key(sha256.New, k.Secret, nil, "refdesk mail tokens "+string(k.ID), 32)
		if err != nil {
			return mail.Keyring{}, fmt.Errorf("derive the mail keys: %w", err)
		}
		keys[i] = mail.Key{ID: k.ID, Secret: secret}
	}
	ring, err := mail.NewKeyring(keys...)
	if err != nil {
		return mail.Keyring{}, fmt.Errorf("derive the mail keys: %w", err)
	}
	return ring, nil
}

// instance is the desk's name for itself in its mails. It gives nothing away of the key.
func instance(desk []mail.Key) (string, error) {
	if len(desk) == 0 {
		return "", errors.New("derive the mail keys: there is no desk key")
	}
	id, err := hkdf.Key(sha256.New, desk[len(desk)-1].Secret, nil, "refdesk mail instance", 8)
	if err != nil {
		return "", fmt.Errorf("derive the desk's mail id: %w", err)
	}
	return hex.EncodeToString(id), nil
}
