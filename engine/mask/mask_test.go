package mask

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

func secrets(values ...string) []plan.Secret {
	var all []plan.Secret
	for i, v := range values {
		all = append(all, plan.NewSecret("ref/"+string(rune('a'+i)), v))
	}
	return all
}

func TestMaskHidesValues(t *testing.T) {
	const m = plan.Mask
	tests := map[string]struct {
		values   []string
		in, want string
	}{
		"none":                     {nil, "text", "text"},
		"plain":                    {[]string{"hunter22"}, "a hunter22 b", "a " + m + " b"},
		"at both ends":             {[]string{"hunter22"}, "hunter22 hunter22", m + " " + m},
		"side by side":             {[]string{"hunter22"}, "hunter22hunter22", m + m},
		"nearly":                   {[]string{"hunter22"}, "hunter2 huntehunter22", "hunter2 hunte" + m},
		"a prefix of another":      {[]string{"token", "token-long"}, "token-long token-lo", m + " " + m + "-lo"},
		"overlapping":              {[]string{"abcd", "cdefg"}, "xabcdefgx", "x" + m + "x"},
		"overlapping itself":       {[]string{"aaaa"}, "aaaaaaa b", m + " b"},
		"within another":           {[]string{"abcdefgh", "cdef"}, "abcdefg cdef abcdefgh", "ab" + m + "g " + m + " " + m},
		"too short":                {[]string{"abc", ""}, "abc", "abc"},
		"blank":                    {[]string{"        "}, "a         b", "a         b"},
		"trailing line break":      {[]string{"hunter22\n"}, "[hunter22]", "[" + m + "]"},
		"several lines":            {[]string{"first line\nsecond line\n"}, "first line\nsecond line\n", m},
		"a line of several":        {[]string{"first line\r\n  second line\r\n{\n"}, "{ second line }", "{ " + m + " }"},
		"an indented line":         {[]string{"first line\nsecond line"}, "    second line", "    " + m},
		"JSON as a whole":          {[]string{`{"k":"value1","n":[{"m":"value2"}]}`}, `{"k":"value1","n":[{"m":"value2"}]}`, m},
		"strings within JSON":      {[]string{`{"k":"value1","n":[{"m":"value2"}]}`}, "k value1 m value2", "k " + m + " m " + m},
		"lines of strings in JSON": {[]string{`{"key":"BEGIN KEY\nabcdef\nEND KEY\n"}`}, "abcdef\nBEGIN KEY", m + "\n" + m},
		"bytes that are no text":   {[]string{"\xff\xfe\x00\x01\x02"}, "\xff\xff\xfe\x00\x01\x02\xff", "\xff" + m + "\xff"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := New(secrets(test.values...)).String(test.in); got != test.want {
				t.Errorf("%q became %q, want %q", test.in, got, test.want)
			}
		})
	}
}

