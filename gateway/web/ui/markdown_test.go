// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestMarkdown(t *testing.T) {
	p := newPages(t)
	for _, c := range []struct{ name, source, want string }{
		{"words", "a *b* **c** ~~d~~ `e`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>"},
		{"headings leave room for the page's own", "# a\n\n##### b", "<h2>a</h2>\n<h4>b</h4>"},
		{"a list that starts later", "3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>"},
		{"a table", "| a |\n|:-:|\n| b |", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>"},
		{"a link elsewhere opens beside", "[a](https://b.example/c)", `<p><a href="https://b.example/c" rel="noreferrer noopener" target="_blank">a</a></p>`},
		{"a link here does not", "[a](/faq/b)", `<p><a href="/faq/b" rel="noreferrer">a</a></p>`},
		{"a bare address", "see https://b.example/c.", `<p>see <a href="https://b.example/c" rel="noreferrer noopener" target="_blank">https://b.example/c</a>.</p>`},
		{"mail and telephone", "[a](mailto:a@b.example) [t](tel:+441)", `<p><a href="mailto:a@b.example" rel="noreferrer">a</a> <a href="tel:+441" rel="noreferrer">t</a></p>`},
		{"a script", "<script>alert(1)</script>", ""},
		{"a script within words", "a <script>alert(1)</script> b", "<p>a alert(1) b</p>"},
		{"a link that runs", "[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x)", "<p>a b c</p>"},
		{"a link that hides it", "[a](&#106;avascript&colon;alert(1)) [b](java\nscript:alert(1))", "<p>a [b](java\nscript:alert(1))</p>"},
		{"an image would tell who reads", "![a](https://b.example/c.png)", "<p></p>"},
		{"attributes", `<p onclick="x" style="y" id="setup">a</p>`, ""},
		{"a form", "<form action=https://b.example><input name=q></form>", ""},
		{"nothing", "", ""},
	} {
		if got := strings.TrimSpace(string(p.Markdown(c.source))); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestPlainText(t *testing.T) {
	p := newPages(t)
	for source, want := range map[string]string{
		"We have **three**:\n\n1. A & B\n2. `C`\n\n| x | y |\n|---|---|\n| 1 | 2 |": "We have three: A & B C x y 1 2",
		"a\\\nb [c](https://d.example) &lt;e&gt;":                                   "a b c <e>",
		"<script>alert(1)</script>":                                                 "",
	} {
		if got := p.PlainText(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

// FuzzMarkdown holds whatever comes out to the list of what may: elements, attributes and schemes.
func FuzzMarkdown(f *testing.F) {
	f.Add("# a\n\n[b](javascript:alert(1)) <img src=x onerror=alert(1)> ![c](//d.example)")
	f.Add("| a |\n|---|\n| <svg/onload=alert(1)> |")
	f.Add("<a href=\"java&#x09;script:alert(1)\">x</a>\n\n[x]: data:text/html;base64,AAAA\n[x]")
	f.Add("<!--><script>alert(1)//--></script>\x00\u2028")
	p, err := New()
	if err != nil {
		f.Fatal(err)
	}
	elements := strings.Fields("p br hr h2 h3 h4 strong em del code pre blockquote ul ol li table thead tbody tr th td a")
	scheme := regexp.MustCompile(`^(?i:https?:|mailto:|tel:)|^[^:]*$|^[^:]*[/?#]`)
	f.Fuzz(func(t *testing.T, source string) {
		out := string(p.Markdown(source))
		for z := html.NewTokenizer(strings.NewReader(out)); ; {
			switch z.Next() {
			case html.ErrorToken:
				return
			case html.CommentToken, html.DoctypeToken:
				t.Errorf("%q becomes %q", source, out)
			case html.StartTagToken, html.SelfClosingTagToken:
				token := z.Token()
				if !slices.Contains(elements, token.Data) {
					t.Errorf("%q has a %s", source, token.Data)
				}
				for _, a := range token.Attr {
					switch {
					case token.Data == "a" && (a.Key == "rel" || a.Key == "target"):
					case token.Data == "a" && a.Key == "href" && scheme.MatchString(a.Val):
					case token.Data == "ol" && a.Key == "start":
					default:
						t.Errorf("%q has %s %s=%q", source, token.Data, a.Key, a.Val)
					}
				}
			}
		}
	})
}
