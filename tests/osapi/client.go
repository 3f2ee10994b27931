// What osapi's Go SDK does with answers, as a program: it asks one bide as that SDK asks its server, and decodes every
// answer into the types that the SDK has for it. A stand-in, because the SDK's module is not in Debian; its names and
// types were read from pkg/sdk/client of github.com/osapi-io/osapi, and queue statistics from osapi-sdk before it.
//
//	client BASE-URL TOKEN ACCEPT COMMAND [ARGUMENT]
//
// BASE-URL has no base path: the SDK's paths begin with /api. It prints what it decoded as JSON, or the error and exits
// with 1. Like the SDK it ignores members that it does not know, and takes none of another type.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// UUID is decoded as strictly as the SDK's: any other text is an error.
type UUID string

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (id *UUID) UnmarshalText(text []byte) error {
	if !uuid.Match(text) {
		return fmt.Errorf("invalid UUID: %q", text)
	}
	*id = UUID(text)
	return nil
}

type job struct {
	AgentStates *map[string]struct {
		Duration *string `json:"duration,omitempty"`
		Error    *string `json:"error,omitempty"`
		Status   *string `json:"status,omitempty"`
	} `json:"agent_states,omitempty"`
	Changed   *bool                   `json:"changed"`
	Created   *string                 `json:"created,omitempty"`
	Error     *string                 `json:"error,omitempty"`
	Hostname  *string                 `json:"hostname,omitempty"`
	ID        *UUID                   `json:"id,omitempty"`
	Operation *map[string]interface{} `json:"operation,omitempty"`
	Responses *map[string]struct {
		Changed  *bool       `json:"changed"`
		Data     interface{} `json:"data,omitempty"`
		Error    *string     `json:"error,omitempty"`
		Hostname *string     `json:"hostname,omitempty"`
		Status   *string     `json:"status,omitempty"`
	} `json:"responses,omitempty"`
	Result   interface{} `json:"result,omitempty"`
	Status   *string     `json:"status,omitempty"`
	Timeline *[]struct {
		Error     *string `json:"error,omitempty"`
		Event     *string `json:"event,omitempty"`
		Hostname  *string `json:"hostname,omitempty"`
		Message   *string `json:"message,omitempty"`
		Timestamp *string `json:"timestamp,omitempty"`
	} `json:"timeline,omitempty"`
	UpdatedAt *string `json:"updated_at,omitempty"`
}

type jobs struct {
	Items        *[]job          `json:"items,omitempty"`
	StatusCounts *map[string]int `json:"status_counts,omitempty"`
	TotalItems   *int            `json:"total_items,omitempty"`
}

type statistics struct {
	DlqCount     *int            `json:"dlq_count,omitempty"`
	StatusCounts *map[string]int `json:"status_counts,omitempty"`
	TotalJobs    *int            `json:"total_jobs,omitempty"`
}

type health struct {
	Error  *string `json:"error,omitempty"`
	Status string  `json:"status"`
}

type problem struct {
	Code    *int    `json:"code,omitempty"`
	Details *string `json:"details,omitempty"`
	Error   *string `json:"error,omitempty"`
}

// The media type and the status decide about the type that an answer is decoded into.
func ask(method, address string, types map[int]interface{}) (interface{}, error) {
	request, err := http.NewRequest(method, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Args[2])
	if os.Args[3] != "" { // The SDK sends none; an http.RoundTripper that it is given may.
		request.Header.Set("Accept", os.Args[3])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	status := response.StatusCode
	into, known := types[status]
	if known && into == nil {
		return nil, nil // 204
	}
	if !known && status >= 400 {
		into = &problem{}
	}
	if into == nil || !strings.Contains(response.Header.Get("Content-Type"), "json") {
		return nil, fmt.Errorf("status %d: nil response body", status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return nil, fmt.Errorf("status %d: %w", status, err)
	}
	if refused, is := into.(*problem); is {
		if refused.Error == nil || refused.Code == nil {
			return nil, fmt.Errorf("status %d: no error or no code", status)
		}
		return nil, fmt.Errorf("status %d, code %d: %s", status, *refused.Code, *refused.Error)
	}
	return into, nil
}

func run(base, command, argument string) (interface{}, error) {
	job200 := map[int]interface{}{200: &job{}}
	switch command {
	case "get":
		return ask("GET", base+"/api/job/"+url.PathEscape(argument), job200)
	case "list":
		return ask("GET", base+"/api/job?"+argument, map[int]interface{}{200: &jobs{}})
	case "delete":
		return ask("DELETE", base+"/api/job/"+url.PathEscape(argument), map[int]interface{}{204: nil})
	case "statistics":
		return ask("GET", base+"/api/job/status", map[int]interface{}{200: &statistics{}})
	case "health":
		return ask("GET", base+"/api/health", map[int]interface{}{200: &health{}})
	case "ready":
		return ask("GET", base+"/api/health/ready", map[int]interface{}{200: &health{}, 503: &health{}})
	}
	return nil, fmt.Errorf("no such command: %s", command)
}

func main() {
	argument := ""
	if len(os.Args) > 5 {
		argument = os.Args[5]
	}
	answer, err := run(os.Args[1], os.Args[4], argument)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(answer)
	fmt.Println(string(text))
}
