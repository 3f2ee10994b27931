// server/http/cross_origin.h: Which pages of other origins may read: the CORS protocol, WHATWG
// Fetch section 3.3.
//
// Every response to a page of a named origin carries the same few fields, errors and 304s included:
// without them the page learns only that its request failed. If origins are named, all responses
// say `Vary: Origin`, because they differ by it.
//
// Thread safety: immutable; all methods may be called from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/http/message.h"

namespace bide {

// No page of another origin may show or embed what bide answers (Fetch, section 3.7). This stops
// side channels that CORS does not. Every response has it, except those to pages that may read.
inline constexpr std::string_view kSameOriginOnly = "Cross-Origin-Resource-Policy: same-origin\r\n";

class CrossOrigin {
 public:
  // `origins`: as browsers send them, see origin.h. Empty: no page of another origin may read.
  explicit CrossOrigin(const std::vector<std::string>& origins);

  // The field lines for the response to `request`, in place of kSameOriginOnly. They live as long
  // as this. Null: no origin is named.
  [[nodiscard]] const std::string* fields_for(const http::Request& request) const;
  // Whether these fields are those for a page that may read.
  [[nodiscard]] bool admits(const std::string* fields) const {
    return fields != nullptr && fields != &others_;
  }

  // Whether a page of another origin may have made the request. Such a page may not write, whether
  // it is named or not. Judged by Sec-Fetch-Site (W3C Fetch Metadata), and by Origin for browsers
  // without it. Programs send neither.
  [[nodiscard]] static bool is_foreign(const http::Request& request);
  // Whether a browser says that a page of this origin has made the request.
  [[nodiscard]] static bool is_own_page(const http::Request& request);

  // The response to a preflight by a page that may read: 204. Browsers send no token with it.
  [[nodiscard]] static bool is_preflight(const http::Request& request);
  [[nodiscard]] static http::Response preflight_response();

 private:
  struct Named {
    std::string origin;
    std::string fields;
  };
  std::vector<Named> named_;
  std::string others_;  // For requests of other origins, or of none.
};

}  // namespace bide
