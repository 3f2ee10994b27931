// server/http/request_target.h: The target of a request, in the four forms of RFC 9112 section
// 3.2.
//
// It follows the grammar of RFC 3986 strictly: bytes that a proxy may understand differently (`\`,
// `#`, a broken percent escape) are refused, not repaired.
//
// Thread safety: pure functions. Views point into the arguments, or to static text.
#pragma once

#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/http/refusal.h"

namespace bide {

struct RequestTarget {
  std::string_view path;   // As sent, still percent-encoded. `*` for the asterisk form.
  std::string_view query;  // Without the `?`, still percent-encoded.
  // Only the absolute form has one. It counts instead of Host (section 3.2.2).
  std::string_view authority;
};

// 400: none of the forms, or not the form for this method. 501: CONNECT; bide is no tunnel.
[[nodiscard]] Refusal parse_target(std::string_view method, std::string_view target,
                                   RequestTarget& out);

// The same, and sets method, target, path and params of `out`.
[[nodiscard]] Refusal take_target(std::string_view method, std::string_view target,
                                  RequestTarget& parts, http::Request& out);

// Undoes the percent escapes of unreserved characters, which are the same URI with and without them
// (RFC 9110 section 4.2.3). All others stay: `%2F` is no slash, `%25` begins no other escape.
// `path`: as parse_target() returned it.
[[nodiscard]] std::string normalized_path(std::string_view path);

// `uri-host [":" port]`, the value of Host (RFC 9110 section 7.2), the host not empty.
[[nodiscard]] bool is_authority(std::string_view text);

}  // namespace bide
