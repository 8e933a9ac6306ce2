package engine

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ktask/ktask/engine/mask"
	"github.com/ktask/ktask/engine/plan"
)

// collect is a sink for one stream.
type collect []OutputLine

func (c *collect) Emit(e Event) { *c = append(*c, e.(OutputLine)) }

// split returns the lines of text, which it writes in pieces of size bytes.
func split(text string, m *mask.Mask, size int) []OutputLine {
	var c collect
	w := newOutput(&c, Stderr, m, false)
	for piece := range slices.Chunk([]byte(text), size) {
		_, _ = w.Write(piece)
	}
	_ = w.Close()
	return c
}

func masking(values ...string) *mask.Mask {
	var secrets []plan.Secret
	for _, v := range values {
		secrets = append(secrets, plan.NewSecret("s/k", v))
	}
	return mask.New(secrets)
}

func TestOutputSplitsLines(t *testing.T) {
	full := strings.Repeat("x", MaxLine)
	tests := map[string]struct {
		in   string
		want []OutputLine
	}{
		"nothing":                  {"", nil},
		"lines":                    {"a\n\nb\n", []OutputLine{{Line: "a"}, {Line: ""}, {Line: "b"}}},
		"no line break at the end": {"a\nb", []OutputLine{{Line: "a"}, {Line: "b", Break: NoBreak}}},
		"line breaks of Windows":   {"a\r\nb\r\n", []OutputLine{{Line: "a", Break: CRLF}, {Line: "b", Break: CRLF}}},
		"a progress bar":           {"10%\r20%\r\r\nb\r", []OutputLine{{Line: "10%\r20%\r", Break: CRLF}, {Line: "b\r", Break: NoBreak}}},
		"bytes that are no text":   {"\xff\x00\xfe\n", []OutputLine{{Line: "\xff\x00\xfe"}}},
		"as long as may be":        {full + "\n", []OutputLine{{Line: full}}},
		"with a break of Windows":  {full + "\r\n", []OutputLine{{Line: full, Break: CRLF}}},
		"one byte too long":        {full + "y\n", []OutputLine{{Line: full, Partial: true}, {Line: "y"}}},
		"one return too long":      {full + "\r", []OutputLine{{Line: full, Partial: true}, {Line: "\r", Break: NoBreak}}},
		"far too long":             {full + full + "y", []OutputLine{{Line: full, Partial: true}, {Line: full, Partial: true}, {Line: "y", Break: NoBreak}}},
		"not within a character":   {full[1:] + "€\n", []OutputLine{{Line: full[1:], Partial: true}, {Line: "€"}}},
	}
	for name, test := range tests {
		for i := range test.want {
			test.want[i].Stream = Stderr
		}
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 5, MaxLine, 4 * MaxLine} {
				if got := split(test.in, nil, size); !slices.Equal(got, test.want) {
					t.Errorf("pieces of %d: %d lines %.200v, want %d lines %.200v", size, len(got), got, len(test.want), test.want)
				}
			}
		})
	}
}

func TestOutputMasksBeforeThereAreLines(t *testing.T) {
	got := split("a first half\nsecond half b\nsecond half\n", masking("first half\nsecond half"), 3)
	want := []OutputLine{{Stream: Stderr, Line: "a " + plan.Mask + " b"}, {Stream: Stderr, Line: plan.Mask}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestOutputMasksAcrossParts(t *testing.T) {
	text := strings.Repeat("x", MaxLine-3) + "password" + strings.Repeat("y", 10)
	for _, line := range split(text, masking("password"), 5) {
		if strings.Contains(line.Line, "pass") || strings.Contains(line.Line, "word") {
			t.Errorf("a half of it is in %q", line.Line[max(0, len(line.Line)-20):])
		}
	}
}

func FuzzOutput(f *testing.F) {
	f.Add("a\nb\r\nc\r", 3, byte(1))
	f.Add("é\xff\r\r\n", 30000, byte(2))
	f.Fuzz(func(t *testing.T, text string, times int, size byte) {
		text = strings.Repeat(text, max(1, min(times, 3*MaxLine/(len(text)+1))))
		whole, pieces := split(text, nil, len(text)+1), split(text, nil, int(size)+1)
		if !slices.Equal(whole, pieces) {
			t.Fatalf("%d lines in pieces, %d at once", len(pieces), len(whole))
		}
		var joined []string
		var exact strings.Builder
		open := false
		for _, line := range whole {
			exact.WriteString(line.Line)
			if !line.Partial {
				exact.WriteString(line.Break.String())
			}
			if len(line.Line) > MaxLine {
				t.Errorf("a line has %d bytes", len(line.Line))
			}
			if open {
				joined[len(joined)-1] += line.Line
			} else {
				joined = append(joined, line.Line)
			}
			open = line.Partial
		}
		if exact.String() != text {
			t.Errorf("%d bytes became %d, or others", len(text), exact.Len())
		}
		want := strings.Split(text, "\n")
		for i := range want[:len(want)-1] {
			want[i] = strings.TrimSuffix(want[i], "\r")
		}
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		if !slices.Equal(joined, want) {
			t.Errorf("%d lines, want %d", len(joined), len(want))
		}
	})
}

func BenchmarkOutput(b *testing.B) {
	line := "2024-05-01T10:00:00Z INFO the quick brown fox jumps over the lazy dog id=4711 path=/var/data/function.ts\n"
	chunk := []byte(strings.Repeat(line, 320))
	pem := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 25)
	for name, m := range map[string]*mask.Mask{
		"no secrets": nil,
		"one secret": masking("xoxb-123456789-abcdefghij"),
		"many":       masking("xoxb-123456789-abcdefghij", `{"user":"admin","token":"s3cr3t-t0ken"}`, pem, "the quack", "INFO: no"),
	} {
		b.Run(name, func(b *testing.B) {
			var discarded int
			w := newOutput(SinkFunc(func(Event) { discarded++ }), Stdout, m, false)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				_, _ = w.Write(chunk)
			}
		})
	}
}

