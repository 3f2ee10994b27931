#include "core/table/page_query.h"

#include <charconv>

namespace bide {
namespace {

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_number(std::string_view& text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string PageQuery::key() const {
  std::string key = "?limit=" + std::to_string(limit) + "&offset=" + std::to_string(offset);
  if (status) key.append("&status=").append(word_of(*status));
  return key;
}

std::optional<PageQuery> PageQuery::parse(std::string_view key) {
  PageQuery query;
  std::string_view rest = key;
  if (!take(rest, "?limit=") || !take_number(rest, query.limit)) return std::nullopt;
  if (!take(rest, "&offset=") || !take_number(rest, query.offset)) return std::nullopt;
  if (take(rest, "&status=")) {
    query.status = status_from_word(rest);
    if (!query.status) return std::nullopt;
  }
  const bool limited = query.limit >= 1 && query.limit <= kLimitMax;
  if (!limited || query.key() != key) return std::nullopt;
  return query;
}

}  // namespace bide
