package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ktask/ktask/integration/engines"
)

// measured is what a browser shows of a page.
type measured struct {
	// Dark is what the browser prefers. Ground and Text are colours of the page, and Failed is that of the word "failed".
	Dark                 bool
	Ground, Text, Failed string
	// Hidden is by how many pixels some content is wider than its place in windows of 800 and 400 pixels.
	Hidden []int
	// Shown are the tasks that are visible after the passed ones are filtered out.
	Shown []string
}

// measure is a page that shows /page in frames without scripts, and then has what it measures as JSON in its body.
const measure = `<!DOCTYPE html><body><script>
const widths = [800, 400], frames = widths.map(width => {
  const f = document.createElement('iframe');
  f.sandbox = 'allow-same-origin'; f.src = '/page'; f.style = 'border: 0; height: 900px; width: ' + width + 'px';
  document.body.append(f);
  return f;
});
addEventListener('load', () => {
  const pages = frames.map(f => f.contentDocument), p = pages[0], style = e => frames[0].contentWindow.getComputedStyle(e);
  p.getElementById('show-passed').click();
  document.body.textContent = JSON.stringify({
    Dark: matchMedia('(prefers-color-scheme: dark)').matches,
    Ground: style(p.body).backgroundColor, Text: style(p.body).color, Failed: style(p.querySelector('h1 .failed')).color,
    Hidden: pages.map(page => Math.max(...[page.documentElement, ...page.querySelectorAll('summary, summary *, .body, pre')].map(e => e.scrollWidth - e.clientWidth))),
    Shown: [...p.querySelectorAll('details')].filter(d => style(d).display != 'none').map(d => d.querySelector('b').textContent),
  });
});
</script></body>`

// TestPageInABrowser looks at the page of a run in Chromium, light and dark, in a wide and a narrow window.
func TestPageInABrowser(t *testing.T) {
	dir := t.TempDir()
	name := func(name, text string) string { return strings.Replace(text, "name: hi", "name: "+name, 1) }
	task := func(command string) string {
		return manifest("container", "    name: c\n    image: "+busyboxImage+"\n    imagePullPolicy: IfNotPresent\n    command: [sh, -c, '"+command+"']", []string{"retries: 1"})
	}
	long := strings.Repeat("long-", 40)
	write(t, filepath.Join(dir, "tasks.yaml"), name("passes", task("echo fine"))+"\n---\n"+name(long+"name", task("echo "+long+"; exit 3")))
	page := filepath.Join(dir, "page.html")
	ktask(t, "", "run", "--backoff-scale", "0.01", "--html", page, filepath.Join(dir, "tasks.yaml")).expect(t, 1)
	text := readFile(t, page)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		answer := measure
		if r.URL.Path == "/page" {
			answer = text
		}
		_, _ = fmt.Fprint(w, answer)
	}))
	defer server.Close()
	light, dark := browse(t, server.URL, 1), browse(t, server.URL, 0)
	if light.Dark || !dark.Dark || luminance(t, light.Ground) < 0.8 || luminance(t, dark.Ground) > 0.1 {
		t.Errorf("the grounds are %+v and %+v", light, dark)
	}
	for _, m := range []measured{light, dark} {
		for what, color := range map[string]string{"text": m.Text, "failed": m.Failed} {
			if c := contrast(t, color, m.Ground); c < 4.5 { // level AA of WCAG 2
				t.Errorf("%s has a contrast of %.1f: %+v", what, c, m)
			}
		}
		if len(m.Hidden) != 2 || m.Hidden[0] > 0 || m.Hidden[1] > 0 {
			t.Errorf("in windows of 800 and 400 pixels %v of the content are hidden", m.Hidden)
		}
		if len(m.Shown) != 1 || m.Shown[0] != long+"name" {
			t.Errorf("after the filter it shows %q", m.Shown)
		}
	}
}

// browse returns what Chromium measures if it prefers a color scheme: 0 is dark, 1 is light.
func browse(t *testing.T, url string, scheme int) (m measured) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ktask-chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer engines.Awaited(func() bool { return os.RemoveAll(dir) == nil }) // its processes may still write there
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+dir,
		fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme), "--dump-dom", url)
	out, err := cmd.Output()
	body := regexp.MustCompile(`(?s)<body>(\{.*\})`).FindSubmatch(out)
	if err != nil || body == nil {
		t.Fatalf("chromium: %v\n%s", err, out)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(string(body[1]))), &m); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return m
}

// luminance returns the relative luminance of a color "rgb(1, 2, 3)" as WCAG 2 defines it.
func luminance(t *testing.T, color string) float64 {
	t.Helper()
	var rgb [3]float64
	if _, err := fmt.Sscanf(color, "rgb(%f, %f, %f)", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("%q: %v", color, err)
	}
	for i, c := range rgb {
		if c /= 255; c <= 0.04045 {
			rgb[i] = c / 12.92
		} else {
			rgb[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2]
}

// contrast returns the contrast ratio of two colors as WCAG 2 defines it.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a)+0.05, luminance(t, b)+0.05
	return max(x, y) / min(x, y)
}
