// SPDX-License-Identifier: Apache-2.0

package desktest

import (
	"testing"

	"refdesk/cluster/desk"
)

func TestMemoryContract(t *testing.T) {
	TestTx(t, func(*testing.T) desk.Tx { return NewMemory() })
}
