#include "server/settings/origin.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include "core/base/ascii.h"
#include "core/base/client_address.h"
#include "core/base/host_port.h"

namespace bide {
namespace {

// In the form of the WHATWG URL standard (section 3.5). inet_ntop() writes some addresses with
// dots.
std::string serialized(const ClientAddress& address) {
  const auto& bytes = address.bytes();
  std::array<unsigned, 8> pieces{};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pieces[i] = bytes[2 * i] * 256U + bytes[2 * i + 1];
  }
  std::size_t left_out = 0;  // The start of the first longest run of zeros, if longer than one.
  std::size_t zeros = 1;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto* const end = std::find_if(&pieces[i], pieces.end(), [](auto p) { return p != 0; });
    const auto run = static_cast<std::size_t>(end - &pieces[i]);
    if (run > zeros) left_out = i;
    zeros = std::max(zeros, run);
  }
  std::string text = "[";
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (zeros > 1 && i == left_out) {
      text += i == 0 ? "::" : ":";
      i += zeros - 1;
      continue;
    }
    std::array<char, 4> digits{};
    const auto [end, error] =
        std::to_chars(digits.data(), digits.data() + digits.size(), pieces[i], 16);
    text.append(digits.data(), end).append(i + 1 < pieces.size() ? ":" : "");
  }
  return text + "]";
}

std::optional<std::string> canonical(const HostPort& authority) {
  if (!authority.bracketed) {
    return is_plain_host(authority.host) ? std::optional(lower_case(authority.host)) : std::nullopt;
  }
  if (!is_ipv6(authority.host)) return std::nullopt;
  return serialized(*ClientAddress::parse(authority.host));
}

}  // namespace

std::optional<std::string> parse_origin(std::string_view text) {
  using namespace std::string_view_literals;
  for (const auto& [scheme, default_port] : {std::pair("https://"sv, 443), {"http://"sv, 80}}) {
    if (lower_case(text.substr(0, scheme.size())) != scheme) continue;
    const std::optional<HostPort> authority = split_host_port(text.substr(scheme.size()));
    const std::optional<std::string> host = authority ? canonical(*authority) : std::nullopt;
    if (!host) return std::nullopt;
    std::string origin = std::string(scheme) + *host;
    if (!authority->port) return origin;
    const std::uint16_t port = parse_port(*authority->port).value_or(0);
    if (port == 0) return std::nullopt;
    if (port != default_port) origin += ":" + std::to_string(port);
    return origin;
  }
  return std::nullopt;
}

}  // namespace bide
