package replay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// sink keeps what is told.
type sink struct{ bytes.Buffer }

func (*sink) Close() error { return nil }

// logOf returns the frames of a stream in an engine's log. A forgetful log loses the line break after parts of a line, as that
// of Docker 20.10 does.
func logOf(stream []byte, forgetful bool) [][]byte {
	var frames [][]byte
	for n := 0; len(stream) > 0; n++ {
		frame := func(text []byte) { frames = append(frames, fmt.Appendf(nil, "%d %s", n, text)) }
		line, after, ended := bytes.Cut(stream, []byte{'\n'})
		stream = after
		parts := len(line) >= partBytes
		for len(line) >= partBytes {
			frame(line[:partBytes])
			line = line[partBytes:]
		}
		line = bytes.Clone(line)
		if ended && !(parts && forgetful) {
			line = append(line, '\n')
		}
		if len(line) > 0 {
			frame(line)
		}
	}
	return frames
}

// TestReplayTellsWhatIsMissing cuts streams at random places: what is forwarded before and after the cut is the whole stream.
func TestReplayTellsWhatIsMissing(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	streams := map[string][]byte{
		"lines":            []byte("a\n\n\nbc\nd"),
		"breaks":           []byte("\n\n\n\n"),
		"no break":         []byte("a"),
		"a long line":      []byte("x\n" + strings.Repeat("a", 3*partBytes+5) + "\nb\n\nc\n"),
		"exact parts":      []byte(strings.Repeat("b", partBytes) + "\n" + strings.Repeat("c", 2*partBytes) + "\nd\n"),
		"a long last line": []byte("x\n" + strings.Repeat("a", partBytes+1)),
		"binary":           {0, 255, '\n', 128, '\r', '\n', 0, '\n'},
	}
	var mixed []byte
	for range 300 {
		mixed = append(append(mixed, bytes.Repeat([]byte{byte(random.IntN(256))}, random.IntN(400))...), '\n')
	}
	streams["mixed"] = mixed
	for name, stream := range streams {
		for _, forgetful := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%v", name, forgetful), func(t *testing.T) {
				for range 60 {
					cut := random.IntN(len(stream) + 1)
					var got sink
					told := Forward(&got)
					_, _ = told.Write(stream[:cut])
					r := New(told, true, true)
					for _, frame := range logOf(stream, forgetful) {
						_, _ = r.Write(frame)
					}
					if !r.Complete(false, false) {
						t.Fatalf("cut at %d: incomplete", cut)
					}
					// The line break after a long last line may be missing: nobody sees it.
					if want := stream; !bytes.Equal(got.Bytes(), want) && got.String()+"\n" != string(want) {
						t.Fatalf("cut at %d of %d: told %d bytes\n%.200q\nwant\n%.200q", cut, len(want), got.Len(), got.Bytes(), want)
					}
				}
			})
		}
	}
}

// TestReplayOfPartsFromSeveralTimes: if no line breaks are lost, a line that came in parts at different times is one line.
func TestReplayOfPartsFromSeveralTimes(t *testing.T) {
	var got sink
	told := Forward(&got)
	_, _ = told.Write([]byte("a\npa"))
	r := New(told, true, false)
	for _, frame := range []string{"10Z a\n", "10Z part", "11Z ial\n", "12Z end"} {
		_, _ = r.Write([]byte(frame))
	}
	if want := "a\npartial\nend"; got.String() != want || !r.Complete(false, false) {
		t.Errorf("told %q, want %q", got.String(), want)
	}
}

func TestReplayNoticesWhatDoesNotFit(t *testing.T) {
	tests := []struct {
		name, told, log string
		whole, rotated  bool
		want            bool
	}{
		{"the same", "a\nb\n", "a\nb\n", true, false, true},
		{"the same, and cut off", "a\nb\n", "a\nb\n", false, false, true},
		{"another text", "a\nb\n", "a\nc\n", true, false, false},
		{"another beginning", "a\nb\n", "c\nb\nd\n", false, false, false},
		{"a short log of a whole stream", "a\nb\n", "a\n", true, false, true},
		{"a short log of one that was cut off", "a\nb\n", "a\n", false, false, false},
		{"the end of a log", "a\nb\n", "b\n", true, true, true},
		{"the end of a log that went on", "a\nb\n", "c\n", true, true, false},
		{"the end of a log, and cut off", "a\nb\n", "b\n", false, true, false},
		{"nothing", "", "", true, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			told := Forward(&sink{})
			_, _ = told.Write([]byte(test.told))
			r := New(told, true, true)
			for line := range strings.Lines(test.log) {
				_, _ = r.Write([]byte("time " + line))
			}
			if got := r.Complete(test.whole, test.rotated); got != test.want {
				t.Errorf("complete is %v", got)
			}
		})
	}
}

func TestTailOfAPosition(t *testing.T) {
	whole, end := newPosition(), newPosition()
	text := make([]byte, 5*tailBytes)
	for i := range text {
		text[i] = byte(i * i >> 3)
	}
	for part := range (len(text) + 999) / 1000 {
		whole.pass(text[part*1000 : min(len(text), part*1000+1000)])
	}
	end.pass(text[2*tailBytes:])
	if !whole.endsLike(&end) {
		t.Error("two streams with the same end do not end alike")
	}
	end.pass([]byte("x"))
	if whole.endsLike(&end) {
		t.Error("two streams with another end end alike")
	}
}
