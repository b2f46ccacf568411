// SPDX-License-Identifier: Apache-2.0

// Package e2e tests whole desks: the program as it is shipped, started by the command line that is promised, driven by a
// real browser, real XMPP clients and patrons that speak the public API, and killed with SIGKILL in the middle.
//
// The everyday run has two rounds of each kill test; REFDESK_PROOF=1 (`make proof`) has ten.
package e2e
