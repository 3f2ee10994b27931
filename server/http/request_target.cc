#include "server/http/request_target.h"

#include <algorithm>
#include <string>

#include "core/base/client_address.h"
#include "core/base/host_port.h"
#include "server/http/byte_class.h"
#include "server/http/field_syntax.h"
#include "server/http/query.h"

namespace bide {
namespace {

constexpr Refusal kMalformed = {400, "malformed request target"};

// Only bytes that stand for themselves, those of `also`, and whole percent escapes.
bool is_uri_text(std::string_view text, std::string_view also) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], kUriByte) || also.find(text[i]) != std::string_view::npos) continue;
    const std::string_view escape = text.substr(i, 3);
    if (escape.size() < 3 || escape[0] != '%') return false;
    if (!is(escape[1], kHexByte) || !is(escape[2], kHexByte)) return false;
    i += 2;
  }
  return true;
}

// Whether the text may stand between the brackets of an IP literal, RFC 3986 section 3.2.2.
bool is_ip_literal(std::string_view text) {
  if (!text.empty() && (text[0] | 0x20) == 'v') {  // IPvFuture.
    const std::size_t digits = run_of(text.substr(1), kHexByte);
    if (digits == 0 || text.size() < digits + 3 || text[digits + 1] != '.') return false;
    const std::string_view rest = text.substr(digits + 2);
    return std::all_of(rest.begin(), rest.end(),
                       [](char byte) { return byte == ':' || is(byte, kUriByte); });
  }
  return is_ipv6(text);
}

// Splits path and query off, both checked.
Refusal parse_path_and_query(std::string_view text, RequestTarget& out) {
  const std::size_t mark = text.find('?');
  out.path = text.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
  if (!is_uri_text(out.path, "/:@") || !is_uri_text(out.query, "/:@?")) return kMalformed;
  return {};
}

Refusal parse_absolute(std::string_view target, RequestTarget& out) {
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos) return kMalformed;
  const std::string_view scheme = target.substr(0, scheme_end);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return kMalformed;
  }
  const std::string_view rest = target.substr(scheme_end + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  // User information in the authority is refused, too: RFC 9110 section 4.2.4.
  out.authority = rest.substr(0, authority_end);
  if (!is_authority(out.authority)) return kMalformed;
  if (const Refusal refusal = parse_path_and_query(rest.substr(authority_end), out)) return refusal;
  if (out.path.empty()) out.path = "/";  // RFC 9110 section 4.2.3: they are the same.
  return {};
}

Refusal refuse_connect(std::string_view target) {
  const bool has_port = !target.empty() && is(target.back(), kDigitByte) &&
                        target.find(':') != std::string_view::npos;
  if (!has_port || !is_authority(target)) return kMalformed;
  return {501, "CONNECT is not served"};
}

}  // namespace

Refusal parse_target(std::string_view method, std::string_view target, RequestTarget& out) {
  out = {};
  if (method == "CONNECT") return refuse_connect(target);
  if (!target.empty() && target.front() == '/') return parse_path_and_query(target, out);
  if (target == "*") {
    out.path = target;
    return method == "OPTIONS" ? Refusal{} : kMalformed;
  }
  return parse_absolute(target, out);
}

Refusal take_target(std::string_view method, std::string_view target, RequestTarget& parts,
                    http::Request& out) {
  if (const Refusal refusal = parse_target(method, target, parts)) return refusal;
  out.method.assign(method);
  out.target.assign(target);
  const bool escaped = parts.path.find('%') != std::string_view::npos;
  if (escaped) {
    out.path = normalized_path(parts.path);
  } else {
    out.path.assign(parts.path);
  }
  out.params.clear();
  parse_query(parts.query, out.params);
  return {};
}

std::string normalized_path(std::string_view path) {
  std::string normal;
  normal.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%') {
      const auto byte = static_cast<char>(hex_value(path[i + 1]) * 16 + hex_value(path[i + 2]));
      if (is(byte, kUnreservedByte)) {
        normal.push_back(byte);
        i += 2;
        continue;
      }
    }
    normal.push_back(path[i]);
  }
  return normal;
}

bool is_authority(std::string_view text) {
  const std::optional<HostPort> parts = split_host_port(text);
  if (!parts) return false;
  if (!(parts->bracketed ? is_ip_literal(parts->host) : is_uri_text(parts->host, ""))) return false;
  return !parts->port || run_of(*parts->port, kDigitByte) == parts->port->size();
}

}  // namespace bide
