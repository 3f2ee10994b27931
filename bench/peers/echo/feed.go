package main

import (
	"encoding/json"
	"errors"
	"log"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// statusOf has the job's status after each event; a status does not go back to one of lower rank.
var statusOf = map[string]string{
	"submitted": "submitted", "acknowledged": "processing", "started": "processing",
	"failed": "failed", "skipped": "skipped", "completed": "completed", "retried": "completed",
}

var rankOf = map[string]int{
	"submitted": 0, "processing": 1, "failed": 2, "skipped": 2, "completed": 2,
}

// bucketWatch reads a bucket from its beginning and follows it.
type bucketWatch struct {
	nats.KeyWatcher
	store nats.KeyValue
}

func watchBucket(url, bucket string) (*bucketWatch, error) {
	connection, err := nats.Connect(url, nats.MaxReconnects(-1), nats.PingInterval(5*time.Second))
	if err != nil {
		return nil, err
	}
	jetStream, err := connection.JetStream()
	if err != nil {
		return nil, err
	}
	store, err := jetStream.KeyValue(bucket)
	if errors.Is(err, nats.ErrBucketNotFound) {
		store, err = jetStream.CreateKeyValue(&nats.KeyValueConfig{Bucket: bucket})
	}
	if err != nil {
		return nil, err
	}
	watcher, err := store.WatchAll()
	if err != nil {
		return nil, err
	}
	return &bucketWatch{watcher, store}, nil
}

// readAll returns when all that was in the bucket at the start is in the table.
func (w *bucketWatch) readAll(jobs *jobTable) {
	for entry := range w.Updates() {
		if entry == nil {
			return
		}
		apply(jobs, entry)
	}
}

// follow returns when the watch is stopped.
func (w *bucketWatch) follow(jobs *jobTable) {
	for entry := range w.Updates() {
		if entry != nil {
			apply(jobs, entry)
		}
	}
}

func apply(jobs *jobTable, entry nats.KeyValueEntry) {
	parts := strings.Split(entry.Key(), ".")
	deleted := entry.Operation() != nats.KeyValuePut
	var err error
	switch {
	case parts[0] == "jobs" && len(parts) == 2 && deleted:
		jobs.remove(parts[1])
	case deleted: // An event cannot be unsaid.
	case parts[0] == "jobs" && len(parts) == 2:
		err = define(jobs, parts[1], entry)
	case parts[0] == "status" && len(parts) == 5:
		err = addEvent(jobs, parts[1], entry)
	case parts[0] == "responses" && len(parts) == 4:
		err = addResponse(jobs, parts[1], entry)
	}
	if err != nil {
		log.Printf("%s: %v", entry.Key(), err)
	}
}

func define(jobs *jobTable, id string, entry nats.KeyValueEntry) error {
	var definition struct {
		Created   string          `json:"created"`
		Operation json.RawMessage `json:"operation"`
	}
	if err := json.Unmarshal(entry.Value(), &definition); err != nil {
		return err
	}
	jobs.update(id, entry.Revision(), func(next *version) {
		next.defined = true
		next.state.Created = definition.Created
		next.state.Operation = definition.Operation
	})
	return nil
}

func addEvent(jobs *jobTable, id string, entry nats.KeyValueEntry) error {
	var said struct {
		event
		Data struct {
			Error string `json:"error"`
		} `json:"data"`
	}
	if err := json.Unmarshal(entry.Value(), &said); err != nil {
		return err
	}
	status, known := statusOf[said.event.Event]
	if !known {
		return errors.New("unknown event")
	}
	said.event.Message = said.event.Event + " on " + said.Hostname
	said.event.Error = said.Data.Error
	jobs.update(id, entry.Revision(), func(next *version) {
		if rankOf[status] >= rankOf[next.state.Status] {
			next.state.Status = status
			next.state.Final = rankOf[status] == rankOf["completed"]
		}
		next.state.UpdatedAt = &said.event.Timestamp
		next.state.Timeline = append(next.state.Timeline, said.event)
	})
	return nil
}

func addResponse(jobs *jobTable, id string, entry nats.KeyValueEntry) error {
	var result response
	if err := json.Unmarshal(entry.Value(), &result); err != nil {
		return err
	}
	jobs.update(id, entry.Revision(), func(next *version) {
		next.state.Responses = append(next.state.Responses, result)
	})
	return nil
}
