#include "core/base/client_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <random>

#include "core/base/host_port.h"

namespace bide {
namespace {

constexpr std::array<unsigned char, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr std::uint8_t kMappedBits = 96;
constexpr std::uint8_t kAllBits = 128;

// Random for each process, so that nobody can choose two addresses that count as one client.
std::uint64_t random_word() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

// The finaliser of SplitMix64.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D0'49BB'1331'11EBU;
  return x ^ (x >> 31U);
}

std::optional<sockaddr_storage> peer_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return address;
}

}  // namespace

ClientAddress ClientAddress::of(const sockaddr_storage& address) {
  ClientAddress client;
  unsigned char* const bytes = client.bytes_.data();
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(bytes, &v6.sin6_addr, client.bytes_.size());
  } else if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(bytes, kMappedPrefix.data(), kMappedPrefix.size());
    std::memcpy(bytes + kMappedPrefix.size(), &v4.sin_addr, sizeof v4.sin_addr);
  } else if (address.ss_family == AF_UNIX) {
    return *parse("127.0.0.1");
  }
  return client;
}

ClientAddress ClientAddress::of_peer(int fd) {
  const std::optional<sockaddr_storage> found = peer_of(fd);
  return found ? of(*found) : ClientAddress();
}

std::optional<ClientAddress> ClientAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  ClientAddress address;
  unsigned char* const bytes = address.bytes_.data();
  if (::inet_pton(AF_INET6, terminated.data(), bytes) == 1) return address;
  std::memcpy(bytes, kMappedPrefix.data(), kMappedPrefix.size());
  if (::inet_pton(AF_INET, terminated.data(), bytes + kMappedPrefix.size()) != 1)
    return std::nullopt;
  return address;
}

bool ClientAddress::is_v4() const {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

bool ClientAddress::is_loopback() const {
  constexpr std::array<unsigned char, 16> kV6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kV6 || (is_v4() && bytes_[kMappedPrefix.size()] == 127);
}

bool ClientAddress::is_unspecified() const {
  const auto host = is_v4() ? bytes_.begin() + kMappedPrefix.size() : bytes_.begin();
  return std::all_of(host, bytes_.end(), [](unsigned char byte) { return byte == 0; });
}

std::string ClientAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const unsigned char* const bytes = bytes_.data();
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes + kMappedPrefix.size(), text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes, text.data(), text.size());
  }
  return text.data();
}

std::uint64_t ClientAddress::client() const {
  static const std::array<std::uint64_t, 2> kKeys = {random_word(), random_word()};
  std::array<std::uint64_t, 2> words{};
  std::memcpy(words.data(), bytes_.data(), bytes_.size());
  if (!is_v4()) words[1] = 0;
  return mixed(mixed(words[0] ^ kKeys[0]) ^ words[1] ^ kKeys[1]) | 1;
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos && ClientAddress::parse(text).has_value();
}

std::uint16_t port_of(const sockaddr_storage& address) {
  const bool v6 = address.ss_family == AF_INET6;
  return ntohs(v6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                  : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string peer_name(int fd) {
  const std::optional<sockaddr_storage> found = peer_of(fd);
  if (!found) return "";
  if (found->ss_family == AF_UNIX) return "unix:";
  return host_in_url(ClientAddress::of(*found).text()) + ":" + std::to_string(port_of(*found));
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<ClientAddress> base = ClientAddress::parse(text.substr(0, slash));
  if (!base) return std::nullopt;
  AddressRange range;
  range.base_ = *base;
  range.bits_ = kAllBits;
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  // A mapped address has colons: its prefix counts from the first of 128 bits.
  const bool dotted = base->is_v4() && text.find(':') == std::string_view::npos;
  if (bits > (dotted ? kAllBits - kMappedBits : kAllBits)) return std::nullopt;
  range.bits_ = static_cast<std::uint8_t>(dotted ? bits + kMappedBits : bits);
  return range;
}

bool AddressRange::contains(const ClientAddress& address) const {
  const bool v4 = base_.is_v4() && bits_ >= kMappedBits;
  if (v4 != address.is_v4()) return false;
  const std::size_t whole = bits_ / 8U;
  if (!std::equal(base_.bytes_.begin(), base_.bytes_.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.bytes_.begin())) {
    return false;
  }
  const unsigned rest = bits_ % 8U;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << (8U - rest) & 0xFFU;
  return ((base_.bytes_[whole] ^ address.bytes_[whole]) & mask) == 0;
}

}  // namespace bide