// parted collects events of all kinds.
type parted struct {
	mu     sync.Mutex
	events []Event
}

func (p *parted) Emit(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
}

// next returns the texts of the events since the last call. That of a line ends with a dollar sign, that of a part of a long line
// with a plus sign.
func (p *parted) next() (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		switch e := e.(type) {
		case OutputPart:
			texts = append(texts, e.Text)
		case OutputLine:
			texts = append(texts, e.Line+map[bool]string{false: "$", true: "+"}[e.Partial])
		}
	}
	p.events = nil
	return texts
}

// TestOutputParts writes parts of lines, each followed by a wait.
func TestOutputParts(t *testing.T) {
	full := strings.Repeat("x", MaxLine)
	for name, test := range map[string]struct {
		writes []string
		want   [][]string
		end    []string
	}{
		"a prompt":                   {[]string{"name? ", "me\n"}, [][]string{{"name? "}, {"name? me$"}}, nil},
		"two parts":                  {[]string{"a!", "b!", "c!\nd!"}, [][]string{{"a!"}, {"b!"}, {"a!b!c!$", "d!"}}, []string{"d!$"}},
		"a bar":                      {[]string{"10%\r", "20%\r", "\n"}, [][]string{{"10%"}, {"\r20%"}, {"10%\r20%$"}}, nil},
		"a character in pieces":      {[]string{"a\xe2\x82", "\xac"}, [][]string{{"a"}, {"€"}}, []string{"a€$"}},
		"what is no text":            {[]string{"\xff", "\x80\x80\x80\x80"}, [][]string{{"\xff"}, {"\x80\x80\x80\x80"}}, []string{"\xff\x80\x80\x80\x80$"}},
		"the beginning of a secret":  {[]string{"a hunt", "er22 b", "\n"}, [][]string{{"a "}, {"••• b"}, {"a ••• b$"}}, nil},
		"not the beginning of it":    {[]string{"a hunt", "s\n"}, [][]string{{"a "}, {"a hunts$"}}, nil},
		"a line that gets too long":  {[]string{"ab", full, "\n"}, [][]string{{"ab"}, {"ab" + full[2:] + "+", "xx"}, {"xx$"}}, nil},
		"nothing":                    {[]string{"", "a!\n!"}, [][]string{nil, {"a!$", "!"}}, []string{"!$"}},
		"a part that was there once": {[]string{"a!", ""}, [][]string{{"a!"}, nil}, []string{"a!$"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c parted
				w := newOutput(&c, Stdout, masking("hunter22"), true)
				for i, text := range test.writes {
					_, _ = w.Write([]byte(text))
					time.Sleep(partAfter - 1)
					synctest.Wait()
					before := c.next()
					time.Sleep(time.Nanosecond)
					synctest.Wait()
					parts := c.next()
					if len(parts) > 0 && !strings.HasSuffix(parts[0], "$") && slices.Contains(before, parts[0]) {
						t.Errorf("the part %q comes early", parts[0])
					}
					if got := append(before, parts...); !slices.Equal(got, test.want[i]) {
						t.Errorf("after %q: got %q, want %q", text, got, test.want[i])
					}
				}
				_ = w.Close()
				time.Sleep(time.Hour)
				if got := c.next(); !slices.Equal(got, test.end) {
					t.Errorf("at the end: got %q, want %q", got, test.end)
				}
			})
		})
	}
}

// TestQueueCountsParts: parts of lines that wait for a slow sink are bounded in bytes.
func TestQueueCountsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, size = 200, 64 << 10
		slow := make(chan struct{})
		q := newEventQueue(SinkFunc(func(Event) { <-slow }), func(error) {})
		emitted := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for emitted < total {
				q.emit(Header{}, OutputPart{Text: strings.Repeat("x", size)})
				emitted++
			}
		}()
		synctest.Wait()
		if most := 2 * maxQueuedBytes / size; emitted > most {
			t.Errorf("%d parts wait, at most %d may", emitted, most)
		}
		close(slow)
		<-done
		if err := q.close(); err != nil {
			t.Error(err)
		}
	})
}
