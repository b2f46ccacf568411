// SPDX-License-Identifier: Apache-2.0

// Package sim proves that a desk loses nothing that it acknowledged. Tests alone use it: many nodes in one process, with
// a network, disks and clocks that fail on a schedule drawn from a seed, and a checker of the history that they leave.
//
// The checker is also what the tests of whole programs apply to the records that the programs leave.
package sim
