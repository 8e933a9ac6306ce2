package docker

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/strslice"
	"github.com/docker/docker/api/types/volume"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/plan"
)

// request is a container as the Docker API describes it.
type request struct {
	name     string
	config   *container.Config
	host     *container.HostConfig
	platform *ocispec.Platform
	// volumes are created before the container and removed after it.
	volumes []volume.CreateOptions
	// message is the name of the volume for the termination message, or "".
	message string
	// logDriver is the driver that the container asks for.
	logDriver logDriver
}

// facts are what a conversion needs to know about the engine.
type facts struct {
	// machine is set only if needsMemory or needsCPUs returns true.
	machine machine
	// image is set only if needsImage returns true.
	image imageFacts
	// shared is true if all attempts of the task share its volumes, which a keeper holds.
	shared bool
	// logDriver is the driver to ask for.
	logDriver logDriver
	// messageFile is the path of the file for the termination message, or "" if the message needs a volume.
	messageFile string
	// extraHosts are what Engine.hosts returns.
	extraHosts []string
}

// needsMemory reports whether the size of a volume depends on the engine's memory: the kubelet takes the smallest of the
// volume's size, the container's limit and half of the node's memory.
func needsMemory(c plan.Container) bool { return len(c.Tmpfs) > 0 && c.Limits.MemoryBytes > 0 }

// needsCPUs reports whether the engine may have fewer processors than the container may use. Docker refuses such a limit; in
// Kubernetes it is simply never reached.
func needsCPUs(c plan.Container) bool { return c.Limits.NanoCPUs > 1e9 }

// needsImage reports whether the user of the process depends on the image's user.
func needsImage(c plan.Container) bool {
	return c.Security.RunAsNonRoot && userID(c.User) == "" || strings.HasPrefix(c.User, ":")
}

// convert turns a plan's container into a request. It is the only place where secrets are revealed to an engine. It does no
// I/O.
func convert(c plan.Container, labels engine.Labels, known facts) (request, error) {
	if err := plainPaths(c); err != nil {
		return request{}, err
	}
	user, err := processUser(c, known.image)
	if err != nil {
		return request{}, err
	}
	platform, err := platformOf(c.Platform)
	if err != nil {
		return request{}, err
	}
	r := request{
		name: containerName(labels),
		config: &container.Config{
			Image:        c.Image,
			Entrypoint:   revealed(c.Command),
			Cmd:          revealed(c.Args),
			Env:          environment(c.Env),
			WorkingDir:   c.WorkingDir,
			User:         user,
			Tty:          c.TTY,
			OpenStdin:    c.Stdin,
			AttachStdout: true,
			AttachStderr: true,
			Labels:       labelMap(labels),
			StopTimeout:  wholeSeconds(c.Grace),
			// The kubelet ignores an image's HEALTHCHECK.
			Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
		},
		host:     hostConfig(c),
		platform: platform,
	}
	if c.Command != nil && c.Args == nil {
		// If a container replaces the image's command, the image's arguments do not apply, see
		// https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/.
		r.config.Cmd = strslice.StrSlice{}
	}
	r.addTmpfs(c, labels, known)
	r.addMessage(c, labels, known.messageFile)
	r.keepOutput(known.logDriver)
	r.host.ExtraHosts = known.extraHosts
	if most := int64(known.machine.cpus) * 1e9; most > 0 {
		r.host.NanoCPUs = min(r.host.NanoCPUs, most)
	}
	return r, nil
}

// plainPaths returns an error for a path that an engine could read as more than a path: podman writes each mount as a line
// of options, in which a comma begins the next option, for example another source.
func plainPaths(c plan.Container) error {
	paths := []string{c.TerminationMessage.Path}
	for _, m := range c.Mounts {
		paths = append(paths, m.Source, m.Target)
	}
	for _, m := range c.Tmpfs {
		paths = append(paths, m.Path)
	}
	for _, path := range paths {
		if !plan.IsPlainPath(path) {
			return &engine.Error{
				Reason: engine.EngineRefused,
				Err:    fmt.Errorf("mount %q: an engine may read the comma, the quote or the control character in it as options of the mount", path),
				Remedy: engine.Remedy{Text: "use a path without them"},
			}
		}
	}
	return nil
}

func (r *request) keepOutput(in logDriver) {
	r.logDriver, r.host.LogConfig = in, in.config()
}

