// core/job/entry.h: One decoded entry of the bucket: what a worker reported about a job.
//
// Thread safety: immutable values once decoded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/job/labels.h"
#include "core/job/status.h"

namespace bide {

// A stream sequence number. 0 means none; the stream's first message is 1.
using Revision = std::uint64_t;

inline constexpr std::string_view kSubmitterAgent = "_api";  // Writes events, but does no work.

// `jobs.<id>`: what the job is. A second write replaces the first.
struct Definition {
  std::string created;    // As written, RFC 3339; empty when absent.
  std::string subject;    // Empty when absent.
  std::string operation;  // Raw JSON, byte-exact; empty when absent.
  // The agents that must finish before the job is done: unknown, a number of agents, or these
  // hostnames (sorted, unique).
  std::variant<std::monostate, std::uint32_t, std::vector<std::string>> expected_agents;
  Labels labels;

  friend bool operator==(const Definition&, const Definition&) = default;
};

// `status.<id>.<event>.<agent>.<unix nanoseconds>`: one thing that happened.
struct Event {
  EventKind kind{};
  std::string hostname;   // The agent's name, from the payload.
  std::string timestamp;  // As written, RFC 3339.
  std::int64_t unix_nano = 0;
  std::string error;       // data.error; empty when absent.
  std::string new_job_id;  // data.new_job_id, of `retried`; empty when absent.
};

// `status.<id>.progress.<agent>`: how far an agent has come. Each one overwrites the last, and none
// changes the status: an agent that has reported only progress does not count in it.
struct ProgressReport {
  std::string hostname;
  std::string percent;  // A number from 0 to 100, as written; empty when absent.
  std::string message;
  std::string log;
};

// `responses.<id>.<agent>.<unix nanoseconds>`: what one agent answered.
struct Response {
  std::string hostname;
  std::string status;  // The agent's own word; not one of ours.
  std::string data;    // Raw JSON, byte-exact; empty when absent.
  std::string error;
  std::optional<bool> changed;
};

// The key was deleted or purged.
struct Deletion {};

// The key's value is gone without a deletion: garbage was written over it, it expired, or a full
// bucket dropped it. It is as if it had never been written. Unlike a deletion, a loss leaves
// nothing in the bucket that a new reader could see, not even a revision.
struct Loss {};

struct Entry {
  std::string job_id;
  // The key without `<family>.<id>.`: names this entry among the job's. Empty for `jobs.<id>`.
  std::string key_rest;
  enum class Family : std::uint8_t { kJob, kStatus, kResponse, kProgress } family{};
  Revision revision = 0;
  WallTime written;  // The stream's time for the message, not the worker's.
  std::variant<Definition, Event, Response, ProgressReport, Deletion, Loss> what;

  // Removes the key's value and adds nothing.
  [[nodiscard]] bool takes_away() const {
    return std::holds_alternative<Deletion>(what) || std::holds_alternative<Loss>(what);
  }
};

inline constexpr std::size_t kJobIdBytesMax = 128;
[[nodiscard]] bool is_id_char(char c);  // A-Z a-z 0-9 _ -
// 1-128 of A-Z a-z 0-9 _ -, and not a word that the HTTP paths need (`status`, `events`).
[[nodiscard]] bool is_job_id(std::string_view text);

}  // namespace bide
