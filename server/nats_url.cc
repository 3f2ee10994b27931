#include "server/nats_url.h"

#include <charconv>

namespace bide {
namespace {

constexpr std::string_view kSchemeEnd = "://";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

bool is_host_and_port(std::string_view text) {
  std::string_view rest = text;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    rest = text.substr(close + 1);
    if (rest.empty()) return true;
    return rest.starts_with(':') && is_port(rest.substr(1));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return !text.empty();
  return colon > 0 && is_port(text.substr(colon + 1));
}

bool is_nats_url(std::string_view url) {
  if (url.find_first_of(" \t\r\n") != std::string_view::npos) return false;
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

bool names_user(std::string_view list) { return list.find('@') != std::string_view::npos; }

std::string without_users(std::string_view list) {
  std::string bare;
  for (const std::string& url : split_nats_urls(list)) {
    const std::size_t scheme = url.find(kSchemeEnd);
    const std::size_t begin = scheme == std::string::npos ? 0 : scheme + kSchemeEnd.size();
    const std::size_t at = url.rfind('@');
    if (!bare.empty()) bare += ',';
    bare.append(url, 0, begin);
    bare += url.substr(at == std::string::npos ? begin : at + 1);
  }
  return bare;
}

std::string redacted(std::string_view list) {
  // Cut at `://`, not at commas: a password may hold a comma, and then half of it would be printed.
  // Where URLs come without schemes this hides too much rather than too little.
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
