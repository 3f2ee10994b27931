// server/http1/request_parser.h: The request parser: makes an http::Request of bytes from a
// client, or a refusal.
//
// It is strict where lenient parsers have let requests be smuggled (RFC 9112, and the limits in
// docs/api.md): httplib's own parser at this version accepts two lengths, bare line ends, decodes
// percent escapes in fields and bounds nothing, so it is not used.
//
// How a connection drives it. Bytes that are read are appended to a buffer, and advance() is called
// with the whole buffer:
//   kMore      truncate the buffer to keep_bytes, read more, call again.
//   kBulk      the request is complete and has much content: erase what lies between keep_bytes and
//              consumed_bytes, and call again on the thread for bulk. Comes once for a request.
//   kComplete  answer `out`, erase consumed_bytes at the front, call again with the rest, which
//              may hold the next request already.
//   kReject    answer with status and detail, close.
// While a head arrives, keep_bytes is the whole buffer. While a body arrives, it is the head alone,
// and the content gathers in the Progress if the method is POST or PUT; of other methods it is
// counted and dropped. So a connection never needs a buffer larger than kHeadBytesMax and one read,
// and kBodyBytesMax of content.
//
// The verdict depends on the bytes only, not on how they were cut into reads.
//
// Thread safety: advance() is a pure function of its arguments; a Progress belongs to one
// connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/http/message.h"
#include "server/http1/body_scan.h"
#include "server/http1/field_section.h"
#include "server/http1/request_line.h"

namespace bide {

// How far the next request has been parsed. A new Progress has seen nothing.
struct Progress {
  BodyScan body;
  RequestLineScan line;
  FieldSectionScan fields;
  std::uint16_t head_bytes = 0;  // 0: the head is not complete.
  std::string content;           // Of the body, as far as it has arrived.
};

struct [[nodiscard]] Step {
  enum class Need : std::uint8_t { kMore, kBulk, kComplete, kReject };
  Need need = Need::kMore;
  // kMore: send `100 Continue` now. Set at most once for a request, and only while none of its body
  // is here.
  bool wants_continue = false;
  int status = 0;           // kReject: 400, 413, 414, 417, 431, 501 or 505.
  const char* detail = "";  // kReject: why, static text.
  // kComplete: the host that the request is for: the authority of its target, else the value of
  // Host. It follows the grammar, and points into the input. nullopt: HTTP/1.0 without either.
  std::optional<std::string_view> host;
  std::size_t keep_bytes = 0;      // kMore, kBulk: the head, and of an incomplete one all of it.
  std::size_t consumed_bytes = 0;  // kBulk, kComplete.
};

// Never blocks, allocates only what `out` holds. `out` is written once the head is complete, and is
// meant to be reused from call to call and between connections:
//   method, target  as sent; methods are not judged here
//   version  `HTTP/1.0` or `HTTP/1.1`, as which higher minor versions are taken
//   path     the target's path, percent-encoded as far as it must be (normalized_path()): the
//            router compares it byte by byte. `*` for `OPTIONS *`.
//   params   the query, decoded (query.h)
//   headers  those that something reads (server/http/request_fields.h), values trimmed, and
//            otherwise as sent. All others are checked and dropped. Trailers are not among them.
//   body     the content of POST and PUT, else empty
// After kReject `out` means nothing.
Step advance(std::string_view input, Progress& progress, http::Request& out);

// Whether the connection may carry another request after this one: RFC 9112 section 9.3.
[[nodiscard]] bool keep_alive(const http::Request& request);

}  // namespace bide
