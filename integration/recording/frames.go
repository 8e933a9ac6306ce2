package main

import (
	"fmt"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// settled is how long the terminal is watched after a change before it is a frame: no frame is half of a redrawing.
const settled = 70 * time.Millisecond

// frame is what the terminal shows from a time on: its lines, without empty ones at the end.
type frame struct {
	at    time.Duration
	lines []line
}

type line []run

// run is text of one style in a line.
type run struct {
	column int
	text   string
	style  style
}

// style is how text looks. Colour is 0 for the terminal's own, or one more than the number of one of the 16 colours.
type style struct {
	colour    int
	bold, dim bool
}

// frames returns what the terminal shows over time. It fails for a style that has no place in style.
func (r recording) frames() (all []frame, err error) {
	terminal := vt.NewEmulator(columns, rows)
	defer func() { _ = terminal.Close() }()
	changed := time.Duration(-1) // when the next frame began to change
	for i, o := range r {
		if _, err := terminal.Write(o.bytes); err != nil {
			return nil, fmt.Errorf("write to the terminal: %w", err)
		}
		if changed < 0 {
			changed = o.at
		}
		if i+1 < len(r) && r[i+1].at < changed+settled {
			continue
		}
		lines, err := shown(terminal)
		if err != nil {
			return nil, err
		}
		all = append(all, frame{changed, lines})
		changed = -1
	}
	return all, nil
}

// shown returns the lines that a terminal shows.
func shown(terminal *vt.Emulator) (lines []line, err error) {
	for y := range rows {
		var l line
		for x := 0; x < columns; x++ {
			cell := terminal.CellAt(x, y)
			if cell == nil || cell.Content == "" {
				continue // the second half of a wide character
			}
			s, err := styleOf(cell.Style)
			if err != nil {
				return nil, fmt.Errorf("line %d, column %d: %w", y+1, x+1, err)
			}
			if len(l) == 0 || l[len(l)-1].style != s {
				l = append(l, run{column: x, style: s})
			}
			l[len(l)-1].text += cell.Content
		}
		lines = append(lines, l.trimmed())
	}
	for len(lines) > 0 && len(lines[len(lines)-1]) == 0 {
		lines = lines[:len(lines)-1]
	}
	return lines, nil
}

// trimmed returns the line without blanks at its end.
func (l line) trimmed() line {
	for len(l) > 0 {
		last := &l[len(l)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			return l
		}
		l = l[:len(l)-1]
	}
	return nil
}

func styleOf(cell uv.Style) (style, error) {
	s := style{bold: cell.Attrs&uv.AttrBold != 0, dim: cell.Attrs&uv.AttrFaint != 0}
	colour, basic := cell.Fg.(ansi.BasicColor)
	if basic {
		s.colour = int(colour) + 1
	}
	if cell.Fg != nil && !basic || cell.Bg != nil || cell.Underline != 0 || cell.Attrs&^(uv.AttrBold|uv.AttrFaint) != 0 {
		return style{}, fmt.Errorf("style %q is not supported (add it to style in frames.go)", cell.String())
	}
	return s, nil
}
