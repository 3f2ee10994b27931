#include "server/nats/login/nats_url.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/ascii.h"
#include "core/base/host_port.h"

namespace bide {
namespace {

constexpr std::string_view kSchemeEnd = "://";

bool is_host_and_port(std::string_view text) {
  const std::optional<HostPort> parts = split_host_port(text);
  if (!parts || (parts->bracketed && !is_ipv6_with_zone(parts->host))) return false;
  return !parts->port || parse_port(*parts->port).value_or(0) != 0;
}

// nullopt: a `%` without two digits behind it, or a NUL, which a C string cannot contain.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// The beginning and end of a URL's user, password or token; both are the host's beginning if there
// is none.
std::pair<std::size_t, std::size_t> user_span(std::string_view url) {
  const std::size_t scheme = url.find(kSchemeEnd);
  const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + kSchemeEnd.size();
  const std::size_t at = url.rfind('@');
  return {begin, at == std::string_view::npos || at < begin ? begin : at};
}

std::string_view user_in(std::string_view url) {
  const auto [begin, end] = user_span(url);
  return url.substr(begin, end - begin);
}

bool is_space_or_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7F;
}

bool is_nats_url(std::string_view url) {
  if (std::any_of(url.begin(), url.end(), is_space_or_control)) return false;
  if (!percent_decoded(user_in(url))) return false;
  if (const std::size_t end = url.find(kSchemeEnd); end != std::string_view::npos) {
    const std::string_view scheme = url.substr(0, end);
    if (scheme != "nats" && scheme != "tls") return false;
    url.remove_prefix(end + kSchemeEnd.size());
  }
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    if (at == 0) return false;
    url.remove_prefix(at + 1);
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  return url.find('/') == std::string_view::npos && is_host_and_port(url);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::vector<std::string> split_nats_urls(std::string_view list) {
  std::vector<std::string> urls;
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t comma = std::min(list.find(',', start), list.size());
    urls.emplace_back(trimmed(list.substr(start, comma - start)));
    start = comma + 1;
  }
  return urls;
}

bool is_nats_url_list(std::string_view list) {
  for (const std::string& url : split_nats_urls(list)) {
    if (!is_nats_url(url)) return false;
  }
  return true;
}

bool has_bad_escape(std::string_view list) {
  const std::vector<std::string> urls = split_nats_urls(list);
  return std::any_of(urls.begin(), urls.end(),
                     [](const std::string& url) { return !percent_decoded(user_in(url)); });
}

std::string escaped_for_connect(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  // `%` because the library decodes it, the next ones because of its parser and of lists, the rest
  // because JSON forbids it.
  constexpr std::string_view kEscaped = "%@:/?#[], \"\\";
  std::string escaped;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    // Beyond ASCII it is UTF-8, which JSON allows unchanged.
    if (byte >= 0x20 && byte != 0x7F && kEscaped.find(c) == std::string_view::npos) {
      escaped += c;
      continue;
    }
    escaped += "\\u00";
    escaped += kDigits[byte >> 4U];
    escaped += kDigits[byte & 0xFU];
  }
  return escaped;
}

std::string with_user_for_connect(std::string_view url) {
  const auto [begin, end] = user_span(url);
  if (begin == end) return std::string(url);
  const std::string_view user = url.substr(begin, end - begin);
  const std::size_t colon = user.find(':');
  std::string text(url.substr(0, begin));
  text += escaped_for_connect(percent_decoded(user.substr(0, colon)).value_or(""));
  if (colon != std::string_view::npos) {
    text += ':' + escaped_for_connect(percent_decoded(user.substr(colon + 1)).value_or(""));
  }
  return text.append(url.substr(end));
}

bool names_user(std::string_view list) { return list.find('@') != std::string_view::npos; }

std::string without_users(std::string_view list) {
  std::string bare;
  for (const std::string& url : split_nats_urls(list)) {
    const auto [begin, end] = user_span(url);
    if (!bare.empty()) bare += ',';
    bare.append(url, 0, begin);
    bare += url.substr(begin == end ? begin : end + 1);
  }
  return bare;
}

std::string redacted(std::string_view list) {
  // Splits at `://`, not at commas: a password may contain a comma, and half of it would be
  // printed. In a list without schemes this hides more than necessary, never less.
  std::string shown;
  while (true) {
    const std::size_t next = list.find(kSchemeEnd);
    std::string_view part = list.substr(0, next);
    if (const std::size_t at = part.rfind('@'); at != std::string_view::npos) {
      shown += "***";
      part.remove_prefix(at);
    }
    shown += part;
    if (next == std::string_view::npos) return shown;
    shown += kSchemeEnd;
    list.remove_prefix(next + kSchemeEnd.size());
  }
}

}  // namespace bide
