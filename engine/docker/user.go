package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/sys/user"

	"github.com/ktask/ktask/engine/docker/inplace"
	"github.com/ktask/ktask/engine/plan"
)

// The files of an image that decide who a user is.
const (
	passwdFile = "/etc/passwd"
	groupFile  = "/etc/group"
)

// decidesUser reports whether the engine finds the container's user in the file.
func decidesUser(f plan.File) bool {
	file := "/" + inRoot(f.Path)
	return file == passwdFile || file == groupFile
}

// mayBecome reports whether root in the container may become another user, and give that user the output. The engine itself
// needs no capability for it.
func mayBecome(s plan.Security) bool {
	names := func(all []string, name string) bool {
		return slices.ContainsFunc(all, func(c string) bool { return strings.TrimPrefix(strings.ToUpper(c), "CAP_") == name })
	}
	return !slices.ContainsFunc([]string{"CHOWN", "SETGID", "SETUID"}, func(name string) bool {
		return (names(s.CapDrop, name) || names(s.CapDrop, "ALL")) && !names(s.CapAdd, name)
	})
}

// lookUpUser finds the user that the program becomes in the files of the image, as the engine does.
func (a *attempt) lookUpUser(ctx context.Context, as string) error {
	passwd, err := a.fileOfImage(ctx, passwdFile)
	if err != nil {
		return err
	}
	group, err := a.fileOfImage(ctx, groupFile)
	if err != nil {
		return err
	}
	found, err := user.GetExecUser(as, &user.ExecUser{Home: "/"}, bytes.NewReader(passwd), bytes.NewReader(group))
	if err != nil {
		return fmt.Errorf("look up user %q: %w", as, err)
	}
	if a.engine.isPodman() {
		known, err := user.ParsePasswdFilter(bytes.NewReader(passwd), func(u user.User) bool { return u.Uid == found.Uid })
		if err != nil || len(known) == 0 {
			return errors.Join(errors.New("podman adds the user to /etc/passwd"), err)
		}
	}
	// The main group is among the others, as since Docker 20.10.18.
	groups := []uint32{uint32(found.Gid)}
	for _, g := range found.Sgids {
		groups = append(groups, uint32(g))
	}
	a.prepared.user, a.prepared.home = &inplace.User{UID: uint32(found.Uid), GID: uint32(found.Gid), Groups: groups}, found.Home
	return nil
}

// mostUsers is the size up to which a file of users is read.
const mostUsers = 1 << 20

// fileOfImage returns the content of a file that the container has from its image; nil if it has none. Nothing of the task has
// run in the container.
func (a *attempt) fileOfImage(ctx context.Context, file string) (content []byte, err error) {
	err = a.engine.do(ctx, fmt.Sprintf("read %q", file), repeatedly, func(ctx context.Context) error {
		packed, _, err := a.engine.client.CopyFromContainer(ctx, a.id, file)
		if err != nil {
			return err
		}
		defer func() { _ = packed.Close() }()
		entries := tar.NewReader(packed)
		if entry, err := entries.Next(); err != nil || entry.Typeflag != tar.TypeReg || entry.Size > mostUsers {
			return errors.Join(errors.New("it is not a file of users"), err)
		}
		content, err = io.ReadAll(entries)
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return nil, nil
	}
	return content, err
}
