// core/job/entry_codec.h: Decodes bytes of the bucket into an Entry, or says why they are rejected.
//
// Nothing that a worker writes may crash or stall the server: the size of a value is checked before
// it is parsed, its depth is limited, and UTF-8 is checked (core/base/json_object.h).
//
// Thread safety: pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "core/job/entry.h"

namespace bide {

inline constexpr std::size_t kValueBytesMax = 1 << 20;
inline constexpr std::size_t kKeyBytesMax = 1024;
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kHostnameBytesMax = 255;

enum class RejectReason : std::uint8_t {
  kKey,            // Not one of the four key families, or a bad id, event, agent or time in it.
  kSize,           // Value over kValueBytesMax.
  kJson,           // Not JSON, not UTF-8, or not an object.
  kDepth,          // JSON nested deeper than kJsonDepthMax.
  kField,          // A member is missing or of the wrong type.
  kEnvelope,       // A signed envelope whose payload is not base64 of a value.
  kMismatch,       // The value names another job or event than its key.
  kAgentMismatch,  // The value's hostname is not the agent of its key.
  kLabels,         // Labels outside the limits of core/job/labels.h.
  kJobFull,        // The job holds as much as it may (core/job/job.h).
  kTableFull,      // The table holds as much as it may (JobTable::Options).
};
inline constexpr std::size_t kRejectReasons = 11;
// The word for metrics and logs: `key`, `size`, ...
[[nodiscard]] std::string_view word_of(RejectReason reason);

struct Rejection {
  RejectReason reason;
  std::string detail;  // For the log: the member and what was expected. Never the value itself.
};

// One message of the bucket's stream. The views need to live as long as the call.
struct RawEntry {
  std::string_view key;  // Without the `$KV.<bucket>.` prefix.
  std::string_view value;
  bool deleted = false;  // KV-Operation: DEL or PURGE; `value` is ignored then.
  Revision revision = 0;
  WallTime written;
};

[[nodiscard]] std::variant<Entry, Rejection> decode(const RawEntry& raw);

}  // namespace bide
