package docker

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/ktask/ktask/engine"
)

// SaveImages writes an archive as `docker save` does. It reads the archive on its way and returns an error if an image is missing: an
// engine that fails in the middle can only end its answer.
func (e *Engine) SaveImages(ctx context.Context, refs []string, to io.Writer) error {
	what := "save images " + strings.Join(refs, ", ")
	if err := e.do(ctx, what, once, nil); err != nil {
		return err
	}
	stream, err := e.client.ImageSave(ctx, refs)
	if err != nil {
		return e.explain(ctx, what, err)
	}
	defer func() { _ = stream.Close() }()
	written := &target{Writer: to}
	archive := io.TeeReader(stream, written)
	saved, err := namesIn(archive)
	if err == nil {
		_, err = io.Copy(io.Discard, archive) // what follows the end of the archive
	}
	switch {
	case written.err != nil:
		return written.err
	case ctx.Err() != nil, cutOff(err):
		return e.explain(ctx, what, err)
	case err != nil:
		return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s: the engine sends no archive: %w", what, err), Remedy: e.remedyRefused()}
	}
	for _, ref := range refs {
		if !slices.ContainsFunc(saved, func(name string) bool { return sameName(name, ref) }) {
			return &engine.Error{Reason: engine.EngineRefused, Err: fmt.Errorf("%s: the engine's archive lacks %q", what, ref), Remedy: e.remedyRefused()}
		}
	}
	return nil
}

// target records the error of a writer.
type target struct {
	io.Writer
	err error
}

func (t *target) Write(p []byte) (int, error) {
	n, err := t.Writer.Write(p)
	t.err = err
	return n, err
}

// namesIn returns the names and IDs of the images in an archive, which it reads to its end. An ID is the digest of the image's
// configuration, or with containerd's image store that of its manifest.
func namesIn(archive io.Reader) ([]string, error) {
	var manifest []struct {
		RepoTags []string
		Config   string // HEX.json or blobs/sha256/HEX
	}
	var index struct{ Manifests []struct{ Digest string } }
	documents := map[string]any{"manifest.json": &manifest, "index.json": &index}
	for files := tar.NewReader(archive); ; {
		header, err := files.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if document := documents[header.Name]; document != nil {
			if err := json.NewDecoder(io.LimitReader(files, mostAnswered)).Decode(document); err != nil {
				return nil, fmt.Errorf("%s: %w", header.Name, err)
			}
		}
	}
	var names []string
	for _, image := range manifest {
		id := "sha256:" + strings.TrimSuffix(path.Base(image.Config), ".json")
		names = append(append(names, image.RepoTags...), id)
	}
	for _, m := range index.Manifests {
		names = append(names, m.Digest)
	}
	return names, nil
}

// sameName reports whether two names mean the same image.
func sameName(a, b string) bool {
	one, err := reference.ParseNormalizedNamed(a)
	if err != nil {
		return false
	}
	other, err := reference.ParseNormalizedNamed(b)
	return err == nil && reference.TagNameOnly(one).String() == reference.TagNameOnly(other).String()
}

// LoadImages reads an archive as `docker load` does.
func (e *Engine) LoadImages(ctx context.Context, from io.Reader) ([]string, error) {
	what := "load images"
	if err := e.do(ctx, what, once, nil); err != nil {
		return nil, err
	}
	source := &source{Reader: from}
	answer, err := e.client.ImageLoad(ctx, source)
	if err == nil {
		var names []string
		names, err = loaded(answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err == nil {
			return names, nil
		}
	}
	switch {
	case source.err != nil:
		return nil, source.err
	case ctx.Err() != nil, cutOff(err) && !isRegistrys(err):
		return nil, e.explain(ctx, what, err)
	}
	return nil, &engine.Error{
		Reason: engine.EngineRefused, Err: fmt.Errorf("%s: %w", what, words{err}),
		Remedy: engine.Remedy{Text: "check that the file is an archive of images, as `ktask images save` and `docker save` write it"},
	}
}

// source records the error of a reader.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// loaded returns the names in the answer to a load: "Loaded image: NAME", and in podman several names with commas.
func loaded(answer io.Reader) ([]string, error) {
	var names []string
	for messages := json.NewDecoder(io.LimitReader(answer, mostAnswered)); ; {
		var m struct {
			message
			Stream string
		}
		if err := messages.Decode(&m); err == io.EOF {
			return names, nil
		} else if err != nil {
			return nil, err
		}
		if err := m.failure(); err != nil {
			return nil, err
		}
		if before, list, ok := strings.Cut(strings.TrimSpace(m.Stream), ": "); ok && strings.HasPrefix(before, "Loaded image") {
			names = append(names, strings.Split(list, ",")...)
		}
	}
}
