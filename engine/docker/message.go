package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
)

// messageBytes is the length to which the kubelet cuts a termination message.
const messageBytes = 4096

// lastWords is the container's termination message: the file that it was to leave, or the end of the output
// where it failed without one and the policy says so. A file on a tmpfs, /dev being one, is gone with the process.
func (a *attempt) lastWords(ctx context.Context, code int) (string, error) {
	asked := a.container.TerminationMessage
	content, err := a.messageFile(ctx, asked.Path)
	if err == nil && content == "" && code != 0 && asked.FallbackToLogs {
		return a.output.tail(), nil
	}
	return a.mask.String(content), err
}

// messageFile reads a file of the stopped container; there is none at path "".
func (a *attempt) messageFile(ctx context.Context, path string) (content string, err error) {
	if path == "" {
		return "", nil
	}
	err = a.call(context.WithoutCancel(ctx), fmt.Sprintf("read the termination message %q", path), func(ctx context.Context) error {
		file, _, err := a.client.CopyFromContainer(ctx, a.id, path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		content, err = firstFile(file, messageBytes)
		return err
	})
	if cerrdefs.IsNotFound(err) {
		return "", nil
	}
	return content, err
}
