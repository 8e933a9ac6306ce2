package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// down stops the cluster, with all containers in it, and removes its files, mounts, groups of processes and bridge.
func down() error {
	c, err := here()
	if err != nil {
		return err
	}
	for _, name := range []string{"kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"} {
		c.stop(name)
	}
	if c.runs("containerd") {
		err = c.removeContainers()
		c.stop("containerd")
	}
	err = errors.Join(err, c.unmount(), removeGroups())
	for _, dir := range []string{componentsDirectory, "containerd", "etcd", "kubelet", "pki"} {
		err = errors.Join(err, os.RemoveAll(c.path(dir)))
	}
	_ = exec.Command("ip", "link", "delete", bridge).Run() // it may be gone
	return err
}

// stop ends a component, by force if it takes long.
func (c cluster) stop(name string) {
	if !c.runs(name) {
		return
	}
	pid := c.pid(name)
	_ = syscall.Kill(pid, syscall.SIGTERM)
	for end := time.Now().Add(stopsWithin); c.runs(name) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func (c cluster) removeContainers() error {
	list := func(kind string) []string {
		out, _ := exec.Command("ctr", c.ctrArgs(kind, "list", "--quiet")...).Output()
		return strings.Fields(string(out))
	}
	for _, id := range list("tasks") {
		_ = c.ctr("tasks", "kill", "--signal", "SIGKILL", id) // it may have ended
	}
	var failures []error
	for _, id := range list("containers") {
		_ = c.ctr("tasks", "delete", "--force", id) // it may have none
		failures = append(failures, c.ctr("containers", "delete", id))
	}
	return errors.Join(failures...)
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

func sysctls() values {
	v := values{}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		file := filepath.Join("/proc/sys", name)
		if text, err := os.ReadFile(file); err == nil {
			v[file] = string(text)
		}
	}
	return v
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
