// server/http2/response_fields.h: The head of a response as HTTP/2's fields.
//
// Resources lay a head out once, as HTTP/1.1's text (server/http/response_head.h), and do not know
// which protocol asks. This takes status and fields from it.
//
// Thread safety: any thread; the result lives in memory of the calling thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <span>
#include <string_view>

namespace bide {

// `head`: a status line, field lines and the empty line. Names become lower case;
// connection-specific fields are left out (RFC 9113 section 8.2.2). Valid until the thread's next
// call.
[[nodiscard]] std::span<const nghttp2_nv> fields_of(std::string_view head);

}  // namespace bide
