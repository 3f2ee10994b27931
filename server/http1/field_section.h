// server/http1/field_section.h: Walks over field lines as their bytes arrive (RFC 9112 section 5):
// a head's, or the trailers after a chunked body, which count toward the same limits.
//
// As in request_line.h, every error is found at the byte that makes it one.
//
// Thread safety: none needed; a scan belongs to one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/http/refusal.h"
#include "server/http/request_fields.h"

namespace bide {

struct FieldSectionScan {
  enum class State : std::uint8_t { kLineStart, kName, kValue, kValueLf, kEndLf, kDone };
  std::uint16_t bytes = 0;  // Counted toward kHeadBytesMax so far.
  std::uint8_t fields = 0;  // Counted toward kFieldsMax so far.
  State state = State::kLineStart;

  // Goes on with the trailers of the head that was scanned. The empty line that ends a section is
  // counted once, so that a head of exactly kHeadBytesMax may have a chunked body.
  void reopen() {
    bytes = static_cast<std::uint16_t>(bytes - 2);
    state = State::kLineStart;
  }
  [[nodiscard]] bool done() const { return state == State::kDone; }
};

struct Taken {
  std::size_t bytes = 0;  // Of the input, from its front.
  Refusal refusal;
};

// `fresh` are bytes that the scan has not seen. Takes all of them, or up to the section's end (an
// empty line). 400: malformed, folded, or a byte that may not stand there. 431: over a limit.
[[nodiscard]] Taken scan_fields(std::string_view fresh, FieldSectionScan& scan);

}  // namespace bide
