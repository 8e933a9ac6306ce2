package spec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// capabilityNames are those of Linux (include/uapi/linux/capability.h), in its order, and ALL for all of them.
func capabilityNames() []string {
	return []string{
		"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
		"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
		"SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
		"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE", "ALL",
	}
}

// capabilities takes names in any case, with or without CAP_ in front, as container runtimes do.
func (c containerCheck) capabilities(names []corev1.Capability, field string) {
	known := map[string]bool{}
	for _, name := range capabilityNames() {
		known[name] = true
	}
	for s, name := range sound(c.loader, c.s.sub("capabilities", field), names) {
		short, long := strings.CutPrefix(strings.ToUpper(string(name)), "CAP_")
		if !known[short] || long && short == "ALL" {
			c.fail(s.At(), "invalid-value", DidYouMean(short, capabilityNames()), "there is no capability %q", string(name))
		}
	}
}
