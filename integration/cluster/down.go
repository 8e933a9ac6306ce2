package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"go.opentelemetry.io/otel/trace/noop"
	api "k8s.io/cri-api/pkg/apis"
	cri "k8s.io/cri-client/pkg"
)

// down stops the cluster, with all containers in it, and removes its files, mounts, groups of processes and bridge. It also does so
// after all processes of the cluster were killed.
func down() error {
	c, err := here()
	if err != nil {
		return err
	}
	c.forgetEnded()
	for _, name := range []string{"kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"} {
		c.stop(name)
	}
	if _, err := os.Stat(c.path("containerd")); err == nil {
		if err := errors.Join(c.startContainerd(), c.removePods()); err != nil {
			return err
		}
		c.stop("containerd")
	}
	before, err := c.sysctls()
	err = errors.Join(err, before.restore(), c.unmount(), removeGroups())
	for _, name := range []string{componentsDirectory, "containerd", "etcd", "kubelet", "kubelet.yaml", "logs/pods", "pki", sysctlsName} {
		err = errors.Join(err, os.RemoveAll(c.path(name)))
	}
	c.removeKubeletFiles()
	_ = exec.Command("ip", "link", "delete", bridge).Run() // it may be gone
	return err
}

// removePods kills all containers, and removes them with their networks.
func (c cluster) removePods() error {
	var runtime api.RuntimeService
	if err := c.await("containerd answers", func(context.Context) (err error) {
		runtime, err = cri.NewRemoteRuntimeService("unix://"+c.path(containerdSocket), stopsWithin, noop.NewTracerProvider(), nil)
		return err
	}); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startsWithin)
	defer cancel()
	pods, err := runtime.ListPodSandbox(ctx, nil)
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	var failures []error
	for _, pod := range pods {
		failures = append(failures, runtime.StopPodSandbox(ctx, pod.Id), runtime.RemovePodSandbox(ctx, pod.Id))
	}
	return errors.Join(failures...)
}

// removeKubeletFiles removes what the kubelet writes outside of the directory of the cluster.
func (c cluster) removeKubeletFiles() {
	links, _ := filepath.Glob("/var/log/containers/*.log")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, c.dir+"/") {
			_ = os.Remove(link)
		}
	}
	for _, path := range []string{"/var/lib/kubelet/device-plugins/kubelet.sock", "/var/lib/kubelet/device-plugins", "/var/lib/kubelet", "/var/log/containers"} {
		_ = os.Remove(path) // a directory only if it is empty
	}
}

// unmount removes the mounts below the directory of the cluster, the last one first.
func (c cluster) unmount() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := slices.Collect(strings.Lines(string(mounts)))
	slices.Reverse(lines)
	var failures []error
	for _, line := range lines {
		if target := strings.Fields(line)[1]; strings.HasPrefix(target, c.dir+"/") {
			if err := syscall.Unmount(target, syscall.MNT_DETACH); err != nil {
				failures = append(failures, fmt.Errorf("unmount %s: %w", target, err))
			}
		}
	}
	return errors.Join(failures...)
}

// removeGroups removes the control groups of pods, which are empty.
func removeGroups() error {
	roots, err := filepath.Glob("/sys/fs/cgroup/*/kubepods")
	if err != nil {
		return err
	}
	for _, root := range append(roots, "/sys/fs/cgroup/kubepods") {
		var all []string
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append(all, path)
			}
			return nil
		})
		slices.Reverse(all)
		for _, dir := range all {
			_ = syscall.Rmdir(dir)
		}
	}
	return nil
}

// values are the settings of the kernel that the kubelet changes, by their files.
type values map[string]string

// sysctls returns the values from before the first start of the kubelet.
func (c cluster) sysctls() (values, error) {
	v := values{}
	text, err := os.ReadFile(c.path(sysctlsName))
	if err == nil {
		return v, json.Unmarshal(text, &v)
	}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		file := filepath.Join("/proc/sys", name)
		if text, err := os.ReadFile(file); err == nil {
			v[file] = string(text)
		}
	}
	text, err = json.Marshal(v)
	return v, errors.Join(err, os.WriteFile(c.path(sysctlsName), text, everyone))
}

// restore sets the values again.
func (v values) restore() error {
	var failures []error
	for file, text := range v {
		now, err := os.ReadFile(file)
		if err == nil && string(now) != text {
			err = os.WriteFile(file, []byte(text), everyone)
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}
