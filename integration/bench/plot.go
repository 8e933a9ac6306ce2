package bench

import (
	"math"
	"strings"
)

// Measures of the plot in pixels.
const (
	labelWidth = 500
	plotWidth  = 300
	margin     = 60 // on the right, for the numbers
	barStep    = 26
	topSpace   = 34

	numberWidth = 32
)

// longest is the ratio at which bars end, so that one outlier does not flatten the others. Its number is still printed.
const longest = 2.5

// plot is the rows in pixels.
type plot struct {
	Width, Height int
	One           float64 // where the ratio 1 is
	Bars          []bar
}

// bar is a row of a plot. All but Y and Length are positions from the left.
type bar struct {
	Label     string
	Y         int
	Start     float64
	Length    float64
	Low, High float64
	Target    float64 // 0 if there is none
	Text      float64 // of the number
	Ratio     Interval
	Cut       bool // the interval goes beyond the plot
}

func newPlot(rows []Row) plot {
	x := func(ratio float64) float64 {
		return labelWidth + math.Round(min(ratio, longest)/longest*plotWidth*10)/10
	}
	p := plot{Width: labelWidth + plotWidth + margin, Height: topSpace + len(rows)*barStep + 10, One: x(1)}
	for i, r := range rows {
		b := bar{Label: strings.ReplaceAll(r.Title+" / "+r.Against, "`", ""), Y: topSpace + i*barStep, Start: labelWidth, Ratio: r.Ratio,
			Low: x(r.Ratio.Low), High: x(r.Ratio.High), Cut: r.Ratio.High > longest}
		end := x(r.Ratio.Median)
		b.Length, b.Text = math.Round((end-b.Start)*10)/10, max(b.High, end)+8
		if r.Target.Limit != 0 {
			b.Target = x(r.Target.Limit)
			if b.Target > b.Text-6 && b.Target < b.Text+numberWidth {
				b.Text = b.Target + 8
			}
		}
		p.Bars = append(p.Bars, b)
	}
	return p
}