func TestMaskHidesEncodings(t *testing.T) {
	// Its length leaves a remainder by 3, so base64 pads it, and its start needs both digits that differ in URLs.
	const value = ">>>???p?ss>w~rd/+&\"é<\n line2\t?"
	lower, _ := json.Marshal(value)
	var plainJSON bytes.Buffer
	enc := json.NewEncoder(&plainJSON)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		t.Fatal(err)
	}
	encoded := map[string]string{
		"base64":                       base64.StdEncoding.EncodeToString([]byte(value)),
		"base64 without padding":       base64.RawStdEncoding.EncodeToString([]byte(value)),
		"base64 for URLs":              base64.URLEncoding.EncodeToString([]byte(value)),
		"base64 for URLs, no padding":  base64.RawURLEncoding.EncodeToString([]byte(value)),
		"base64 of what a shell pipes": base64.StdEncoding.EncodeToString([]byte(value + "\n")),
		"query":                        url.QueryEscape(value),
		"URLSearchParams":              "%3E%3E%3E%3F%3F%3Fp%3Fss%3Ew%7Erd%2F%2B%26%22%C3%A9%3C%0A+line2%09%3F",
		"Python's quote":               "%3E%3E%3E%3F%3F%3Fp%3Fss%3Ew~rd/%2B%26%22%C3%A9%3C%0A%20line2%09%3F",
		"encodeURI":                    "%3E%3E%3E???p?ss%3Ew~rd/+&%22%C3%A9%3C%0A%20line2%09?",
		"Python's json.dumps":          `>>>???p?ss>w~rd/+&\"\u00e9<\n line2\t?`,
		"JavaScript's URL, a password": "%3E%3E%3E%3F%3F%3Fp%3Fss%3Ew~rd%2F+&%22%C3%A9%3C%0A%20line2%09%3F",
		"path":                         url.PathEscape(value),
		"a URL within a URL":           percentEncode(url.PathEscape(value), "-_.~"),
		"JSON within JSON":             `>>>???p?ss>w~rd/+&\\\"\\u00e9<\\n line2\\t?`,
		"HTML":                         "&gt;&gt;&gt;???p?ss&gt;w~rd/+&amp;&#34;é&lt;\n line2\t?",
		"XML":                          "&gt;&gt;&gt;???p?ss&gt;w~rd/+&amp;&quot;é&lt;\n line2\t?",
		"hexadecimal":                  "3e3e3e3f3f3f703f73733e777e72642f2b2622c3a93c0a206c696e6532093f",
		"HEXADECIMAL":                  "3E3E3E3F3F3F703F73733E777E72642F2B2622C3A93C0A206C696E6532093F",
		"JSON":                         strings.TrimSuffix(plainJSON.String(), "\n"),
		"JSON for HTML":                string(lower),
	}
	mask := New(secrets(value))
	for name, text := range encoded {
		t.Run(name, func(t *testing.T) {
			got := mask.String("a " + text + " b")
			if want := "a " + plan.Mask + " b"; strings.ReplaceAll(got, `"`, "") != want {
				t.Errorf("%q became %q", text, got)
			}
		})
	}
}

func TestNewPlain(t *testing.T) {
	mask := NewPlain(secrets(`pa"ss\word`, `{"k":"inner value"}`, "abc"))
	const text = `pa"ss\word {"p":"pa\"ss\\word"} inner value abc cGEic3Ncd29yZA==`
	if got, want := mask.String(text), `••• {"p":"•••"} ••• abc cGEic3Ncd29yZA==`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if NewPlain(secrets("abc")) != nil {
		t.Error("a value is too short")
	}
}

// TestMaskHidesPartsOfBase64 hides a password in the base64 of something longer, after 0 to 2 bytes more than a multiple of 3.
func TestMaskHidesPartsOfBase64(t *testing.T) {
	mask := New(secrets("p4ss>w?rd"))
	for _, user := range []string{"", "a", "ab", "abc", "ada"} {
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(user + "p4ss>w?rd" + "@host"))
			got := mask.String(text)
			shown, _ := encoding.DecodeString(strings.Replace(got, plan.Mask, strings.Repeat("A", len(text)-len(got)+len(plan.Mask)), 1))
			if !strings.Contains(got, plan.Mask) || strings.Contains(string(shown), "4ss>w?r") {
				t.Errorf("%q became %q, which shows %q", text, got, shown)
			}
		}
	}
}

func TestMaskHidesBrokenBase64(t *testing.T) {
	value := strings.Repeat("0123456789", 9)
	mask := New(secrets(value))
	for _, width := range []int{64, 76} {
		text := base64.StdEncoding.EncodeToString([]byte(value))
		text = text[:width] + "\n" + text[width:]
		if got := mask.String(text + "\n"); got != plan.Mask+"\n" {
			t.Errorf("lines of %d became %q", width, got)
		}
	}
}

// TestMaskHidesPartsOfBase64InLines: after any text, broken anywhere, no more than a bit of a character is left.
func TestMaskHidesPartsOfBase64InLines(t *testing.T) {
	for _, value := range []string{"p4ss>w?rd", "a token of 30 characters, or so", strings.Repeat("0123456789abcdef", 20)} {
		mask := New(secrets(value))
		for before := range 90 {
			for _, width := range []int{64, 76} {
				for _, lineBreak := range []string{"\n", "\r\n"} {
					text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", before) + value + "@host"))
					text = strings.ReplaceAll(wrap(text, width), "\n", lineBreak)
					shown := strings.NewReplacer(plan.Mask, "", lineBreak, "").Replace(mask.String(text))
					around := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", before) + "@host"))
					if extra := len(shown) - len(around); extra > 4 {
						t.Fatalf("%d bytes before %q, lines of %d: %q shows %d characters too many", before, value, width, mask.String(text), extra)
					}
				}
			}
		}
	}
}

