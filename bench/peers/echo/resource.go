package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats.go"
)

const maxWait = 55 * time.Second

type jobResource struct {
	jobs  *jobTable
	store nats.KeyValue
}

// report stores an event and answers when JetStream has acknowledged it. It neither defines the job
// nor waits until the table shows the event.
func (r jobResource) report(c echo.Context) error {
	form, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return echo.ErrBadRequest
	}
	event, agent, _ := strings.Cut(string(form), "&agent=")
	id, now := c.Param("id"), time.Now()
	value, err := json.Marshal(map[string]any{"job_id": id, "event": event, "hostname": agent,
		"timestamp": now.UTC().Format(time.RFC3339Nano), "unix_nano": now.UnixNano()})
	if err != nil {
		return err
	}
	key := fmt.Sprintf("status.%s.%s.%s.%d", id, event, agent, now.UnixNano())
	if _, err := r.store.Put(key, value); err != nil {
		return echo.NewHTTPError(http.StatusServiceUnavailable, "nothing was stored")
	}
	return c.NoContent(http.StatusCreated)
}

// get answers at once, or holds the request until the job is no longer what the client has seen.
func (r jobResource) get(c echo.Context) error {
	wait, err := parseWait(c.QueryParam("wait"))
	if err != nil {
		return echo.NewHTTPError(http.StatusBadRequest, "wait is a duration such as 30s")
	}
	tags := c.Request().Header.Get("If-None-Match")
	current := r.jobs.find(c.Param("id"))
	if current != nil && wait > 0 && matches(current, tags) {
		current = r.hold(c, current, tags, wait)
	}
	if c.Request().Context().Err() != nil {
		return nil // The client has left: there is nobody to answer.
	}
	return answer(c, current, tags)
}

// hold returns the job's version after a change, after `wait`, or when the client has left. Nil:
// the job was deleted.
func (r jobResource) hold(c echo.Context, seen *version, tags string, wait time.Duration) *version {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for seen != nil && matches(seen, tags) {
		select {
		case <-seen.changed:
			seen = r.jobs.find(c.Param("id"))
		case <-deadline.C:
			return seen
		case <-c.Request().Context().Done():
			return seen
		}
	}
	return seen
}

func answer(c echo.Context, current *version, tags string) error {
	if current == nil {
		return echo.ErrNotFound
	}
	etag, body := current.rendered()
	header := c.Response().Header()
	header.Set("ETag", etag)
	header.Set("Cache-Control", "private, no-cache")
	header.Set("Vary", "Accept")
	if matches(current, tags) {
		return c.NoContent(http.StatusNotModified)
	}
	// Without it, a body of more than 2 KiB would be sent in chunks.
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, body)
}

// parseWait takes `30s`, `1m30s` or bare seconds. Zero: do not wait.
func parseWait(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil {
		wait, err = time.ParseDuration(text + "s")
	}
	if wait > maxWait {
		wait = maxWait
	}
	return wait, err
}

// matches tells whether one of If-None-Match's tags is the version's.
func matches(v *version, tags string) bool {
	if tags == "" {
		return false
	}
	etag, _ := v.rendered()
	for _, tag := range strings.Split(tags, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}
