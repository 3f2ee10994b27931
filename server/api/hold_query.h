// server/api/hold_query.h: The parameters and fields that all requests that may be held have in
// common: wait, If-Match, If-None-Match, max-stale, no-cache.
//
// Thread safety: pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/parking/waiter.h"
#include "server/http/message.h"

namespace bide {

// What is wrong with a request: 400, or 406 when no representation is acceptable.
struct BadQuery {
  int status = 400;
  std::string detail;  // What is wrong, and what was expected.
};

struct HoldQuery {
  ValidatorList seen;                             // If-None-Match.
  std::optional<ValidatorList> only_if;           // If-Match.
  std::optional<std::chrono::milliseconds> wait;  // Not clamped. Zero: asked not to wait.
  bool preferred = false;                         // `wait` came from Prefer, not from the query.
  bool max_stale = false;  // Cache-Control: max-stale: an old answer is better than none.
  bool no_cache = false;  // Cache-Control: no-cache: the answer must not be older than the request.
  bool fail_if_missing = false;  // `missing=fail`: do not wait for a job that does not exist.
};

// RFC 9110 sections 13.1.1 and 13.1.2 (If-Match, If-None-Match), RFC 7240 (Prefer), RFC 9111
// sections 5.2.1.2 (max-stale) and 5.2.1.4 (no-cache).
[[nodiscard]] std::optional<BadQuery> parse_hold_query(const http::Request& request,
                                                       HoldQuery& query);

// `missing=wait|fail`.
[[nodiscard]] std::optional<BadQuery> parse_missing(const http::Request& request, HoldQuery& query);

// `value`: the parameter's value; null: not given. A parameter that is given twice is an error.
[[nodiscard]] std::optional<BadQuery> find_once(const http::Request& request,
                                                const std::string& name, const std::string*& value);
// A whole number from `low` to `high`. `value` is unchanged if the parameter is not given.
[[nodiscard]] std::optional<BadQuery> find_number(const http::Request& request,
                                                  const std::string& name, std::uint64_t low,
                                                  std::uint64_t high, std::uint64_t& value);

// `until` and `expect` (docs/api.md). kChange if neither is given.
[[nodiscard]] std::optional<BadQuery> parse_until(const http::Request& request,
                                                  Condition& condition);

}  // namespace bide
