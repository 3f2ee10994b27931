#include "server/auth/bearer.h"

#include <string>

#include "server/http/field_syntax.h"

namespace bide {
namespace {

constexpr std::string_view kProtocolPrefix = "bearer.";

BearerToken one(std::string_view token) { return {BearerToken::Found::kOne, token}; }

BearerToken in_authorization(const http::Headers& headers) {
  constexpr std::string_view kAuthorization = "Authorization";
  const auto [first, last] = field_lines(headers, kAuthorization);
  if (first == last) return {};
  if (std::next(first) != last) return {BearerToken::Found::kAmbiguous, {}};
  const std::string_view value = first->second;
  const std::string_view scheme = value.substr(0, value.find(' '));
  if (!equals_ignoring_case(scheme, "Bearer")) return {};
  return one(trim_ows(value.substr(scheme.size())));
}

BearerToken in_subprotocols(const http::Headers& headers) {
  constexpr std::string_view kProtocol = "Sec-WebSocket-Protocol";
  const auto [first, last] = field_lines(headers, kProtocol);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (const auto member = next_part(rest, ',')) {
      if (member->starts_with(kProtocolPrefix)) return one(member->substr(kProtocolPrefix.size()));
    }
  }
  return {};
}

// RFC 6265 section 4.1.1: the value may be in quotes, which have no meaning.
std::string_view without_quotes(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

BearerToken in_cookies(const http::Headers& headers, std::string_view name) {
  constexpr std::string_view kCookie = "Cookie";
  const auto [first, last] = field_lines(headers, kCookie);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (!rest.empty()) {
      const std::string_view pair = trim_ows(rest.substr(0, rest.find(';')));
      const std::size_t end = rest.find(';');
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      const std::size_t equals = pair.find('=');
      if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
        return one(without_quotes(pair.substr(equals + 1)));
      }
    }
  }
  return {};
}

}  // namespace

BearerToken find_bearer(const http::Request& request, std::string_view cookie) {
  if (const BearerToken token = in_authorization(request.headers);
      token.found != BearerToken::Found::kNone) {
    return token;
  }
  if (const BearerToken token = in_subprotocols(request.headers);
      token.found != BearerToken::Found::kNone) {
    return token;
  }
  BearerToken token = in_cookies(request.headers, cookie);
  token.in_cookie = true;
  return token;
}

}  // namespace bide
