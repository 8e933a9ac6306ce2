package local

import (
	"context"
	"errors"

	"github.com/ktask/ktask/engine"
	"github.com/ktask/ktask/engine/docker"
	"github.com/ktask/ktask/engine/kubernetes"
	"github.com/ktask/ktask/engine/owner"
	"github.com/ktask/ktask/engine/plan"
)

// Examination is what Examine has found.
type Examination struct {
	// Tried are the places where an engine was looked for, the one that is used last.
	Tried []docker.Tried
	// Err is why no task can run, or nil. The fields after it are then not known.
	Err   error
	Facts docker.Facts
	// Cluster is set in place of Facts for a cluster.
	Cluster *kubernetes.Facts
	Images  []ExaminedImage
	Left    Leftovers
	// Credentials are the sources of credentials for registries; CredentialsErr is why they are not known.
	Credentials    []docker.CredentialSource
	CredentialsErr error
}

// ExaminedImage is an image that tasks may need.
type ExaminedImage struct {
	Ref     string `json:"image"`
	Present bool   `json:"present"`
}

// Leftovers are the numbers of ktask's containers and volumes on an engine.
type Leftovers struct {
	// Dead is the number of those that dead runs have left and that can be removed, Kept of those that a user keeps, InUse of
	// those that a run on this machine uses, Prepared of those that wait on this machine for the next run (see Options.Warm), and
	// Unknown of those that something elsewhere may use.
	Dead     int `json:"dead"`
	Kept     int `json:"kept"`
	InUse    int `json:"inUse"`
	Prepared int `json:"prepared"`
	Unknown  int `json:"unknown"`
}

// Examine finds out whether tasks can run on the engine that the options select, which of the images it has, and what is left on
// it. It starts and changes nothing.
func Examine(ctx context.Context, o Options, images ...string) Examination {
	var x Examination
	if o.EngineOptions.Name != "kubernetes" { // a cluster's nodes have credentials of their own
		x.Credentials, x.CredentialsErr = o.EngineOptions.CredentialSources()
	}
	e, err := NewEngine(o.EngineOptions)
	if err == nil {
		defer CloseEngine(e)
		switch e := e.(type) {
		case *docker.Engine:
			err = x.examine(ctx, e, o, images)
		case *kubernetes.Engine:
			err = x.examineCluster(ctx, e, o)
		}
	}
	if missing, ok := errors.AsType[*docker.NotFoundError](err); ok {
		x.Tried = missing.Tried
	}
	x.Err = err
	return x
}

func (x *Examination) examine(ctx context.Context, e *docker.Engine, o Options, images []string) (err error) {
	x.Tried = e.Tried()
	if err := e.Check(ctx, plan.Plan{}); err != nil {
		if last := &x.Tried[len(x.Tried)-1]; last.Err == nil { // otherwise the error has them all
			last.Err = err
		}
		return err
	}
	if x.Facts, err = e.Facts(ctx); err != nil {
		return err
	}
	for _, ref := range images {
		_, present, err := e.FindImage(ctx, ref, "")
		if err != nil {
			return err
		}
		x.Images = append(x.Images, ExaminedImage{ref, present})
	}
	return x.leftovers(ctx, e, o)
}

// examineCluster finds out whether tasks can run on a cluster. Which images its nodes have is not known.
func (x *Examination) examineCluster(ctx context.Context, e *kubernetes.Engine, o Options) error {
	facts, err := e.Facts(ctx)
	if err != nil {
		return err
	}
	x.Cluster = &facts
	if err := facts.Missing(); err != nil {
		return err
	}
	return x.leftovers(ctx, e, o)
}

func (x *Examination) leftovers(ctx context.Context, e engine.Cleaner, o Options) error {
	left, err := e.Leftovers(ctx, "")
	for _, l := range left {
		x.Left.add(l, Fate(o.Runs, l))
	}
	return err
}

func (n *Leftovers) add(l engine.Leftover, fate owner.Fate) {
	switch {
	case fate == owner.Alive && l.Labels.Task == docker.WarmTask:
		n.Prepared++
	case fate == owner.Alive:
		n.InUse++
	case fate == owner.Unknown:
		n.Unknown++
	case l.Kept:
		n.Kept++
	default:
		n.Dead++
	}
}
