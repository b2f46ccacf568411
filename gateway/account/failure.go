// SPDX-License-Identifier: Apache-2.0

package account

// Condition is a defined condition of a SASL failure (RFC 6120 §6.5).
type Condition string

// The conditions that sign-in gives.
const (
	Aborted           Condition = "aborted"
	EncryptionNeeded  Condition = "encryption-required"
	IncorrectEncoding Condition = "incorrect-encoding"
	InvalidAuthzid    Condition = "invalid-authzid"
	InvalidMechanism  Condition = "invalid-mechanism"
	MalformedRequest  Condition = "malformed-request"
	NotAuthorized     Condition = "not-authorized"
	TemporaryFailure  Condition = "temporary-auth-failure"
)

// Failure is a login that did not succeed. Wrong names, wrong passwords and disabled accounts all look the same.
type Failure struct {
	Condition Condition
	Err       error // the cause, for the log; may be nil
}

// Error names the condition.
func (f *Failure) Error() string {
	if f.Err == nil {
		return "sign-in: " + string(f.Condition)
	}
	return "sign-in: " + string(f.Condition) + ": " + f.Err.Error()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

func fail(c Condition) *Failure { return &Failure{Condition: c} }
