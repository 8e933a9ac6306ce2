package main

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"math"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

//go:embed recording.svg.tmpl
var pictureText string

var pictureTemplate = template.Must(template.New("picture").Parse(pictureText))

// Measures of the picture in pixels.
const (
	cellWidth  = 8
	lineHeight = 17
	border     = 16
)

// lastFor is how long the last frame is shown before the picture starts again.
const lastFor = 5 * time.Second

// picture has all frames, one below the other. A clip of the size of one frame shows them in turn.
type picture struct {
	Width, Height, Border     int
	WindowWidth, WindowHeight int
	Seconds                   float64
	Lines                     []string // each different line, as text elements
	Frames                    []placed
	Last                      int // the position of the last frame in the strip
}

// placed is a frame in the strip.
type placed struct {
	Y       int
	Percent float64 // of the time
	Uses    []use
}

// use is a line of a frame: a number in Lines and a position in the strip.
type use struct{ Line, Y int }

// draw returns the picture as SVG.
func draw(frames []frame) ([]byte, error) {
	p := picture{WindowWidth: columns * cellWidth, WindowHeight: rows * lineHeight, Border: border}
	p.Width, p.Height = p.WindowWidth+2*border, p.WindowHeight+2*border
	total := frames[len(frames)-1].at + lastFor
	p.Seconds = math.Round(total.Seconds()*10) / 10
	numbers := map[string]int{}
	for i, f := range frames {
		placed := placed{Y: i * p.WindowHeight, Percent: 100 * f.at.Seconds() / total.Seconds()}
		for y, l := range f.lines {
			text, err := l.svg()
			if err != nil {
				return nil, err
			}
			if text == "" {
				continue
			}
			number, known := numbers[text]
			if !known {
				number = len(p.Lines)
				numbers[text] = number
				p.Lines = append(p.Lines, text)
			}
			placed.Uses = append(placed.Uses, use{number, placed.Y + y*lineHeight})
		}
		p.Frames = append(p.Frames, placed)
		p.Last = placed.Y
	}
	var out bytes.Buffer
	err := pictureTemplate.Execute(&out, p)
	return out.Bytes(), err
}

// svg returns the line as text elements, whose widths are set so that they fit with any font.
func (l line) svg() (string, error) {
	var out strings.Builder
	for _, r := range l {
		if strings.TrimSpace(r.text) == "" {
			continue
		}
		var classes []string
		if r.style.colour > 0 {
			classes = append(classes, fmt.Sprintf("c%d", r.style.colour-1))
		}
		if r.style.bold {
			classes = append(classes, "b")
		}
		if r.style.dim {
			classes = append(classes, "d")
		}
		class := ""
		if len(classes) > 0 {
			class = fmt.Sprintf(" class=%q", strings.Join(classes, " "))
		}
		fmt.Fprintf(&out, `<text x="%d" textLength="%d"%s>`, r.column*cellWidth, utf8.RuneCountInString(r.text)*cellWidth, class)
		if err := xml.EscapeText(&out, []byte(r.text)); err != nil {
			return "", err
		}
		out.WriteString("</text>")
	}
	return out.String(), nil
}
