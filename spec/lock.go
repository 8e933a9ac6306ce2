package spec

import (
	"fmt"
	"slices"
	"strings"
)

// LockName is the name of the lock file.
const LockName = "ktask.lock"

// Lock says which images and scripts a run may use. Its text is a lock file.
type Lock struct {
	Images  []LockedImage
	Scripts []LockedScript
}

// LockedImage is the content that an image must have. Digest or ID is set, or both.
type LockedImage struct {
	// Image is the name of the image as it runs.
	Image string
	// Digest is that of the manifest in the image's registry, or "" if no registry has the image.
	Digest string
	// ID is that on the engine. It identifies one build for one platform, also after the image was saved and loaded.
	ID  string
	Pos Pos
}

// LockedScript is the content that the script at a URL must have.
type LockedScript struct {
	URL string
	// SHA256 is in hexadecimal digits.
	SHA256 string
	Pos    Pos
}

// isSHA256 reports whether text is a SHA-256 in hexadecimal digits.
func isSHA256(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// ReadLock reads a lock file. The problems are errors.
func ReadLock(f File) (Lock, Problems) {
	var raw struct {
		Images []struct {
			Image  string `json:"image"`
			Digest string `json:"digest"`
			ID     string `json:"id"`
		} `json:"images"`
		Scripts []struct {
			URL    string `json:"url"`
			SHA256 string `json:"sha256"`
		} `json:"scripts"`
	}
	o := object{reporter: &reporter{file: f}, decoder: newDecoder()}
	if o.node = single(o.reporter); o.node == nil {
		return Lock{}, o.all()
	}
	o.decode(&raw)
	var l Lock
	names := seen{}
	for p, i := range items(o.top().in("images"), raw.Images) {
		names.once(p, "image", i.Image, fmt.Sprintf("image %q", i.Image))
		if i.Image == "" || i.Digest == "" && i.ID == "" {
			p.fail(p.At(), "invalid-lock", runLock, "%s needs an image, and a digest or an id", p.At().Field)
		}
		p.contentAddress("digest", i.Digest)
		p.contentAddress("id", i.ID)
		l.Images = append(l.Images, LockedImage{i.Image, i.Digest, i.ID, p.At()})
	}
	urls := seen{}
	for p, s := range items(o.top().in("scripts"), raw.Scripts) {
		urls.once(p, "url", s.URL, fmt.Sprintf("script %q", s.URL))
		switch {
		case s.URL == "":
			p.fail(p.At(), "invalid-lock", runLock, "%s needs a url", p.At().Field)
		case !isSHA256(s.SHA256):
			p.fail(p.At("sha256"), "invalid-lock", runLock, "%s must be 64 hexadecimal digits", p.At("sha256").Field)
		}
		l.Scripts = append(l.Scripts, LockedScript{s.URL, s.SHA256, p.At()})
	}
	return l, o.all()
}

// runLock is the remedy for a lock file that ktask did not write.
const runLock = "write the file with ktask lock"

// contentAddress checks a digest or an ID, if there is one.
func (p part) contentAddress(field, value string) {
	if sum, ok := strings.CutPrefix(value, "sha256:"); value != "" && !(ok && isSHA256(sum)) {
		p.fail(p.At(field), "invalid-lock", runLock, "%s must be sha256: and 64 hexadecimal digits", p.At(field).Field)
	}
}

// String returns the text of a lock file. It is sorted, so the same content has the same text.
func (l Lock) String() string {
	var b strings.Builder
	b.WriteString("# Made by `ktask lock`. `ktask run --locked` uses exactly these images and scripts.\n")
	images, scripts := slices.Clone(l.Images), slices.Clone(l.Scripts)
	slices.SortFunc(images, func(a, b LockedImage) int { return strings.Compare(a.Image, b.Image) })
	slices.SortFunc(scripts, func(a, b LockedScript) int { return strings.Compare(a.URL, b.URL) })
	if len(images) > 0 {
		b.WriteString("images:\n")
	}
	for _, i := range images {
		fmt.Fprintf(&b, "- image: %q\n", i.Image)
		switch {
		case i.Digest == "":
			fmt.Fprintf(&b, "  id: %s # of one build: no registry is known to have it\n", i.ID)
		case i.ID == "":
			fmt.Fprintf(&b, "  digest: %s\n", i.Digest)
		default:
			fmt.Fprintf(&b, "  digest: %s\n  id: %s\n", i.Digest, i.ID)
		}
	}
	if len(scripts) > 0 {
		b.WriteString("scripts:\n")
	}
	for _, s := range scripts {
		fmt.Fprintf(&b, "- url: %q\n  sha256: %s\n", s.URL, s.SHA256)
	}
	return b.String()
}
