// core/job/entry_key.h: The keys of the bucket, taken apart.
//
//   jobs.<id>
//   status.<id>.<event>.<agent>.<unix nanoseconds>
//   responses.<id>.<agent>.<unix nanoseconds>
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/job/entry.h"

namespace bide {

// Views into the key it was parsed from.
struct EntryKey {
  Entry::Family family{};
  std::string_view job_id{};
  std::string_view rest{};     // What follows `<family>.<id>.`; empty for `jobs.<id>`.
  EventKind event{};           // kStatus only.
  std::string_view agent{};    // Sanitised by the writer; not for kJob.
  std::int64_t unix_nano = 0;  // Not negative; not for kJob.
};

// nullopt: not one of the three forms with exactly that many segments, or a bad id, event, agent
// (one or more of A-Z a-z 0-9 _ - = /) or time (decimal digits that fit an int64).
[[nodiscard]] std::optional<EntryKey> parse_key(std::string_view key);

}  // namespace bide
