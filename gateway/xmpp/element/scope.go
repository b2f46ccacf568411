// SPDX-License-Identifier: Apache-2.0

package element

import "encoding/xml"

const nsXMLNS = "http://www.w3.org/2000/xmlns/"

type binding struct {
	prefix, space string
}

// scope holds the namespace declarations in force, the outermost first.
type scope []binding

// declare puts the declarations of a start tag in force. The caller cuts the scope back at the end tag.
func (s scope) declare(attrs []xml.Attr) (scope, error) {
	for _, a := range attrs {
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			if a.Value == NSXML || a.Value == nsXMLNS {
				return s, malformed("reserved namespace")
			}
			s = append(s, binding{"", a.Value})
		case a.Name.Space == "xmlns":
			if err := checkPrefix(a.Name.Local, a.Value); err != nil {
				return s, err
			}
			s = append(s, binding{a.Name.Local, a.Value})
		}
	}
	return s, nil
}

// checkPrefix refuses what Namespaces in XML 1.0 §3 and §5 refuse.
func checkPrefix(prefix, space string) error {
	switch {
	case space == "":
		return malformed("prefix bound to nothing")
	case prefix == "xmlns", space == nsXMLNS, (prefix == "xml") != (space == NSXML):
		return malformed("reserved namespace prefix")
	}
	return nil
}

// lookup returns the namespace of a prefix; "" is the default namespace.
func (s scope) lookup(prefix string) (space string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i].prefix == prefix {
			return s[i].space, true
		}
	}
	if prefix == "xml" {
		return NSXML, true
	}
	return "", prefix == ""
}
