// core/stored_entry.h: Events and responses as a job keeps them: packed, and sorted by revision.
//
// Thread safety: values; no synchronisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/entry.h"
#include "core/packed_text.h"

namespace bide {

// Tells keys apart without reading them: a new entry is compared with up to 20,000 others.
using KeyHash = std::uint32_t;

struct StoredEvent {
  explicit StoredEvent(const Entry& entry);  // `entry.what` must be an Event.

  Revision revision;
  std::int64_t unix_nano;
  PackedText text;
  KeyHash key_hash;
  EventKind kind;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  // Of `<event>.<agent>.<unix nanoseconds>` all is usually known: only what differs is kept. A
  // fifth of a typical job's memory would go into repeating it.
  [[nodiscard]] std::string key_rest() const;
  [[nodiscard]] std::string_view timestamp() const { return text[2]; }
  [[nodiscard]] std::string_view new_job_id() const { return text[3]; }
  [[nodiscard]] std::string_view error() const { return text[4]; }
};

struct StoredResponse {
  explicit StoredResponse(const Entry& entry);  // `entry.what` must be a Response.

  Revision revision;
  PackedText text;
  KeyHash key_hash;
  std::optional<bool> changed;

  [[nodiscard]] std::string_view hostname() const { return text[0]; }
  [[nodiscard]] std::string_view key_rest() const { return text[1]; }
  [[nodiscard]] std::string_view status() const { return text[2]; }
  [[nodiscard]] std::string_view error() const { return text[3]; }
  [[nodiscard]] std::string_view data() const { return text[4]; }
};

enum class Placed : std::uint8_t {
  kAppended,    // Behind all others: what was derived from them still stands.
  kRearranged,  // Among the others, or one of them was replaced or taken out.
  kNotHeld,     // A deletion or loss of what was not there.
  kStale,       // The key is held at this revision or a later one; nothing was done.
  kFull,        // A new key, and there was no room for it; nothing was done.
};

// Puts `entry` in its place by revision, instead of what is held under the same key; a Deletion or
// Loss only takes that out. `room`: whether `entries` may grow.
template <typename Stored>
[[nodiscard]] Placed place(std::vector<Stored>& entries, const Entry& entry, bool room);

extern template Placed place(std::vector<StoredEvent>&, const Entry&, bool);
extern template Placed place(std::vector<StoredResponse>&, const Entry&, bool);

// Makes room for one more, growing by a quarter: most jobs have a handful of entries for ever, and
// doubling would leave half of what 200,000 of them hold unused.
template <typename T>
void reserve_one_more(std::vector<T>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 4 + 1);
}

}  // namespace bide
