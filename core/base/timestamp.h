// core/base/timestamp.h: Times as workers write them.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace bide {

// The shape of RFC 3339 section 5.6: `2026-01-31T12:00:00.5Z`, `2026-01-31T12:00:00+01:00`. That
// the day exists is not checked: timestamps are shown as written, and events are ordered by
// `unix_nano`. A timestamp without a zone, as Python's isoformat() writes it, is UTC.
enum class TimestampShape : std::uint8_t { kNone, kZoned, kWithoutZone };
[[nodiscard]] TimestampShape shape_of_timestamp(std::string_view text);

// The moment that a timestamp with a zone names. nullopt: another shape, a day or time that does
// not exist, or outside 1970 to 2261. Digits beyond nanoseconds are dropped; a leap second is the
// second before it.
[[nodiscard]] std::optional<WallTime> parse_timestamp(std::string_view text);

// Adds `Z` to a timestamp without a zone. Other text is returned unchanged.
[[nodiscard]] std::string with_zone(std::string timestamp);

}  // namespace bide
