// server/http1/request_target.h: What a request is for: the four forms of RFC 9112 section 3.2.
//
// Strict by the grammar of RFC 3986: what a proxy in front may understand differently (`\`, `#`, a
// broken percent escape) is refused, not repaired.
//
// Thread safety: pure functions. Views point into the arguments, or to static text.
#pragma once

#include <string>
#include <string_view>

#include "server/http/refusal.h"

namespace bide {

struct RequestTarget {
  std::string_view path;   // As sent, still percent-encoded. `*` for the asterisk form.
  std::string_view query;  // Without the `?`, still percent-encoded.
  // Of the absolute form, which alone has one: it counts, and Host does not (section 3.2.2).
  std::string_view authority;
};

// 400: none of the forms, or not the form for this method. 501: CONNECT; bide is no tunnel.
[[nodiscard]] Refusal parse_target(std::string_view method, std::string_view target,
                                   RequestTarget& out);

// Undoes the percent escapes of unreserved characters, which are the same URI with and without them
// (RFC 9110 section 4.2.3). All others stay: `%2F` is no slash, `%25` begins no other escape.
// `path`: of a target that was found good.
[[nodiscard]] std::string normalized_path(std::string_view path);

// `uri-host [":" port]`, the value of Host (RFC 9110 section 7.2), the host not empty.
[[nodiscard]] bool is_authority(std::string_view text);

}  // namespace bide
