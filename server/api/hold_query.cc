#include "server/api/hold_query.h"

#include <charconv>
#include <iterator>
#include <string_view>
#include <utility>

#include "core/base/duration.h"
#include "server/http/field_syntax.h"
#include "server/http/prefer.h"

namespace bide {
namespace {

constexpr std::string_view kUntilWords =
    "change, done, succeeded, exists, or a comma list of submitted, processing, completed, failed, "
    "skipped, partial_failure";
constexpr std::uint32_t kAgentsMax = 100'000;

std::optional<std::uint8_t> parse_status_mask(std::string_view list) {
  std::uint8_t mask = 0;
  for (;;) {
    const std::size_t comma = list.find(',');
    const std::optional<Status> status = status_from_word(list.substr(0, comma));
    if (!status) return std::nullopt;
    mask = static_cast<std::uint8_t>(mask | 1U << static_cast<unsigned>(*status));
    if (comma == std::string_view::npos) return mask;
    list.remove_prefix(comma + 1);
  }
}

std::optional<BadQuery> parse_wait(const http::Request& request, HoldQuery& query) {
  const std::string* wait = nullptr;
  if (auto bad = find_once(request, "wait", wait)) return bad;
  if (wait != nullptr) {
    query.wait = parse_duration(*wait);
    if (query.wait) return std::nullopt;
    return BadQuery{400, "wait is a duration like 30s, 1m30s, 500ms, or bare seconds"};
  }
  if (const auto preferred = preferred_wait(request.headers)) {
    query.wait = *preferred;
    query.preferred = true;
  }
  return std::nullopt;
}

// All lines of the field as one: RFC 9110 section 5.3. nullopt: there is none.
std::optional<std::string> joined_field(const http::Headers& headers, std::string_view name) {
  const auto [first, last] = field_lines(headers, name);
  if (first == last) return std::nullopt;
  std::string field = first->second;
  for (auto line = std::next(first); line != last; ++line) field.append(", ").append(line->second);
  return field;
}

std::optional<BadQuery> parse_validators(const http::Request& request, HoldQuery& query) {
  constexpr std::string_view kIfMatch = "If-Match";
  constexpr std::string_view kIfNoneMatch = "If-None-Match";
  if (const auto field = joined_field(request.headers, kIfMatch)) {
    query.only_if = ValidatorList::parse(*field, Comparison::kStrong);
    if (!query.only_if) {
      return BadQuery{400, "If-Match is not * or a list of entity tags (RFC 9110, 13.1.1)"};
    }
  }
  if (const auto field = joined_field(request.headers, kIfNoneMatch)) {
    std::optional<ValidatorList> seen = ValidatorList::parse(*field);
    if (!seen) {
      return BadQuery{400, "If-None-Match is not * or a list of entity tags (RFC 9110, 13.1.2)"};
    }
    query.seen = *std::move(seen);
  }
  return std::nullopt;
}

void parse_cache_control(const http::Headers& headers, HoldQuery& query) {
  const auto [first, last] = field_lines(headers, "Cache-Control");
  for (auto line = first; line != last; ++line) {
    std::string_view rest = line->second;
    while (const auto directive = next_part(rest, ',')) {
      const std::string_view name = split_parameter(*directive).name;
      query.max_stale = query.max_stale || equals_ignoring_case(name, "max-stale");
      query.no_cache = query.no_cache || equals_ignoring_case(name, "no-cache");
    }
  }
}

}  // namespace

std::optional<BadQuery> find_once(const http::Request& request, const std::string& name,
                                  const std::string*& value) {
  const auto [first, last] = request.params.equal_range(name);
  value = first == last ? nullptr : &first->second;
  if (std::distance(first, last) <= 1) return std::nullopt;
  return BadQuery{400, name + " is given twice; give it once"};
}

std::optional<BadQuery> find_number(const http::Request& request, const std::string& name,
                                    std::uint64_t low, std::uint64_t high, std::uint64_t& value) {
  const std::string* text = nullptr;
  if (auto bad = find_once(request, name, text)) return bad;
  if (text == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || stop != end || number < low || number > high) {
    return BadQuery{
        400, name + " is a number from " + std::to_string(low) + " to " + std::to_string(high)};
  }
  value = number;
  return std::nullopt;
}

std::optional<BadQuery> parse_until(const http::Request& request, Condition& condition) {
  std::uint64_t agents = 0;
  if (auto bad = find_number(request, "expect", 1, kAgentsMax, agents)) return bad;
  const std::string* until = nullptr;
  if (auto bad = find_once(request, "until", until)) return bad;
  if (agents > 0 && (until == nullptr || *until != "done")) {
    return BadQuery{400, "expect counts agents for until=done; add until=done"};
  }
  if (until == nullptr || *until == "change") {
    condition = Condition::change();
  } else if (*until == "done") {
    condition = Condition::done(static_cast<std::uint32_t>(agents));
  } else if (*until == "succeeded") {
    condition = Condition::succeeded();
  } else if (*until == "exists") {
    condition = Condition::exists();
  } else if (const auto mask = parse_status_mask(*until)) {
    condition = Condition::status_in(*mask);
  } else {
    return BadQuery{400, "until is not one of the allowed words: " + std::string(kUntilWords)};
  }
  return std::nullopt;
}

std::optional<BadQuery> parse_missing(const http::Request& request, HoldQuery& query) {
  const std::string* missing = nullptr;
  if (auto bad = find_once(request, "missing", missing)) return bad;
  if (missing == nullptr || *missing == "wait") return std::nullopt;
  query.fail_if_missing = *missing == "fail";
  if (query.fail_if_missing) return std::nullopt;
  return BadQuery{400, "missing is wait or fail"};
}

std::optional<BadQuery> parse_hold_query(const http::Request& request, HoldQuery& query) {
  if (auto bad = parse_wait(request, query)) return bad;
  if (auto bad = parse_validators(request, query)) return bad;
  parse_cache_control(request.headers, query);
  return std::nullopt;
}

}  // namespace bide
