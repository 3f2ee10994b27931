#include "core/base/host_port.h"

#include <algorithm>
#include <charconv>

#include "core/base/ascii.h"
#include "core/base/client_address.h"

namespace bide {

std::optional<HostPort> split_host_port(std::string_view text) {
  HostPort parts;
  parts.bracketed = text.starts_with('[');
  std::string_view rest;
  if (parts.bracketed) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    parts.host = text.substr(1, bracket - 1);
    rest = text.substr(bracket + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
  } else {
    parts.host = text.substr(0, text.find(':'));
    rest = text.substr(parts.host.size());
  }
  if (parts.host.empty()) return std::nullopt;
  if (!rest.empty()) parts.port = rest.substr(1);
  return parts;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

bool is_plain_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
    return is_letter_or_digit(byte) || byte == '-' || byte == '_' || byte == '.';
  });
}

bool is_ipv6_with_zone(std::string_view text) {
  const std::size_t zone = text.find('%');
  return is_ipv6(text.substr(0, zone)) &&
         (zone == std::string_view::npos || is_plain_host(text.substr(zone + 1)));
}

std::string host_in_url(std::string_view host) {
  const bool address = host.find(':') != std::string_view::npos;
  return address ? "[" + std::string(host) + "]" : std::string(host);
}

bool is_loopback_host(std::string_view host) {
  const bool numeric = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

}  // namespace bide
