// core/timestamp.h: Times as workers write them.
//
// Thread safety: pure functions.
#pragma once

#include <string_view>

namespace bide {

// RFC 3339 section 5.6, by shape: `2026-01-31T12:00:00.5Z`, `2026-01-31T12:00:00+01:00`. Whether
// such a day exists is not asked: timestamps are shown as written, order comes from `unix_nano`.
[[nodiscard]] bool is_timestamp(std::string_view text);

}  // namespace bide