func hostConfig(c plan.Container) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:    container.NetworkMode(c.Network),
		ReadonlyRootfs: c.Security.ReadOnlyRootfs,
		Privileged:     c.Security.Privileged,
		CapAdd:         c.Security.CapAdd,
		CapDrop:        c.Security.CapDrop,
		SecurityOpt:    securityOptions(c.Security),
		Resources: container.Resources{
			Memory: c.Limits.MemoryBytes,
			// Memory and swap together get the same limit: swap must not extend it.
			MemorySwap: c.Limits.MemoryBytes,
			NanoCPUs:   c.Limits.NanoCPUs,
		},
	}
	pids := c.Limits.Pids
	if pids == 0 {
		pids = -1 // if unset, podman applies a limit of its own
	}
	h.PidsLimit = &pids
	if c.Security.UnmaskedProc {
		// Empty, not nil: for nil Docker uses its own list.
		h.MaskedPaths, h.ReadonlyPaths = []string{}, []string{}
	}
	for _, m := range c.Mounts {
		h.Mounts = append(h.Mounts, mount.Mount{
			Type: mount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly,
		})
	}
	return h
}

func securityOptions(s plan.Security) []string {
	var options []string
	if s.NoNewPrivileges {
		options = append(options, "no-new-privileges")
	}
	if s.Seccomp == "Unconfined" {
		options = append(options, "seccomp=unconfined")
	}
	return options
}

// userID returns the part of a user before the colon.
func userID(user string) string {
	id, _, _ := strings.Cut(user, ":")
	return id
}

// processUser returns the user of the process by the kubelet's rules: the group that an image names for its user does not count, see
// getImageUser in pkg/kubelet/kuberuntime, a group alone is combined with the image's user, and
// runAsNonRoot requires a numeric user other than 0 (see verifyRunAsNonRoot in pkg/kubelet/kuberuntime).
func processUser(c plan.Container, image imageFacts) (string, error) {
	user, asked := c.User, userID(c.User) != ""
	if group, ok := strings.CutPrefix(c.User, ":"); ok {
		id := userID(image.user)
		if id == "" {
			id = "0"
		}
		user = id + ":" + group
	} else if id, _, grouped := strings.Cut(image.user, ":"); !asked && grouped {
		user = cmp.Or(id, "0")
	}
	if !c.Security.RunAsNonRoot {
		return user, nil
	}
	id, of := userID(c.User), "the manifest's user"
	if !asked {
		id, of = userID(image.user), fmt.Sprintf("the user of image %q", c.Image)
	}
	switch {
	case id == "" || isNumber(id) && strings.Trim(id, "0") == "":
		return "", runsAsRoot(fmt.Errorf("runAsNonRoot is set, but %s is root", of))
	case !isNumber(id):
		return "", runsAsRoot(fmt.Errorf("runAsNonRoot is set, but %s is %q: only a numeric user can be checked", of, id))
	}
	return user, nil
}

func runsAsRoot(err error) error {
	return &engine.Error{
		Reason: engine.ImageRunsAsRoot, Err: err,
		Remedy: engine.Remedy{Text: "set securityContext.runAsUser to a number other than 0, or use an image with USER in numbers"},
	}
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// platformOf parses "os/arch[/variant]".
func platformOf(s string) (*ocispec.Platform, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, &engine.Error{
			Reason: engine.EngineRefused,
			Err:    fmt.Errorf("platform %q is not of the form os/arch or os/arch/variant", s),
			Remedy: engine.Remedy{Text: "write it as in linux/amd64 or linux/arm64"},
		}
	}
	p := &ocispec.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

func revealed(texts []plan.Text) strslice.StrSlice {
	var all strslice.StrSlice
	for _, t := range texts {
		all = append(all, t.Reveal())
	}
	return all
}

// pullLogins returns the logins of a container's pull secrets.
func pullLogins(c plan.Container) logins {
	var all logins
	for _, p := range c.PullCredentials {
		user, password, _ := strings.Cut(p.Auth.Reveal(), ":")
		all = append(all, login{
			auth: registry.AuthConfig{Username: user, Password: password}, source: p.String(), renewal: "renew the credentials in " + p.String(),
		})
	}
	return all
}

func environment(vars []plan.EnvVar) []string {
	var all []string
	for _, v := range vars {
		all = append(all, v.Name+"="+v.Value.Reveal())
	}
	return all
}

// wholeSeconds rounds up to seconds. The value is for a `docker stop` by others; an attempt has its own timer.
func wholeSeconds(d time.Duration) *int {
	seconds := int(math.Ceil(d.Seconds()))
	return &seconds
}
