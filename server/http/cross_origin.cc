#include "server/http/cross_origin.h"

#include <algorithm>

#include "server/http/field_syntax.h"

namespace bide {
namespace {

constexpr std::string_view kVary = "Vary: Origin\r\n";

// The fields that a page may read beyond those that it always may.
constexpr std::string_view kExposed =
    "Access-Control-Expose-Headers: ETag, Link, Retry-After, WWW-Authenticate, Preference-Applied, "
    "Date, Bide-Status, Bide-Final, Bide-Outcome, Bide-Waited, Bide-Max-Wait\r\n";

std::string fields_of(const std::string& origin) {
  return std::string(kVary) + "Access-Control-Allow-Origin: " + origin +
         "\r\nAccess-Control-Allow-Credentials: true\r\n" + std::string(kExposed) +
         "Cross-Origin-Resource-Policy: cross-origin\r\n";
}

}  // namespace

CrossOrigin::CrossOrigin(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) named_.push_back({origin, fields_of(origin)});
  if (!named_.empty()) others_ = std::string(kVary) + std::string(kSameOriginOnly);
}

const std::string* CrossOrigin::fields_for(const http::Request& request) const {
  constexpr std::string_view kOrigin = "Origin";
  if (named_.empty()) return nullptr;
  const auto range = field_lines(request.headers, kOrigin);
  if (range.first == range.second || std::next(range.first) != range.second) return &others_;
  const std::string& origin = range.first->second;
  const auto found = std::find_if(named_.begin(), named_.end(),
                                  [&](const Named& named) { return named.origin == origin; });
  return found == named_.end() ? &others_ : &found->fields;
}

bool CrossOrigin::is_own_page(const http::Request& request) {
  constexpr std::string_view kSite = "Sec-Fetch-Site";
  const auto [first, last] = field_lines(request.headers, kSite);
  return first != last && std::next(first) == last && first->second == "same-origin";
}

// `none`: the user has typed the address, which makes a GET.
bool CrossOrigin::is_foreign(const http::Request& request) {
  constexpr std::string_view kSite = "Sec-Fetch-Site";
  constexpr std::string_view kOrigin = "Origin";
  constexpr std::string_view kHost = "Host";
  const auto [site, sites] = field_lines(request.headers, kSite);
  if (site != sites && site->second != "none" && !is_own_page(request)) return true;
  const auto [origin, origins] = field_lines(request.headers, kOrigin);
  if (origin == origins) return false;
  const auto [host, hosts] = field_lines(request.headers, kHost);
  if (std::next(origin) != origins || host == hosts) return true;
  // A default port is in neither of them. The scheme is not compared: a proxy may end TLS.
  const std::size_t scheme = origin->second.find("://");
  return scheme == std::string::npos ||
         !equals_ignoring_case(std::string_view(origin->second).substr(scheme + 3), host->second);
}

bool CrossOrigin::is_preflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.has_header("Access-Control-Request-Method");
}

http::Response CrossOrigin::preflight_response() {
  http::Response response;
  response.status = 204;
  response.set_header("Access-Control-Allow-Methods", "GET, HEAD");
  response.set_header(
      "Access-Control-Allow-Headers",
      "Authorization, Cache-Control, If-Match, If-None-Match, Last-Event-ID, Prefer");
  response.set_header("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace bide
