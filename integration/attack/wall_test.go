package attack

import (
	"strings"
	"testing"
)

// TestWall: a manifest that asks for more of the machine than a container has is refused with the line and the flag.
// `plan` and `validate` warn of it, and with the flag it runs.
func TestWall(t *testing.T) {
	tests := map[string]struct{ security, shell, says, allow string }{
		"privileged": {"privileged: true", "test -e /dev/loop-control || test -e /dev/kmsg",
			"a.yaml:9:19: error: privileged: the task could take over the engine's machine (allow it with --allow privileged) [needs-allow]", "privileged"},
		"all capabilities":   {"capabilities: {add: [ALL]}", "grep -q 'CapEff:.*ffffffff' /proc/self/status", "a.yaml:9:28: error: capability ALL", "capabilities"},
		"one capability":     {"capabilities: {add: [CHOWN, cap_sys_admin]}", "test $(( 0x$(awk '/CapEff/ {print $2}' /proc/self/status) >> 21 & 1 )) = 1", "a.yaml:9:35: error: capability SYS_ADMIN", "capabilities"},
		"unmasked proc":      {"procMount: Unmasked", "test -n \"$(cat /proc/timer_list)\"", "a.yaml:9:18: error: procMount Unmasked", "unmasked-proc"},
		"without a filter":   {"seccompProfile: {type: Unconfined}", "grep -q 'Seccomp:.*0' /proc/self/status", "a.yaml:9:30: error: seccompProfile Unconfined", "unconfined"},
		"all that there are": {"seccompProfile: {type: Unconfined}", "true", "error: seccompProfile Unconfined", "all"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "a.yaml", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\nspec:\n  container:\n    name: c\n"+
				"    image: "+busyboxImage+"\n    securityContext:\n      "+test.security+"\n    command: [sh, -c, '"+strings.ReplaceAll(test.shell, "'", "''")+"']\n")
			ktask(t, dir, "", "run", "a.yaml").expect(t, 2).says(t, test.says)
			ktask(t, dir, "", "run", "--lenient", "a.yaml").expect(t, 2).says(t, test.says)
			warned := strings.Replace(strings.SplitN(test.says, " (", 2)[0], "error", "warning", 1)
			ktask(t, dir, "", "plan", "a.yaml").expect(t, 0).says(t, warned, "ktask run needs --allow")
			ktask(t, dir, "", "validate", "a.yaml").expect(t, 0).says(t, warned, "[needs-allow]")
			// An engine that runs in a container has not all capabilities to give, and refuses by itself.
			if o := ktask(t, dir, "", "run", "--allow", test.allow, "a.yaml"); o.code != 0 && !strings.Contains(o.stderr, "unable to apply caps") {
				o.expect(t, 0)
			}
			ktask(t, dir, "", "run", "--allow", "host-network", "a.yaml").expect(t, 2).says(t, test.says)
		})
	}
}

// TestHostNetwork needs two words, one of them a plain one.
func TestHostNetwork(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\n"+
		"spec: {container: {name: c, image: "+busyboxImage+", command: [echo, hello]}}\n")
	ktask(t, dir, "", "run", "--network", "host", "a.yaml").expect(t, 2).says(t, "error: --network host: the tasks could reach what listens", "(allow it with --allow host-network) [needs-allow]")
	ktask(t, dir, "", "plan", "--network", "host", "a.yaml").expect(t, 0).says(t, "warning: --network host")
	ktask(t, dir, "", "run", "--network", "host", "--allow", "host-network", "a.yaml").expect(t, 0)
	for _, network := range []string{"container:other", "ns:/proc/self/ns/net"} {
		ktask(t, dir, "", "run", "--network", network, "a.yaml").expect(t, 2).says(t, "--network "+network, "--allow host-network")
	}
	ktask(t, dir, "", "run", "--allow", "everything", "a.yaml").expect(t, 2).
		says(t, `--allow takes privileged, capabilities, unmasked-proc, unconfined, host-network or all, not "everything"`)
}

// TestDefaultCapabilities may be added without --allow, since every container has them.
func TestDefaultCapabilities(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", "apiVersion: lifecycle.keptn.sh/v1\nkind: KeptnTaskDefinition\nmetadata: {name: a}\n"+
		"spec: {container: {name: c, image: "+busyboxImage+", command: [echo, hello], securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, CAP_CHOWN, kill]}}}}\n")
	if o := ktask(t, dir, "", "run", "a.yaml").expect(t, 0); strings.Contains(o.stderr, "needs-allow") {
		t.Error(o.stderr)
	}
}
