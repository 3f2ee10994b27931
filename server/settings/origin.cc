#include "server/settings/origin.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace bide {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
  });
  return result;
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

// Whole decimal digits, 1 to 65535.
std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stop != end || port == 0) return std::nullopt;
  return port;
}

// As WHATWG URL (section 3.5) has it: inet_ntop() writes some addresses with dots.
std::string serialized(const in6_addr& address) {
  std::array<unsigned, 8> pieces{};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    pieces[i] = address.s6_addr[2 * i] * 256U + address.s6_addr[2 * i + 1];
  }
  std::size_t left_out = 0;  // The first of the longest run of zeros that is longer than one.
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

// Takes the host off the front of `rest`; without the brackets of an IPv6 address it has no colon.
std::optional<std::string> take_host(std::string_view& rest) {
  if (!rest.starts_with('[')) {
    const std::string_view host = rest.substr(0, rest.find(':'));
    rest.remove_prefix(host.size());
    std::string name = lower(host);
    const bool good = !name.empty() && std::all_of(name.begin(), name.end(), is_host_byte);
    return good ? std::optional(std::move(name)) : std::nullopt;
  }
  const std::size_t bracket = rest.find(']');
  if (bracket == std::string_view::npos) return std::nullopt;
  const std::string text(rest.substr(1, bracket - 1));
  rest.remove_prefix(bracket + 1);
  in6_addr address{};
  // inet_pton would stop at a NUL.
  if (text.find('\0') != std::string::npos) return std::nullopt;
  if (::inet_pton(AF_INET6, text.c_str(), &address) != 1) return std::nullopt;
  return serialized(address);
}

}  // namespace

std::optional<std::string> parse_origin(std::string_view text) {
  struct Scheme {
    std::string_view begin;
    std::uint16_t port;
  };
  for (const Scheme& scheme : {Scheme{"https://", 443}, Scheme{"http://", 80}}) {
    if (lower(text.substr(0, scheme.begin.size())) != scheme.begin) continue;
    std::string_view rest = text.substr(scheme.begin.size());
    const std::optional<std::string> host = take_host(rest);
    if (!host) return std::nullopt;
    std::string origin = std::string(scheme.begin) + *host;
    if (rest.empty()) return origin;
    const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) return std::nullopt;
    if (*port != scheme.port) origin += ":" + std::to_string(*port);
    return origin;
  }
  return std::nullopt;
}

}  // namespace bide
