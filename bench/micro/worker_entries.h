// bench/micro/worker_entries.h: Keys and values as workers write them, in their usual sizes: ids
// are UUIDs, times have nanoseconds, operations and data are small objects.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/job/entry.h"

namespace bide::bench {

struct Written {
  std::string key;
  std::string value;
};

// The id of one of many jobs, 36 bytes.
[[nodiscard]] std::string job_id(std::size_t number);
// The name of one of many agents.
[[nodiscard]] std::string agent_name(std::size_t number);

// `subject`: which agents it is for; `jobs.modify._any` is for one agent.
[[nodiscard]] Written definition_of(std::string_view id, std::string_view subject);
// `second`: 0-59; when it happened, and part of its key.
[[nodiscard]] Written event_of(std::string_view id, std::string_view event, std::string_view agent,
                               int second);
[[nodiscard]] Written response_of(std::string_view id, std::string_view agent, int second);
// The same, in a signed envelope.
[[nodiscard]] Written enveloped(const Written& inner);

// What the codec makes of it. Ends the program if that is a rejection.
[[nodiscard]] Entry decoded(const Written& written, Revision revision);

// A job of one agent, as far as `started`: a definition and three events, revisions from `first`.
[[nodiscard]] std::vector<Entry> started_job(std::string_view id, Revision first);
// The event that ends it, at a later revision.
[[nodiscard]] Entry completion_of(std::string_view id, Revision revision);
// A job that is over: a definition, three events, a response.
[[nodiscard]] std::vector<Entry> finished_job(std::string_view id);
// A job for all, acknowledged by so many agents.
[[nodiscard]] std::vector<Entry> acknowledged_broadcast(std::string_view id, std::size_t agents);
// The same, also started, completed and responded to by all of them.
[[nodiscard]] std::vector<Entry> finished_broadcast(std::string_view id, std::size_t agents);

}  // namespace bide::bench
