package docker

import (
	"time"

	"github.com/ktask/ktask/engine"
)

// progress sums up the progress that the engine reports for each layer.
type progress struct {
	image  string
	sink   engine.Sink
	layers map[string]layer
	last   time.Time
}

// layer is the progress of one layer.
type layer struct {
	current, total       int64
	downloaded, unpacked bool
}

// progressEvery is the shortest time between two progress events: often enough for a person.
const progressEvery = 100 * time.Millisecond

// note processes a message of the pull.
func (p *progress) note(m message) {
	if m.ID == "" {
		return
	}
	if p.layers == nil {
		p.layers = map[string]layer{}
	}
	switch l := p.layers[m.ID]; m.Status {
	case "Downloading":
		p.layers[m.ID] = layer{current: m.ProgressDetail.Current, total: m.ProgressDetail.Total}
		p.emit("pulling", l == layer{}) // the first bytes at once: nothing else may come for long
	case "Pulling fs layer", "Waiting":
		p.layers[m.ID] = l
	case "Already exists":
		p.layers[m.ID] = layer{downloaded: true, unpacked: true}
	case "Download complete", "Pull complete":
		p.layers[m.ID] = layer{l.total, l.total, true, m.Status == "Pull complete"}
		p.emit("pulling", false)
	case "Extracting":
		p.emit("extracting", false)
	}
}

// emit emits the sum over all layers, unless it did so a moment ago. If always is true, it does so regardless.
func (p *progress) emit(status string, always bool) {
	now := time.Now()
	if !always && now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	event := engine.ImageProgress{Image: p.image, Status: status}
	for _, l := range p.layers {
		event.Current += l.current
		event.Total += l.total
	}
	p.sink.Emit(event)
}

// unpacking reports whether all layers that are known have been downloaded and some are not unpacked yet: what remains is work
// of the engine.
func (p *progress) unpacking() bool {
	unpacked := 0
	for _, l := range p.layers {
		if !l.downloaded {
			return false
		}
		if l.unpacked {
			unpacked++
		}
	}
	return unpacked < len(p.layers)
}
