// SPDX-License-Identifier: Apache-2.0

package staff

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode"

	"refdesk/cluster/desk"
)

// Originals reads the mails of tickets as they came.
type Originals interface {
	// Open opens the mail with a hash.
	Open(ctx context.Context, hash string) (io.ReadCloser, error)
	// Attachment writes an attachment of it, by its place among a TicketEntry's Files.
	Attachment(ctx context.Context, hash string, file int, w io.Writer) error
}

// originalPage is GET /tickets/{ticket}/entries/{entry}/mail: the mail as it came, for a mail program.
func (d *Door) originalPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	e, err := d.mailed(r, who)
	if err != nil {
		return err
	}
	mail, err := d.deps.Originals.Open(r.Context(), e.Blob)
	if err != nil {
		return fmt.Errorf("open the mail of ticket %d: %w", e.Ticket, err)
	}
	defer func() { _ = mail.Close() }()
	download(w, fmt.Sprintf("ticket-%d-%d.eml", e.Ticket, e.N), "message/rfc822")
	if e.BlobSize > 0 {
		w.Header().Set("Content-Length", strconv.FormatUint(e.BlobSize, 10))
	}
	_, err = io.Copy(w, mail)
	d.ended(r, err)
	return nil
}

// attachmentPage is GET /tickets/{ticket}/entries/{entry}/files/{file}, counted from 1.
func (d *Door) attachmentPage(w http.ResponseWriter, r *http.Request, who *Who) error {
	e, err := d.mailed(r, who)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("file"))
	if err != nil || n < 1 || n > len(e.Files) {
		return &desk.Error{Code: desk.NotFound, Field: "file"}
	}
	name := fileName(e.Files[n-1].Name)
	if name == "" {
		name = fmt.Sprintf("ticket-%d-%d-%d", e.Ticket, e.N, n)
	}
	download(w, name, "application/octet-stream") // whatever its sender calls it
	w.Header().Set("Content-Length", strconv.FormatUint(e.Files[n-1].Size, 10))
	d.ended(r, d.deps.Originals.Attachment(r.Context(), e.Blob, n-1, w))
	return nil
}

// fileName is a name that a file may be saved under: its sender's, without a path, and without the marks that turn the
// direction of writing, which make a program look like a picture.
func fileName(name string) string {
	name = path.Base("/" + strings.ReplaceAll(oneLine(name), "\\", "/"))
	return strings.TrimLeft(strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, name), "./ ")
}

// mailed is the entry that a request names, if it is a mail whose bytes are kept.
func (d *Door) mailed(r *http.Request, who *Who) (e *desk.TicketEntry, err error) {
	ticket, err := pathNumber(r, "ticket")
	if err != nil {
		return nil, err
	}
	n, err := pathNumber(r, "entry")
	if err != nil {
		return nil, err
	}
	err = d.view(r.Context(), who.Actor, func(rd desk.Reader) (err error) {
		e, err = rd.Entry(ticket, n)
		return err
	})
	if err == nil && (e.Blob == "" || d.deps.Originals == nil) {
		err = &desk.Error{Code: desk.NotFound, Field: "mail"}
	}
	return e, err
}

// download says that what follows is to be kept, not shown: a stranger made it.
func download(w http.ResponseWriter, name, kind string) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// ended notes an answer that could not be finished. It is shorter than its Content-Length says, so that nobody takes it for
// whole.
func (d *Door) ended(r *http.Request, err error) {
	if err != nil && r.Context().Err() == nil {
		d.log.WarnContext(r.Context(), "mail not read to its end", "err", err)
	}
}
