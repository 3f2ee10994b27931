// core/job/entry_key.h: Parses the keys of the bucket.
//
//   jobs.<id>
//   status.<id>.<event>.<agent>.<unix nanoseconds>
//   status.<id>.progress.<agent>
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
  std::string_view rest{};     // The part behind `<family>.<id>.`; empty for `jobs.<id>`.
  EventKind event{};           // kStatus only.
  std::string_view agent{};    // Sanitised by the writer; not for kJob.
  std::int64_t unix_nano = 0;  // Not negative; not for kJob and kProgress.
};

// nullopt: the key has none of the four forms, or a bad id, event, agent (must be one or more of
// A-Z a-z 0-9 _ - = /) or time (must be decimal digits that fit an int64).
[[nodiscard]] std::optional<EntryKey> parse_key(std::string_view key);

}  // namespace bide
