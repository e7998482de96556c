//go:build e2e

package e2e

import (
	"os"
	"testing"

	"anicca/internal/nstest"
)

// What these tests mount is seen by nobody else: a program that begins in a mount namespace of its own while a disk is mounted
// here would hold that disk until its end.
func TestMain(m *testing.M) {
	nstest.Apart()
	os.Exit(m.Run())
}
