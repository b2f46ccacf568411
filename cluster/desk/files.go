// SPDX-License-Identifier: Apache-2.0

package desk

// pageSize is how many records are read at once where all of a table are looked at.
const pageSize = 500

// each reads all records of a table in the order of their keys, a page at a time, until f returns an error.
func each[T any, P pointer[T]](src Source, r Range, f func(P) error) error {
	r.Limit = pageSize
	for {
		n := 0
		for k, data := range src.Scan(P(new(T)).table(), r) {
			rec := P(new(T))
			if err := decode(data, recordVersion, rec); err != nil {
				return err
			}
			if err := f(rec); err != nil {
				return err
			}
			r.After, n = k, n+1
		}
		if n < pageSize {
			return nil
		}
	}
}

// EachFile calls f with the hash of every file that a record refers to, until it returns an error. A hash may come more
// than once.
func EachFile(src Source, f func(hash string) error) error {
	all := func(hashes ...string) error {
		for _, h := range hashes {
			if h == "" {
				continue
			}
			if err := f(h); err != nil {
				return err
			}
		}
		return nil
	}
	if err := each(src, Range{}, func(e *TicketEntry) error { return all(append([]string{e.Blob}, e.Variants...)...) }); err != nil {
		return err
	}
	return each(src, Range{}, func(m *MailOut) error { return all(m.Blob) })
}
