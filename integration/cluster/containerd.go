package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// containerdConfig is for a containerd of the cluster's own, with its own files: those of Docker are not touched. Without
// restrict_oom_score_adj runc fails on a machine where nobody may lower that score.
const containerdConfig = `version = 2
root = "%[1]s/containerd/root"
state = "%[1]s/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]

[grpc]
  address = "%[1]s/` + containerdSocket + `"

[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + pause + `"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  disable_tcp_service = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "%[1]s/containerd/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "%[1]s/containerd/runc"
`

// networkConfig gives each pod an address on the bridge, and no way out of the machine.
const networkConfig = `{"cniVersion": "0.4.0", "name": "ktask", "plugins": [{
  "type": "bridge", "bridge": "` + bridge + `", "isGateway": true, "ipMasq": false, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": "%s/containerd/addresses", "ranges": [[{"subnet": "` + subnet + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: %[1]s/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: %[1]s/kubelet-server.crt
tlsPrivateKeyFile: %[1]s/kubelet-server.key
address: %[2]s
port: %[3]d
healthzBindAddress: 127.0.0.1
healthzPort: %[4]d
containerRuntimeEndpoint: unix://%[5]s
podLogsDir: %[6]s/pods
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
clusterDNS: []
makeIPTablesUtilChains: false
enforceNodeAllocatable: []
imageGCHighThresholdPercent: 100 # images come from no registry, so none may be removed
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
oomScoreAdj: 0
maxPods: 250
`

func (c cluster) startContainerd() error {
	for file, content := range map[string]string{
		c.path("containerd", "config.toml"):              fmt.Sprintf(containerdConfig, c.dir),
		c.path("containerd", "cni", "10-ktask.conflist"): fmt.Sprintf(networkConfig, c.dir),
	} {
		if err := os.WriteFile(file, []byte(content), everyone); err != nil {
			return err
		}
	}
	if err := c.background("containerd", "containerd", "--config", c.path("containerd", "config.toml")); err != nil {
		return err
	}
	return c.await("containerd answers", func(context.Context) error { return c.ctr("version") })
}

// ctr runs containerd's command.
func (c cluster) ctr(args ...string) error { return run("ctr", c.ctrArgs(args...)...) }

func (c cluster) ctrArgs(args ...string) []string {
	return append([]string{"--address", c.path(containerdSocket), "--namespace", containerdNamespace}, args...)
}

// importImages copies the images of tests from Docker.
func (c cluster) importImages() error {
	build := exec.Command("docker", "build", "--quiet", "--tag", pause, "-")
	build.Stdin = strings.NewReader("FROM ktask.local/busybox:dev\nCMD [\"sleep\", \"infinity\"]\n")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the image that holds the namespaces of pods: %w\n%s", err, out)
	}
	for _, image := range []string{pause, "ktask.local/busybox:dev", "ktask.local/python-runtime:dev", "ktask.local/deno-runtime:dev"} {
		there, err := exec.Command("ctr", c.ctrArgs("images", "list", "--quiet", "name=="+image)...).Output()
		if err != nil {
			return fmt.Errorf("list images: %w", err)
		}
		if strings.TrimSpace(string(there)) != "" {
			continue
		}
		archive := c.path("image.tar")
		if err := run("docker", "save", "--output", archive, image); err != nil {
			return err
		}
		if err := c.ctr("images", "import", archive); err != nil {
			return err
		}
		if err := os.Remove(archive); err != nil {
			return err
		}
	}
	return nil
}
