// Package engines starts what stands around ktask, for one test alone: engines, so that tests can run what they test on
// more than the machine's, registries, and wires that can be cut. In come a test and what it wants to be there, out goes
// an address; what is behind it is gone with the test. It is for tests alone: an engine needs root, and its images on
// the machine's Docker.
package engines

import "time"

// patience is how long something may take that a busy machine takes seconds for.
const patience = 2 * time.Minute
