package mask

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ktask/ktask/engine/plan"
)

// TestMaskHidesQuoted holds what the programs printed, and reads it at once and byte by byte.
func TestMaskHidesQuoted(t *testing.T) {
	const (
		backslash = `pa"ss\word-1234`
		tab       = "pa\"ss\tword"
		both      = `it's "quoted"`
		all       = "a'b\"c`d\\"
		odd       = "\x00\x01\x07\b\t\n\v\f\r\x1b\x7f\u0080\u0085\u009f\u00a0\u00ad\u200b\u2028é€😀\ue000"
		special   = "a'b\"c\\d e$f`g!h#i,j~k=l:m[n]{o}^p?q*r;s&t|u<v>w(x)y%z@+"
		quotes    = `my "pass" isn't'' it'`
	)
	for name, test := range map[string]struct{ value, in, want string }{
		"Python":                   {backslash, `['pa"ss\\word-1234']`, `['•']`},
		"Python, a tab":            {tab, `['pa"ss\tword']`, `['•']`},
		"Python, both quotes":      {both, `['it\'s "quoted"']`, `['•']`},
		"Python, of more":          {backslash, `'pass: pa"ss\\word-1234, it\'s'`, `'pass: •, it\'s'`},
		"Python, unprintable":      {odd, `['\x00\x01\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x80\x85\x9f\xa0\xad\u200b\u2028é€😀\ue000']`, `['•']`},
		"Python, ascii":            {odd, `'\x00\x01\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x80\x85\x9f\xa0\xad\u200b\u2028\xe9\u20ac\U0001f600\ue000'`, `'•'`},
		"Python, bytes":            {odd, `b'\x00\x01\x07\x08\t\n\x0b\x0c\r\x1b\x7f\xc2\x80\xc2\x85\xc2\x9f\xc2\xa0\xc2\xad\xe2\x80\x8b\xe2\x80\xa8\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xee\x80\x80'`, `b'•'`},
		"Python, no UTF-8":         {"pass\xff\xfe", `'pass\udcff\udcfe'`, `'•'`},
		"Python, bytes, no UTF-8":  {"pass\xff\xfe", `b'pass\xff\xfe'`, `b'•'`},
		"YAML":                     {odd, `"\0\x01\a\b\t\n\v\f\r\e\x7F\x80\N\x9F\_\xAD\u200B\L\xE9\u20AC\U0001F600\uE000"`, `"•"`},
		"YAML, allow_unicode":      {odd, "\"\\0\\x01\\a\\b\\t\\n\\v\\f\\r\\e\\x7F\\x80\\N\\x9F\u00a0\u00ad\u200b\\Lé€\\U0001F600\ue000\"", `"•"`},
		"YAML, quotes":             {"p\u00e4ss '\"\\", `"p\xE4ss '\"\\"`, `"•"`},
		"YAML, no UTF-8":           {"pass\xff", `"pass\uDCFF"`, `"•"`},
		"a string of JSON":         {`{"password":"pa\"ss\\word-1234"}`, `{'password': 'pa"ss\\word-1234'}`, `{'password': '•'}`},
		"JSON within Python":       {backslash, `'{"password": "pa\\"ss\\\\word-1234"}'`, `'{"password": "•"}'`},
		"Deno":                     {backslash, `[ 'pa"ss\\word-1234' ]`, `[ '•' ]`},
		"Deno, all quotes":         {all + "\x1b", "[ \"a'b\\\"c`d\\\\\\x1b\" ]", `[ "•" ]`},
		"Node, all quotes":         {all, "[ 'a\\'b\"c`d\\\\' ]", `[ '•' ]`},
		"Deno, unprintable":        {odd, "[ \"\\x00\\x01\\x07\\b\\t\\n\\v\\f\\r\\x1b\\x7f\\x80\\x85\\x9f\u00a0\u00ad\u200b\u2028é€😀\ue000\" ]", `[ "•" ]`},
		"Node, unprintable":        {"\x1b\x0b\tpass", `[ '\x1B\x0B\tpass' ]`, `[ '•' ]`},
		"Go":                       {"pa's\a\v\x7f\u200b", `"pa's\a\v\x7f\u200b"`, `"•"`},
		"bash, printf %q":          {special, `a\'b\"c\\d\ e\$f\` + "`" + `g\!h#i\,j~k=l:m\[n\]\{o\}\^p\?q\*r\;s\&t\|u\<v\>w\(x\)y%z@+`, "•"},
		"bash, @Q and set -x":      {special, `+ : 'a'\''b"c\d e$f` + "`" + `g!h#i,j~k=l:m[n]{o}^p?q*r;s&t|u<v>w(x)y%z@+'`, "+ : '•'"},
		"bash, declare":            {special, `declare -- v="a'b\"c\\d e\$f\` + "`" + `g!h#i,j~k=l:m[n]{o}^p?q*r;s&t|u<v>w(x)y%z@+"`, `declare -- v="•"`},
		"bash, control characters": {"a\x01\a\b\t\n\v\f\r\x1b\x7f'\"é€\xff\\", `$'a\001\a\b\t\n\v\f\r\E\177\'"\303\251\342\202\254\377\\'`, `$'•'`},
		"bash, UTF-8":              {"pass\t'é€", `$'pass\t\'é€'`, `$'•'`},
		"shlex":                    {quotes, `'my "pass" isn'"'"'t'"'"''"'"' it'"'"''`, `'•'`},
		"dash":                     {quotes, `'my "pass" isn'"'"'t'"''"' it'"'"`, `'•`},
		"bash, quotes":             {quotes, `'my "pass" isn'\''t'\'''\'' it'\'''`, `'•'`},
	} {
		t.Run(name, func(t *testing.T) {
			mask := New(secrets(test.value))
			want := strings.ReplaceAll(test.want, "•", plan.Mask)
			if got := mask.String(test.in); got != want {
				t.Errorf("%s became %s, want %s", test.in, got, want)
			}
			var out bytes.Buffer
			w := mask.Writer(&out)
			for i := range len(test.in) {
				_, _ = w.Write([]byte{test.in[i]})
			}
			_ = w.Close()
			if out.String() != want {
				t.Errorf("byte by byte %s became %s, want %s", test.in, out.String(), want)
			}
		})
	}
}
