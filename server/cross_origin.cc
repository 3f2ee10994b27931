#include "server/cross_origin.h"

#include <algorithm>

namespace bide {
namespace {

constexpr std::string_view kVary = "Vary: Origin\r\n";

// What a page may see beyond the fields that it always may.
constexpr std::string_view kExposed =
    "Access-Control-Expose-Headers: ETag, Retry-After, WWW-Authenticate, Preference-Applied, Date, "
    "Bide-Status, Bide-Final, Bide-Outcome, Bide-Waited, Bide-Max-Wait\r\n";

std::string fields_of(const std::string& origin) {
  return std::string(kVary) + "Access-Control-Allow-Origin: " + origin +
         "\r\nAccess-Control-Allow-Credentials: true\r\n" + std::string(kExposed);
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view digits) {
  return !digits.empty() && digits.size() <= 5 &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

CrossOrigin::CrossOrigin(const std::vector<std::string>& origins) {
  for (const std::string& origin : origins) named_.push_back({origin, fields_of(origin)});
  if (!named_.empty()) others_ = kVary;
}

const std::string* CrossOrigin::fields_for(const httplib::Request& request) const {
  static const std::string kOrigin = "Origin";
  if (named_.empty()) return nullptr;
  const auto [first, last] = request.headers.equal_range(kOrigin);
  if (first == last || std::next(first) != last) return &others_;
  const auto found =
      std::find_if(named_.begin(), named_.end(),
                   [&](const Named& named) { return named.origin == first->second; });
  return found == named_.end() ? &others_ : &found->fields;
}

bool CrossOrigin::is_preflight(const httplib::Request& request) {
  return request.method == "OPTIONS" && request.has_header("Access-Control-Request-Method");
}

httplib::Response CrossOrigin::preflight_response() {
  httplib::Response response;
  response.status = 204;
  response.set_header("Access-Control-Allow-Methods", "GET, HEAD");
  response.set_header("Access-Control-Allow-Headers",
                      "Authorization, Cache-Control, If-None-Match, Last-Event-ID, Prefer");
  response.set_header("Access-Control-Max-Age", "600");
  return response;
}

bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    std::string_view host = text.substr(scheme.size());
    const bool bracketed = host.starts_with('[');
    const std::size_t host_end = bracketed ? host.find(']') : host.find(':');
    if (bracketed && host_end == std::string_view::npos) return false;
    const std::size_t rest_at = bracketed ? host_end + 1 : std::min(host_end, host.size());
    const std::string_view rest = host.substr(rest_at);
    host = bracketed ? host.substr(1, host_end - 1) : host.substr(0, rest_at);
    const bool hosted = !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
      return is_host_byte(c) || (bracketed && c == ':');
    });
    return hosted && (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
  }
  return false;
}

}  // namespace bide
