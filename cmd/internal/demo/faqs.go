// SPDX-License-Identifier: Apache-2.0

package demo

import (
	_ "embed"
	"fmt"
	"strings"

	"refdesk/cluster/desk"
	"refdesk/cmd/internal/faqfile"
)

// faqText holds the made-up library's questions.
//
//go:embed faqs.md
var faqText string

// faqs reads them.
func faqs() ([]desk.FAQ, error) {
	all, err := faqfile.ReadText(strings.NewReader(faqText))
	if err != nil {
		return nil, fmt.Errorf("read the demo's FAQs: %w", err)
	}
	for i := range all {
		all[i].Language = "en"
	}
	return all, nil
}
