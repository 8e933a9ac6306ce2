package api

import "sync"

// LifecycleGroup is the API group of tasks and apps.
const LifecycleGroup = "lifecycle.keptn.sh"

// OwnGroup is the API group of ktask's own files, which no cluster has.
const OwnGroup = "ktask.dev"

// Versions returns the versions of KeptnTaskDefinition and KeptnTask, the oldest first.
func Versions() []string { return []string{"v1alpha1", "v1alpha2", "v1alpha3", "v1beta1", "v1"} }

// Groups returns the API groups of Keptn.
func Groups() []string { return []string{LifecycleGroup, "metrics.keptn.sh", "options.keptn.sh"} }

// Kinds returns the kinds of a group of Keptn, or of OwnGroup, with their versions, the oldest first. The caller must not change them.
func Kinds(group string) map[string][]string { return kinds()[group] }

var kinds = sync.OnceValue(func() map[string]map[string][]string {
	all := Versions()
	old, newer := all[:2:2], []string{"v1alpha3", "v1beta1", "v1"}
	return map[string]map[string][]string{
		LifecycleGroup: {
			"KeptnTaskDefinition":       all,
			"KeptnTask":                 all,
			"KeptnApp":                  all,
			"KeptnAppContext":           {"v1beta1", "v1"},
			"KeptnAppVersion":           all,
			"KeptnAppCreationRequest":   newer,
			"KeptnWorkload":             all,
			"KeptnWorkloadInstance":     {"v1alpha1", "v1alpha2", "v1alpha3"},
			"KeptnWorkloadVersion":      {"v1alpha3", "v1alpha4", "v1beta1", "v1"},
			"KeptnEvaluation":           all,
			"KeptnEvaluationDefinition": all,
			"KeptnEvaluationProvider":   append(old, "v1alpha3"),
		},
		"metrics.keptn.sh": {
			"KeptnMetric": all, "KeptnMetricsProvider": all, "Analysis": newer, "AnalysisDefinition": newer, "AnalysisValueTemplate": newer,
		},
		"options.keptn.sh": {"KeptnConfig": {"v1alpha1"}},
		OwnGroup:           {"TaskTest": {"v1"}},
	}
})

// Capabilities returns the names of the capabilities of Linux, in the order of include/uapi/linux/capability.h, and ALL.
func Capabilities() []string {
	return []string{
		"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
		"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
		"SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
		"SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
		"WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE", "ALL",
	}
}

// Resources returns the resources of a container that have neither a domain nor a prefix.
func Resources() []string { return []string{"cpu", "memory", "ephemeral-storage"} }

// TimeoutPattern matches what is valid both in the schema of Keptn and as a duration of Go. The schema anchors each half of its
// pattern on one side only: it accepts values like 5sx, which Keptn then cannot parse, and also .5s and +5s.
const TimeoutPattern = `^\+?(0|([0-9]*\.?[0-9]+(ns|us|µs|ms|s|m|h))+)$`
