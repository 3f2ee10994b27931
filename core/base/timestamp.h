// core/base/timestamp.h: Times as workers write them.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bide {

// RFC 3339 section 5.6, by shape: `2026-01-31T12:00:00.5Z`, `2026-01-31T12:00:00+01:00`. Whether
// such a day exists is not asked: timestamps are shown as written, order comes from `unix_nano`.
// One without a zone, as Python's isoformat() writes it, is UTC.
enum class TimestampShape : std::uint8_t { kNone, kZoned, kWithoutZone };
[[nodiscard]] TimestampShape shape_of_timestamp(std::string_view text);

// Other text is left as it is.
[[nodiscard]] std::string with_zone(std::string timestamp);

}  // namespace bide