func BenchmarkNew(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	der := make([]byte, 2400)
	for i := range der {
		der[i] = byte(random.Uint32())
	}
	key := secrets(wrap(base64.StdEncoding.EncodeToString(der), 64))
	b.ReportAllocs()
	for b.Loop() {
		New(key)
	}
}

func TestUnmaskable(t *testing.T) {
	got := Unmaskable(secrets("abc", "abcd", "", " x \n", "longer", `{"user":"bob","password":"longer"}`, `{"password":"longer","port":1}`, "line\n{\n"))
	if want := []string{"ref/a", "ref/d", "ref/f"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// naive masks text as a Mask is defined to: it hides every byte of every occurrence, and overlapping ones as one.
func naive(text string, values []string) string {
	type span struct{ from, to int }
	var all []span
	for _, s := range secrets(values...) {
		hidden := encodingsOf(s.Reveal())
		for _, long := range base64Texts(s.Reveal()) {
			for i := 0; i+fragmentSize <= len(long); i++ {
				hidden = append(hidden, long[i:i+fragmentSize])
			}
		}
		for _, h := range hidden {
			for at := range len(text) {
				if strings.HasPrefix(text[at:], h) {
					all = append(all, span{at, at + len(h)})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for i := 0; i < len(all); {
		from, to := all[i].from, all[i].to
		for i++; i < len(all) && all[i].from < to; i++ {
			to = max(to, all[i].to)
		}
		b.WriteString(text[at:from] + plan.Mask)
		at = to
	}
	return b.String() + text[at:]
}

// inPieces writes text in pieces of random length that depends on seed.
func inPieces(w io.Writer, text string, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	for len(text) > 0 {
		n := min(len(text), random.IntN(random.IntN(9)+1)+random.IntN(2))
		_, _ = io.WriteString(w, text[:n])
		text = text[n:]
	}
}

func FuzzMask(f *testing.F) {
	f.Add("xabcdabcabcdefgx", "abcd", "cdefg", uint64(1))
	f.Add("token-long-token-lo", "token", "token-long", uint64(2))
	f.Add("aaaaaaaaaaaaaabaaaab", "aaaa", "aaab", uint64(3))
	f.Add("abcdXcdXabcdX", "abcdX", "bcdXc", uint64(4))
	f.Add("one line\nanother line\n", "one line\nanother line\n", `{"k":"another"}`, uint64(5))
	f.Add("\xff\xfe\xfd\xfc\xfb", "\xfe\xfd\xfc\xfb", "\xff\xfe\xfd\xfc", uint64(6))
	f.Add("QSB2YWx1ZSBvZiB0aGlydHkgY2hhcmFjdGVyc\nw0KQSB2YWx1ZSBvZiB0aGlydHkgY2hhcmFjdGVy", "A value of thirty characters\r", "value of thirty char", uint64(8))
	f.Add("['pa\"ss\\\\word\\t']", "pa\"ss\\word\t", "ss\\word", uint64(7))
	f.Fuzz(func(t *testing.T, text, first, second string, seed uint64) {
		// Pieces of the text overlap each other far more often than random values.
		random := rand.New(rand.NewPCG(seed, 1))
		values := []string{first, second}
		for range 2 {
			if len(text) > 4 {
				from := random.IntN(len(text) - 4)
				values = append(values, text[from:from+4+random.IntN(len(text)-from-3)])
			}
		}
		want := naive(text, values)
		mask := New(secrets(values...))
		if got := mask.String(text); got != want {
			t.Fatalf("at once: %q with %q became %q, want %q", text, values, got, want)
		}
		var out bytes.Buffer
		w := mask.Writer(&out)
		inPieces(w, text, seed)
		_ = w.Close()
		if out.String() != want {
			t.Fatalf("in pieces: %q with %q became %q, want %q", text, values, out.String(), want)
		}
	})
}

func TestMaskHoldsBackOnlyWhatItMust(t *testing.T) {
	var out bytes.Buffer
	w := New(secrets("password")).Writer(&out)
	for _, step := range []struct{ in, want string }{
		{"enter pass", "enter "}, {"x", "enter passx"}, {"passwor", "enter passx"}, {"d!", "enter passx" + plan.Mask + "!"},
	} {
		_, _ = io.WriteString(w, step.in)
		if out.String() != step.want {
			t.Errorf("after %q: %q, want %q", step.in, out.String(), step.want)
		}
	}
}

// TestEcho writes a value byte by byte, as slowly as a user types: no more of it is shown than a value has at least.
func TestEcho(t *testing.T) {
	var out bytes.Buffer
	w := New(secrets("password", "word-list")).EchoWriter(&out)
	for _, step := range []struct{ in, want string }{
		{"p", "p"}, {"w", "pw"}, {"d\r\n", "pwd\r\n"}, {"p", "pwd\r\np"}, {"a", "pwd\r\npa"}, {"s", "pwd\r\npas"}, {"s", "pwd\r\npas"}, {"wor", "pwd\r\npas"},
		{"d", "pwd\r\npas"}, {"-list", "pwd\r\npas" + plan.Mask}, {"passx", "pwd\r\npas" + plan.Mask + "passx"},
	} {
		_, _ = io.WriteString(w, step.in)
		_ = w.Echo()
		_ = w.Echo() // has nothing left to write
		if out.String() != step.want {
			t.Errorf("after %q: %q, want %q", step.in, out.String(), step.want)
		}
	}
}

// BenchmarkMask shows that the time that masking takes hardly depends on the number and length of the secrets.
func BenchmarkMask(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		key := make([]byte, n*3/4)
		for i := range key {
			key[i] = byte(random.Uint32())
		}
		return base64.StdEncoding.EncodeToString(key)
	}
	log := []byte(strings.Repeat("2024-05-01T10:00:00Z INFO the quick brown fox jumps over the lazy dog id=4711 path=/var/data/function.ts\n", 320))
	other := []byte(text(32 << 10))
	var many []string
	for range 20 {
		many = append(many, text(40))
	}
	for _, c := range []struct {
		name   string
		values []string
		input  []byte
	}{
		{"1 of 40", many[:1], log}, {"20 of 40", many, log}, {"1 of 800", []string{text(800)}, log},
		{"a key of 6500", []string{wrap(text(6500), 64)}, log}, {"a key of 6500, base64", []string{wrap(text(6500), 64)}, other},
	} {
		mask := New(secrets(c.values...))
		b.Run(c.name, func(b *testing.B) {
			w := mask.Writer(io.Discard)
			b.SetBytes(int64(len(c.input)))
			for b.Loop() {
				_, _ = w.Write(c.input)
			}
		})
	}
}

// BenchmarkMaskLines masks lines that are written one by one, as a program writes them: with many secrets, and with text that is
// almost a secret.
func BenchmarkMaskLines(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		key := make([]byte, n)
		for i := range key {
			key[i] = byte(random.Uint32())
		}
		return base64.StdEncoding.EncodeToString(key)[:n]
	}
	var many []string
	for range 400 {
		many = append(many, text(32))
	}
	log := "2024-05-01T10:00:00Z INFO the quick brown fox jumps over the lazy dog id=4711 path=/var/data/function.ts\n"
	near := strings.Repeat(many[0][:31]+"!", 3) + base64.StdEncoding.EncodeToString([]byte(many[0]))[:23] + "\n"
	for _, c := range []struct {
		name   string
		values []string
		line   string
	}{{"1 secret", many[:1], log}, {"400 secrets", many, log}, {"near 1", many[:1], near}, {"near 400", many, near}, {"near a key of 4096", []string{text(4096)}, near}} {
		mask := New(secrets(c.values...))
		b.Run(c.name, func(b *testing.B) {
			w := mask.Writer(io.Discard)
			b.SetBytes(int64(len(c.line)))
			for b.Loop() {
				_, _ = w.Write([]byte(c.line))
			}
		})
	}
}
