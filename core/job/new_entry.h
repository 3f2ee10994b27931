// core/job/new_entry.h: Keys and values as workers write them, and as `bide serve` reads them
// (core/job/entry_codec.h).
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/job/entry_codec.h"
#include "core/job/status.h"

namespace bide {

struct NewEntry {
  std::string key;
  std::string value;
};

struct NewEvent {
  std::string job_id;
  std::optional<EventKind> kind;  // nullopt: progress, which overwrites the agent's last.
  std::string agent;              // The hostname in the value; sanitised in the key.
  std::string data;               // A JSON object; empty: left out.

  [[nodiscard]] std::string_view word() const { return kind ? word_of(*kind) : kProgressWord; }
};
[[nodiscard]] NewEntry event_entry(const NewEvent& event, WallTime now);

struct NewDefinition {
  std::string job_id;
  std::string operation = "{}";  // A JSON object.
  std::string subject;           // Empty: left out; then the job is for one agent.
  std::vector<std::string> expected_agents;
  std::string expected_agents_json{};  // The same as JSON; empty: see expected_agents.
  std::string labels{};                // A JSON object of strings; empty: left out.
};
[[nodiscard]] NewEntry definition_entry(const NewDefinition& definition, WallTime now);

// `{"error":…}` for the data of `failed`.
[[nodiscard]] std::string error_data(std::string_view message);

// Why bide would reject the entry, checked before it is written. nullopt: it would not.
[[nodiscard]] std::optional<Rejection> find_fault(const NewEntry& entry);

// Whether both are definitions of the same task: all but `created` is equal.
[[nodiscard]] bool define_the_same(const NewEntry& one, const NewEntry& other);

// RFC 3339 in UTC with as many digits of the second as needed: `2024-05-01T10:00:00.25Z`.
[[nodiscard]] std::string rfc3339_nano(WallTime time);

}  // namespace bide
