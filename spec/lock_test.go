package spec_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/ktask/ktask/spec"
)

var hex = strings.Repeat("0a", 32)

// TestLockText checks that the text of a lock is sorted, and that it is read as what was written.
func TestLockText(t *testing.T) {
	written := spec.Lock{
		Images:  []spec.LockedImage{{Image: "b:1", Digest: "sha256:" + hex}, {Image: "null", ID: "sha256:" + hex}, {Image: "127.0.0.1:5000/a", Digest: "sha256:" + hex, ID: "sha256:" + hex}},
		Scripts: []spec.LockedScript{{URL: "https://b/" + strings.Repeat("long", 500) + "?a=\"ü\" #x\n", SHA256: hex}, {URL: "http://a", SHA256: hex}},
	}
	text := written.String()
	const want = "# Made by `ktask lock`. `ktask run --locked` uses exactly these images and scripts.\nimages:\n- image: \"127.0.0.1:5000/a\"\n  digest: sha256:0a"
	if !strings.HasPrefix(text, want) {
		t.Errorf("got %s", text)
	}
	read, problems := spec.ReadLock(spec.File{Name: "ktask.lock", Data: []byte(text)})
	for i := range read.Images {
		read.Images[i].Pos = spec.Pos{}
	}
	for i := range read.Scripts {
		read.Scripts[i].Pos = spec.Pos{}
	}
	if again := read.String(); len(problems) > 0 || again != text || len(read.Images) != 3 || !reflect.DeepEqual(read.Images[1:], written.Images[:2]) {
		t.Errorf("%v\n%s\nis read as %+v\n%s", problems, text, read, again)
	}
	if empty, problems := spec.ReadLock(spec.File{Name: "ktask.lock", Data: []byte(spec.Lock{}.String())}); len(problems) > 0 || empty.Images != nil {
		t.Errorf("an empty lock: %v %v", empty, problems)
	}
}

// TestBadLocks checks that what ktask did not write is an error with its place.
func TestBadLocks(t *testing.T) {
	image := "images:\n- image: a\n  digest: sha256:" + hex + "\n"
	for text, want := range map[string]string{
		image + image: `ktask.lock:4:1: error: key "images" is given twice`,
		image + "- image: a\n  id: sha256:" + hex:               `ktask.lock:4:10: error: image "a" is given twice; the first is on line 2`,
		image + "  id: sha512:" + hex:                           `ktask.lock:4:7: error: images[0].id must be sha256:`,
		"images: [{image: a}]":                                  "ktask.lock:1:10: error: images[0] needs an image",
		"images: [{image: a, digest: md5:1}]":                   "ktask.lock:1:29: error: images[0].digest must be sha256: and 64 hexadecimal digits (write the file with ktask lock) [invalid-lock]",
		"images: [{image: a, id: SHA256:" + hex + "}]":          "ktask.lock:1:25: error: images[0].id must be sha256:",
		"images: {a: sha256:" + hex + "}":                       "ktask.lock:1:9: error: images must be a list",
		"images: [{image: 1, digest: x}]":                       "ktask.lock:1:18: error: images[0].image must be a string",
		"scripts: [{url: a, sha256: 0}]":                        "ktask.lock:1:28: error: scripts[0].sha256 must be a string",
		"scripts: [{url: a, sha256: x}]":                        "ktask.lock:1:28: error: scripts[0].sha256 must be 64 hexadecimal digits",
		"scripts: [{sha256: x}]":                                "ktask.lock:1:11: error: scripts[0] needs a url",
		"scripts: [{url: a, sha: x}]":                           `ktask.lock:1:20: error: unknown field "scripts[0].sha"`,
		"image: []":                                             `ktask.lock:1:1: error: unknown field "image" (did you mean "images"?)`,
		"[]":                                                    "ktask.lock:1:1: error: the file must be an object, not a list",
		"images: [":                                             "ktask.lock:1:",
		image + "---\n" + image:                                 "ktask.lock:5:1: error: the file has a second document",
		"images: &a [*a]":                                       "ktask.lock:1:",
		"<<<<<<< HEAD\nimages: []\n=======\nimages: [{}]\n>>>>": "ktask.lock:2:1: error: ",
	} {
		_, problems := spec.ReadLock(spec.File{Name: "ktask.lock", Data: []byte(text)})
		if len(problems.Errors()) == 0 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%s\nwant %s\ngot  %v", text, want, problems)
		}
	}
}
