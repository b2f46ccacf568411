// SPDX-License-Identifier: Apache-2.0

package desk_test

import (
	"testing"

	"refdesk/cluster/desk/desktest"
)

func TestScenarios(t *testing.T) { desktest.RunScenarios(t, "testdata/scenarios") }
