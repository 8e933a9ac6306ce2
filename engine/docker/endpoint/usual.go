package endpoint

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/docker/docker/client"
)

// Socket is a place where an engine usually listens.
type Socket struct {
	// Host is a URL with the scheme unix or npipe.
	Host string
	// Of is the name of the engine, or of the program that runs it.
	Of string
}

// Places are the directories in which engines make their sockets. An empty one has none.
type Places struct {
	// Home is the user's home directory.
	Home string
	// Runtime is XDG_RUNTIME_DIR, else /run/user/UID.
	Runtime string
	// Temp is the user's directory of temporary files, where podman has the sockets of its machines on macOS.
	Temp string
	// Colima is COLIMA_HOME and Lima is LIMA_HOME, which replace directories below Home.
	Colima, Lima string
}

// Sockets returns the places where an engine usually listens on this platform, in the order in which they are tried. Those of
// virtual machines with names of their own are listed if they exist.
func (p Places) Sockets() []Socket {
	all := []Socket{{client.DefaultDockerHost, "default"}}
	if runtime.GOOS == "windows" {
		return append(all, Socket{"npipe:////./pipe/dockerDesktopLinuxEngine", "Docker Desktop"}, Socket{"npipe:////./pipe/podman-machine-default", "podman machine"})
	}
	add := func(of, dir string, files ...string) {
		for _, file := range files {
			if dir != "" {
				all = append(all, Socket{"unix://" + filepath.Join(dir, file), of})
			}
		}
	}
	add("rootless Docker", p.Runtime, "docker.sock")
	add("Docker Desktop", p.Home, ".docker/run/docker.sock", ".docker/desktop/docker.sock")
	colima := p.Colima
	if colima == "" {
		colima = join(p.Home, ".colima")
		if _, err := os.Stat(colima); err != nil {
			colima = join(p.Home, ".config/colima")
		}
	}
	add("Colima", colima, "default/docker.sock")
	add("Colima", colima, inside(colima, "default", "docker.sock")...)
	add("Rancher Desktop", p.Home, ".rd/docker.sock")
	add("OrbStack", p.Home, ".orbstack/run/docker.sock")
	lima := p.Lima
	if lima == "" {
		lima = join(p.Home, ".lima")
	}
	add("Lima", lima, inside(lima, "", "sock/docker.sock")...)
	machines := join(p.Home, ".local/share/containers/podman/machine")
	add("podman machine", machines, "podman.sock")
	add("podman machine", machines, inside(machines, "", "podman.sock")...)
	for _, dir := range []string{p.Runtime, p.Temp} {
		found, _ := filepath.Glob(join(dir, "podman/*-api.sock")) // a directory whose name is a wrong pattern has none
		for _, file := range found {
			add("podman machine", filepath.Dir(file), filepath.Base(file))
		}
	}
	add("podman", "/run/podman", "podman.sock")
	add("rootless podman", p.Runtime, "podman/podman.sock")
	return all
}

// join returns a path below a directory, or "" if there is no directory.
func join(dir, file string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, file)
}

// inside returns the paths below dir of a file in each directory there that has it, except for one directory.
func inside(dir, except, file string) (found []string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		path := filepath.Join(entry.Name(), file)
		if _, err := os.Lstat(filepath.Join(dir, path)); err == nil && entry.Name() != except {
			found = append(found, path)
		}
	}
	return found
}
