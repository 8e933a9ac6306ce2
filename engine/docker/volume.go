package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/volume"
)

// createVolume makes a volume and notes where the engine has it. What is there under its name is this volume: an engine
// that is asked again gives it once more.
func (e *Engine) createVolume(ctx context.Context, v volume.CreateOptions, mountpoints map[string]string) error {
	return e.again(ctx, fmt.Sprintf("create volume %q", v.Name), func(ctx context.Context) error {
		created, err := e.client.VolumeCreate(ctx, v)
		mountpoints[v.Name] = created.Mountpoint
		return err
	})
}
