// core/base/duration.h: Durations as people write them.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace bide {

inline constexpr std::chrono::milliseconds kDurationMax = std::chrono::hours(24 * 365);

// `30s`, `1m30s`, `1h`, `500ms`, `1.5s`, or bare seconds `30`. The units are h, m, s and ms, each
// at most once and in this order; only the last part may have a fraction, of at most three digits.
// nullopt: malformed, signed, empty, or longer than 32 characters. Values beyond kDurationMax
// become kDurationMax.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// The notation of Go's time.Duration, which osapi writes: `1.5s`, `2m0.25s`, `150ms`, `0s`.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace bide
