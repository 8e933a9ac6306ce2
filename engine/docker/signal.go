package docker

// signals are the names of Linux's signals, which apply in the container on whatever system ktask runs; see signal(7).
var signals = [...]string{
	1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
	9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM",
	24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS",
}

// signalName returns the name of the signal for an exit code, or "". An exit code does not show whether the process or only
// a child of its shell was ended by the signal.
func signalName(code int) string {
	if n := code - 128; n > 0 && n < len(signals) {
		return signals[n]
	}
	return ""
}
