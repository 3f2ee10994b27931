// server/http/http_date.h: Times as the Date field carries them: `Sun, 06 Nov 1994 08:49:37 GMT`
// (IMF-fixdate, RFC 9110 section 5.6.7).
//
// Thread safety: all functions may be called from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string_view>

namespace bide {

inline constexpr std::size_t kHttpDateBytes = 29;

// `when` in the years 0 to 9999. The view is good until the same thread calls again: each thread
// keeps the text of its last second, so that a busy one formats once a second, and needs no lock.
[[nodiscard]] std::string_view http_date(std::chrono::sys_seconds when);

// The same for the present second.
[[nodiscard]] std::string_view http_date_now();

}  // namespace bide
