package command

import (
	"os"
	"syscall"
	"testing"
)

func TestInterruptNamesItsSignal(t *testing.T) {
	for signal, want := range map[os.Signal]string{
		os.Interrupt: "stopped by SIGINT", syscall.SIGTERM: "stopped by SIGTERM", syscall.SIGHUP: "stopped by SIGHUP",
	} {
		if got := (interrupt{signal}).Error(); got != want {
			t.Errorf("%v: %q, want %q", signal, got, want)
		}
	}
}
