package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// event is what one entry of the bucket says of a job.
type event struct {
	Event     string    `json:"event"`
	Hostname  string    `json:"hostname"`
	Timestamp time.Time `json:"timestamp"`
	Message   string    `json:"message"`
	Error     string    `json:"error,omitempty"`
}

// response is an agent's result.
type response struct {
	Hostname string          `json:"hostname"`
	Status   string          `json:"status"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// state is what a client gets of a job.
type state struct {
	ID        string          `json:"id"`
	Status    string          `json:"status"`
	Final     bool            `json:"final"`
	Created   string          `json:"created,omitempty"`
	UpdatedAt *time.Time      `json:"updated_at,omitempty"`
	Operation json.RawMessage `json:"operation,omitempty"`
	Responses []response      `json:"responses,omitempty"`
	Timeline  []event         `json:"timeline,omitempty"`
	Revision  uint64          `json:"revision"`
}

// version is a job at one revision. It does not change; the next one takes its place.
type version struct {
	state   state
	defined bool // Events may arrive before the job's definition, and are not served until then.
	// Closed when a next version has taken this one's place, or the job is deleted.
	changed chan struct{}

	render sync.Once
	etag   string
	body   []byte
}

// rendered returns the version's entity tag and JSON, made by the first who asks: reading a bucket
// makes many versions that nobody ever asks for.
func (v *version) rendered() (etag string, body []byte) {
	v.render.Do(func() {
		body, err := json.Marshal(&v.state)
		if err != nil {
			panic(err) // Not of input: raw members were validated when they were decoded.
		}
		hash := fnv.New64a()
		hash.Write(body)
		v.etag = fmt.Sprintf("\"%d-%016x\"", v.state.Revision, hash.Sum64())
		v.body = body
	})
	return v.etag, v.body
}

// jobTable holds the newest version of each job. Safe for use by many goroutines.
type jobTable struct {
	mu   sync.RWMutex
	jobs map[string]*version
}

func newJobTable() *jobTable {
	return &jobTable{jobs: make(map[string]*version)}
}

// find returns nil if there is no such job. Who waits for the returned version's `changed` and then
// finds again misses no change.
func (t *jobTable) find(id string) *version {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if v := t.jobs[id]; v != nil && v.defined {
		return v
	}
	return nil
}

// update replaces the job by what `change` makes of a copy. Slices may be appended to: older
// versions do not look beyond their own length.
func (t *jobTable) update(id string, revision uint64, change func(next *version)) {
	next := &version{changed: make(chan struct{})}
	t.mu.Lock()
	last := t.jobs[id]
	if last != nil {
		next.state, next.defined = last.state, last.defined
	} else {
		next.state = state{ID: id, Status: "submitted"}
	}
	next.state.Revision = revision
	change(next)
	t.jobs[id] = next
	t.mu.Unlock()
	if last != nil {
		close(last.changed)
	}
}

func (t *jobTable) remove(id string) {
	t.mu.Lock()
	last := t.jobs[id]
	delete(t.jobs, id)
	t.mu.Unlock()
	if last != nil {
		close(last.changed)
	}
}
