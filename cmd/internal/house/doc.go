// SPDX-License-Identifier: Apache-2.0

// Package house has the tests of the house itself: which package may import which, documentation, licence lines, sizes,
// what lies at the top level, and that generated files are what their generator makes. The drawing of the layers in
// docs/architecture.md is made from the table that the test uses.
package house
