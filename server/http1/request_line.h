// server/http1/request_line.h: Walks over a request line as its bytes arrive (RFC 9112 section 3).
//
// Every error is found at the byte that makes it one. So the verdict does not depend on how the
// network cut the input, and a sender of single bytes costs no second look at any of them.
//
// Thread safety: none needed; a scan belongs to one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/http/refusal.h"
#include "server/http/request_fields.h"

namespace bide {

struct RequestLineScan {
  enum class State : std::uint8_t { kStart, kStartLf, kMethod, kTarget, kVersion, kLf, kDone };
  std::uint16_t bytes = 0;  // Looked at so far. kDone: the length of the line, its CRLF included.
  std::uint16_t token_begin = 0;  // Where the method, target or version begins.
  State state = State::kStart;
  [[nodiscard]] bool done() const { return state == State::kDone; }
};

// Looks at the bytes of `input` from scan.bytes on; `input` begins where the request begins. One
// empty line before the request line is skipped (section 2.2: some old clients end a body with it).
// 400: malformed. 414: target over kTargetBytesMax. 501: method over kMethodBytesMax. 505: a major
// version other than 1 (a higher minor one is taken as 1.1: RFC 9110 section 2.5).
[[nodiscard]] Refusal scan_request_line(std::string_view input, RequestLineScan& scan);

}  // namespace bide
