package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/volume"

	"github.com/ktask/ktask/engine"
)

// createVolume creates a volume and returns its path on the engine's machine. If a volume of the name exists, the engine
// returns that one, so the random label shows which one it is.
func (e *Engine) createVolume(ctx context.Context, v volume.CreateOptions) (mountpoint string, err error) {
	v.Labels = maps.Clone(v.Labels)
	e.labelCreation(v.Labels)
	mountpoint, err = e.createVolumeOnce(ctx, v)
	if refusesSize(err) {
		v.DriverOpts = inBlocks(v.DriverOpts)
		mountpoint, err = e.createVolumeOnce(ctx, v)
	}
	return mountpoint, err
}

// errForeign is the cause if a name that ktask needs belongs to something that somebody else has created. It is not removed.
var errForeign = errors.New("the engine has one of this name, which somebody else has made")

// refusesSize reports whether the engine takes the size of a tmpfs for a quota of its disk, as podman before 4.8 does
// (https://github.com/containers/podman/issues/20449). Only the text of the error shows it.
func refusesSize(err error) bool {
	return hasReason(err, engine.EngineRefused) && strings.Contains(err.Error(), "size and inodes not supported")
}

// inBlocks returns the size of a tmpfs in pages, which no engine takes for a quota. Pages are assumed to have 4 KiB, as on
// all but a few arm64 and ppc64 kernels, where the volume is then larger.
func inBlocks(options map[string]string) map[string]string {
	const page = 4096
	options = maps.Clone(options)
	mount := strings.Split(options["o"], ",")
	for i, option := range mount {
		if size, ok := strings.CutPrefix(option, "size="); ok {
			bytes, _ := strconv.ParseInt(size, 10, 64) // written by addTmpfs
			mount[i] = "nr_blocks=" + strconv.FormatInt(max(1, bytes/page), 10)
		}
	}
	options["o"] = strings.Join(mount, ",")
	return options
}

func (e *Engine) createVolumeOnce(ctx context.Context, v volume.CreateOptions) (mountpoint string, err error) {
	err = e.do(ctx, fmt.Sprintf("create volume %q", v.Name), repeatedly, func(ctx context.Context) error {
		created, err := e.client.VolumeCreate(ctx, v)
		if err == nil && created.Labels[labelCreate] != v.Labels[labelCreate] {
			return &engine.Error{
				Reason: engine.EngineRefused, Err: fmt.Errorf("create volume %q: %w", v.Name, errForeign),
				Remedy: engine.Remedy{Text: "run it again: names are made of the id of the run, which is for one run alone"},
			}
		}
		mountpoint = created.Mountpoint
		return err
	})
	return mountpoint, err
}
