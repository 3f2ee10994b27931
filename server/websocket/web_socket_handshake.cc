#include "server/websocket/web_socket_handshake.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "core/base/base64.h"
#include "core/base/host_port.h"
#include "server/http/field_syntax.h"
#include "server/http/problem.h"

namespace bide {
namespace {

constexpr std::string_view kVersion = "13";
constexpr std::size_t kKeyBytes = 16;

// How often a field was sent, and its first value.
struct Field {
  std::size_t count = 0;
  std::string_view value;
};

Field find_field(const http::Headers& headers, const char* name) {
  const auto [first, last] = field_lines(headers, name);
  if (first == last) return {};
  return {.count = static_cast<std::size_t>(std::distance(first, last)), .value = first->second};
}

// Whether a member of the lists in all lines of that field satisfies `is_it`.
template <typename Predicate>
bool any_member(const http::Headers& headers, const char* name, Predicate is_it) {
  const auto [first, last] = field_lines(headers, name);
  for (auto field = first; field != last; ++field) {
    std::string_view rest = field->second;
    while (const auto member = next_part(rest, ',')) {
      if (is_it(*member)) return true;
    }
  }
  return false;
}

bool any_member_ignoring_case(const http::Headers& headers, const char* name,
                              std::string_view wanted) {
  return any_member(headers, name, [wanted](std::string_view member) {
    return equals_ignoring_case(member, wanted);
  });
}

bool asks_for_upgrade(const http::Request& request) {
  // RFC 9110 section 7.8: Upgrade in HTTP/1.0 is to be ignored. It is ignored, too, if Connection
  // does not name it, because a proxy that does not know it may have passed it on.
  return request.method == "GET" && request.version == "HTTP/1.1" &&
         any_member_ignoring_case(request.headers, "Upgrade", "websocket") &&
         any_member_ignoring_case(request.headers, "Connection", "upgrade");
}

http::Response upgrade_required(std::string_view detail) {
  http::Response response = problem(426, detail);
  response.set_header("Upgrade", "websocket");
  response.set_header("Sec-WebSocket-Version", std::string(kVersion));
  return response;
}

// nullopt: not a port.
std::optional<std::uint16_t> port_of(const HostPort& authority, std::uint16_t default_port) {
  if (!authority.port || authority.port->empty()) return default_port;
  return parse_port(*authority.port);
}

// RFC 6454 section 7: `null`, or scheme://host[:port]. `null` may be any sandboxed page, so it is
// refused.
bool is_same_site(std::string_view origin, std::string_view host) {
  const std::size_t end = origin.find("://");
  if (end == std::string_view::npos) return false;
  const std::string_view scheme = origin.substr(0, end);
  const bool https = equals_ignoring_case(scheme, "https");
  if (!https && !equals_ignoring_case(scheme, "http")) return false;
  // A Host without a port has the scheme's: TLS may end at a proxy, so only the browser knows it.
  const std::uint16_t default_port = https ? 443 : 80;
  const auto theirs = split_host_port(origin.substr(end + 3));
  const auto ours = split_host_port(host);
  if (!theirs || !ours || !equals_ignoring_case(theirs->host, ours->host)) return false;
  const auto port = port_of(*theirs, default_port);
  return port && port == port_of(*ours, default_port);
}

bool is_origin_allowed(const http::Headers& headers) {
  const Field origin = find_field(headers, "Origin");
  if (origin.count == 0) return true;
  const Field host = find_field(headers, "Host");
  return origin.count == 1 && host.count == 1 && is_same_site(origin.value, host.value);
}

bool is_key(const Field& key) {
  if (key.count != 1) return false;
  const auto nonce = decode_base64(key.value);
  return nonce && nonce->size() == kKeyBytes;
}

// Section 4.2.2, step 5.4. nullopt: this OpenSSL is configured without SHA-1.
std::optional<std::string> accept_value(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &bytes, EVP_sha1(), nullptr) != 1) {
    return std::nullopt;
  }
  return encode_base64({reinterpret_cast<const char*>(digest.data()), bytes});
}

std::optional<http::Response> refuse(const http::Request& request, bool named_origin) {
  if (request.method != "GET" && request.method != "HEAD") {
    http::Response response = problem(405, "a WebSocket is opened with GET");
    response.set_header("Allow", "GET, HEAD");
    return response;
  }
  if (!asks_for_upgrade(request)) {
    return upgrade_required(
        "this resource is a WebSocket; ask with `Connection: Upgrade` and `Upgrade: websocket` in "
        "HTTP/1.1, and let proxies pass them on");
  }
  const Field version = find_field(request.headers, "Sec-WebSocket-Version");
  if (version.count > 1) return problem(400, "Sec-WebSocket-Version may be sent only once");
  if (version.value != kVersion) return upgrade_required("Sec-WebSocket-Version must be 13");
  if (!is_key(find_field(request.headers, "Sec-WebSocket-Key"))) {
    return problem(400, "expected one Sec-WebSocket-Key: 16 bytes in base64");
  }
  if (!named_origin && !is_origin_allowed(request.headers)) {
    return problem(
        403, "Origin must be of the same host and port as Host, or be named with --cors-origin");
  }
  return std::nullopt;
}

}  // namespace

std::variant<UpgradeAccepted, http::Response> judge_upgrade(const http::Request& request,
                                                            bool named_origin) {
  if (auto refusal = refuse(request, named_origin)) return *std::move(refusal);
  const auto accept = accept_value(find_field(request.headers, "Sec-WebSocket-Key").value);
  if (!accept)
    return problem(500, "the handshake needs SHA-1, which this server's OpenSSL refuses");

  UpgradeAccepted accepted;
  accepted.response.status = 101;
  accepted.response.set_header("Upgrade", "websocket");
  accepted.response.set_header("Connection", "Upgrade");
  accepted.response.set_header("Sec-WebSocket-Accept", *accept);
  // Compared with case: subprotocol names have one (section 11.5 leaves them to their owners).
  if (any_member(request.headers, "Sec-WebSocket-Protocol",
                 [](std::string_view member) { return member == kWebSocketProtocol; })) {
    accepted.response.set_header("Sec-WebSocket-Protocol", std::string(kWebSocketProtocol));
  }
  return accepted;
}

}  // namespace bide
