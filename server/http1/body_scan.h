// server/http1/body_scan.h: Walks over a request's body, whose end must be known exactly: otherwise
// its last bytes would be taken for a request.
//
// Thread safety: none needed; a scan belongs to one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/http/refusal.h"
#include "server/http/request_fields.h"
#include "server/http1/field_section.h"

namespace bide {

// All chunk extensions of a body together. RFC 9112 section 7.1.1 wants a limit: without it, 1 MiB
// in one-byte chunks may carry any amount of them.
inline constexpr std::size_t kChunkExtensionBytesMax = 4096;

struct BodyScan {
  enum class State : std::uint8_t {
    kDone,  // Also: there is no body.
    kLength,
    kSize,
    kSizeSpace,   // Before a `;`.
    kNameStart,   // Behind a `;`, of an extension.
    kName,        // In its name.
    kNameSpace,   // Behind its name.
    kValueStart,  // Behind its `=`.
    kToken,       // In its value.
    kQuoted,
    kEscaped,  // Behind a backslash in a quoted value.
    kQuoteEnd,
    kValueSpace,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
  };
  std::uint32_t left = 0;  // Bytes left of the body, or of this chunk. kSize: the size so far.
  std::uint32_t content_bytes = 0;    // Chunked: the sum of the sizes.
  std::uint16_t extension_bytes = 0;  // Counted toward kChunkExtensionBytesMax.
  std::uint8_t digits = 0;            // Digits of this chunk's size.
  State state = State::kDone;

  // Content-Length. `bytes` <= kBodyBytesMax.
  [[nodiscard]] static BodyScan of_length(std::uint32_t bytes);
  [[nodiscard]] static BodyScan chunked();
  [[nodiscard]] bool done() const { return state == State::kDone; }
};

// `fresh` are bytes that the scan has not seen. Takes all of them, or up to the body's end. 400:
// malformed. 413: over kBodyBytesMax or kChunkExtensionBytesMax. `trailers` goes on counting from
// the head's fields; trailers are dropped (section 7.1.2). The content is appended to `content`;
// null: it is dropped, too.
[[nodiscard]] Taken scan_body(std::string_view fresh, BodyScan& scan, FieldSectionScan& trailers,
                              std::string* content);

}  // namespace bide
