#include "server/origin.h"

#include <algorithm>

namespace bide {
namespace {

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_port(std::string_view digits) {
  return !digits.empty() && digits.size() <= 5 &&
         digits.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

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
