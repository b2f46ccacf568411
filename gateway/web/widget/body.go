// SPDX-License-Identifier: Apache-2.0

package widget

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"unicode/utf8"

	"refdesk/cluster/desk"
	"refdesk/gateway/web"
)

// readBody decodes a JSON body into v. Fields that the API doesn't know are ignored. An absent body counts as {}.
func readBody(r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return web.NewProblem(http.StatusUnsupportedMediaType, web.CodeMediaType, "The body has to be application/json.")
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The body did not arrive whole.")
	}
	return decode(data, v)
}

// decode reads one JSON value in valid UTF-8. Go's decoder would replace what isn't; the API refuses it.
func decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The JSON is not valid UTF-8.")
	}
	err := json.Unmarshal(data, v)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return web.Invalid(kind.Field, "The field has the wrong type.")
	}
	if err != nil {
		return web.NewProblem(http.StatusBadRequest, web.CodeBadRequest, "The body is not the JSON object that this call takes.")
	}
	return nil
}

// writeJSON answers with a value. The client may be gone; there is nobody to tell then.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
	return nil
}

func noContent(w http.ResponseWriter) error {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// clientID checks an id that the client made: 1 to 64 printable ASCII characters without spaces.
func clientID(id string) error {
	if id == "" || len(id) > 64 {
		return web.Invalid("id", "The id has 1 to 64 characters.")
	}
	for _, c := range []byte(id) {
		if c <= ' ' || c > '~' {
			return web.Invalid("id", "The id is made of printable ASCII characters without spaces.")
		}
	}
	return nil
}

// longText cleans a question or line and checks that something is left of it, and not too much.
func longText(field, text string) (string, error) {
	text = cleanText(text)
	if isBlank(text) {
		return "", web.Invalid(field, "There is no text.")
	}
	if n := utf8.RuneCountInString(text); n > desk.MaxText {
		return "", web.Invalid(field, strconv.Itoa(n)+" of "+strconv.Itoa(desk.MaxText)+" characters; split it.")
	}
	return text, nil
}

// shortText cleans a one-line text of at most most code points; it may be empty.
func shortText(field, text string, most int) (string, error) {
	text = cleanLine(text)
	if utf8.RuneCountInString(text) > most {
		return "", web.Invalid(field, "More than "+strconv.Itoa(most)+" characters.")
	}
	return text, nil
}
