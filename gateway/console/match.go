// SPDX-License-Identifier: Apache-2.0

package console

import (
	"slices"
	"strings"

	"refdesk/cluster/desk"
)

// foldName makes names comparable: lower case, white space single.
func foldName(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// matchOne finds the one name that word means: the same but for case, else the only one that starts so. many are the
// names that fit when several do.
func matchOne(word string, names []string) (name string, many []string) {
	word = foldName(word)
	for _, n := range names {
		if foldName(n) == word {
			return n, nil
		}
		if word != "" && strings.HasPrefix(foldName(n), word) {
			many = append(many, n)
		}
	}
	if len(many) == 1 {
		return many[0], nil
	}
	return "", many
}

// tagsFound is what splitTags made of a text.
type tagsFound struct {
	tags    []string
	unknown string   // the first word that is no tag
	many    []string // the tags that unknown may mean
}

func (f tagsFound) ok() bool { return f.unknown == "" }

// longestTags bounds a text that names tags, in bytes: reading it takes time that grows faster than the text.
const longestTags = 1500

// splitTags reads tags, apart by commas or only by spaces; a tag may hold spaces itself. A plain number is an entry of
// the newest list; entry is nil where there is none.
func splitTags(text string, tags []string, entry func(n int) (string, bool)) tagsFound {
	var f tagsFound
	if len(text) > longestTags {
		f.unknown, _ = token(text)
		return f
	}
	if t, _ := matchOne(text, tags); t != "" && foldName(t) == foldName(text) { // a tag may hold a comma, too
		return tagsFound{tags: []string{t}}
	}
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		for len(words) > 0 && f.ok() {
			n := f.take(words, tags, entry)
			words = words[n:]
		}
	}
	return f
}

// take reads one tag from the start of words, as many of them as fit, and returns how many it took.
func (f *tagsFound) take(words, tags []string, entry func(int) (string, bool)) int {
	for n := len(words); n > 0; n-- {
		whole := strings.Join(words[:n], " ")
		if i := slices.IndexFunc(tags, func(t string) bool { return foldName(t) == foldName(whole) }); i >= 0 {
			f.add(tags[i])
			return n
		}
	}
	if i, ok := number(words[0]); ok && entry != nil {
		if t, ok := entry(i); ok {
			f.add(t)
			return 1
		}
	}
	for n := len(words); n > 0; n-- {
		if t, _ := matchOne(strings.Join(words[:n], " "), tags); t != "" {
			f.add(t)
			return n
		}
	}
	f.unknown = words[0]
	_, f.many = matchOne(words[0], tags)
	return len(words)
}

func (f *tagsFound) add(t string) {
	if !slices.Contains(f.tags, t) {
		f.tags = append(f.tags, t)
	}
}

// freeTags reads tags of a department that takes any: one, or several apart by commas.
func freeTags(text string, entry func(int) (string, bool)) tagsFound {
	var f tagsFound
	if len(text) > longestTags {
		f.unknown, _ = token(text)
		return f
	}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		words := strings.Fields(part)
		var picked []string
		for _, w := range words {
			if i, ok := number(w); ok && entry != nil {
				if t, ok := entry(i); ok {
					picked = append(picked, t)
				}
			}
		}
		if len(picked) == len(words) {
			for _, t := range picked {
				f.add(t)
			}
			continue
		}
		f.add(part)
	}
	return f
}

// target is whom a transfer names.
type target struct {
	staff *desk.Staff
	dept  *desk.DepartmentView
	why   string
	many  []*desk.Staff // several fit
	word  string        // what was looked for
}

// matchTarget reads "WHO [why]" or "#DEPT [why]". The longest run of words that is somebody's name wins; else the first
// word may be the start of a name.
func matchTarget(text string, staff []*desk.Staff, depts []desk.DepartmentView) target {
	words := strings.Fields(text)
	if len(words) > 1 && strings.EqualFold(words[0], "to") {
		words = words[1:]
	}
	if len(words) == 0 {
		return target{}
	}
	if strings.HasPrefix(words[0], "#") {
		return matchDepartment(words, depts)
	}
	words[0] = strings.TrimPrefix(words[0], "@")
	for n := min(len(words), 4); n > 0; n-- {
		name := foldName(strings.TrimRight(strings.Join(words[:n], " "), ",:"))
		for _, p := range staff {
			if slices.Contains(namesOf(p), name) {
				return target{staff: p, why: strings.Join(words[n:], " ")}
			}
		}
	}
	t := target{word: words[0], why: strings.Join(words[1:], " ")}
	start := foldName(strings.TrimRight(words[0], ",:"))
	for _, p := range staff {
		if start != "" && slices.ContainsFunc(namesOf(p), func(n string) bool { return strings.HasPrefix(n, start) }) {
			t.many = append(t.many, p)
		}
	}
	if len(t.many) == 1 {
		t.staff, t.many = t.many[0], nil
	}
	return t
}

// namesOf are the names by which a colleague may be called, folded.
func namesOf(p *desk.Staff) []string {
	return []string{p.Account, foldName(p.PublicName), foldName(p.Name)}
}

func matchDepartment(words []string, depts []desk.DepartmentView) target {
	words = slices.Clone(words)
	words[0] = strings.TrimPrefix(words[0], "#")
	if words[0] == "" {
		words = words[1:]
	}
	t := target{}
	for n := min(len(words), 20); n > 0; n-- {
		name := foldName(strings.Join(words[:n], " "))
		var fits []*desk.DepartmentView
		for i, d := range depts {
			id, full := foldName(d.ID), foldName(d.Name)
			if name == id || name == full {
				return target{dept: &depts[i], why: strings.Join(words[n:], " ")}
			}
			if strings.HasPrefix(id, name) || strings.HasPrefix(full, name) {
				fits = append(fits, &depts[i])
			}
		}
		if len(fits) == 1 && t.dept == nil {
			t = target{dept: fits[0], why: strings.Join(words[n:], " ")}
		}
	}
	if t.dept == nil {
		t.word = "#" + strings.Join(words[:min(1, len(words))], "")
	}
	return t
}
