// server/http/request_fields.h: What every protocol does with the fields of a request: which it
// keeps, and how many it takes.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

namespace bide {

inline constexpr std::size_t kHeadBytesMax = 24576;  // Request line, fields and trailers.
inline constexpr std::size_t kFieldsMax = 100;       // Fields and trailers.
// Room for 256 UUIDs as `id=…` each.
inline constexpr std::size_t kTargetBytesMax = 12288;
// A longer method than any known: 501, RFC 9112 section 3.
inline constexpr std::size_t kMethodBytesMax = 32;
inline constexpr std::size_t kBodyBytesMax = 1 << 20;
// A request with more content is bulk: it takes about as long as a thousand others.
inline constexpr std::size_t kContentBytesBeforeBulk = 65'536;

// Whether some resource reads the field. All others are checked and dropped: what is kept costs
// allocations.
[[nodiscard]] bool is_kept(std::string_view name);
// Whether it is read where the client asks for another protocol or is a page (with Upgrade or
// Origin), and nowhere else.
[[nodiscard]] bool is_kept_with_host(std::string_view name);

// Whether the content of a request with this method is kept; of others it is counted and dropped.
[[nodiscard]] inline bool takes_content(std::string_view method) {
  return method == "POST" || method == "PUT";
}

}  // namespace bide
