// server/job_query.h: What a request for a job asks for: wait, until, expect, If-None-Match,
// Accept.
//
// Thread safety: pure functions.
#pragma once

#include <httplib.h>

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "core/waiter.h"

namespace bide {

struct JobQuery {
  Condition condition;
  ValidatorList seen;
  MediaType type = MediaType::kJson;
  std::optional<std::chrono::milliseconds> wait;  // Not clamped. Zero: asked not to wait.
  bool preferred = false;                         // `wait` came from Prefer, not from the query.
  bool max_stale = false;  // Cache-Control: max-stale: an old answer is better than none.
};

// What is wrong with a request: 400, or 406 when no representation is acceptable.
struct BadQuery {
  int status = 400;
  std::string detail;  // What was wrong, what was expected.
};

// RFC 9110 (Accept, If-None-Match), RFC 7240 (Prefer), RFC 9111 section 5.2.1.2 (max-stale).
// Parameters bide does not know are ignored, as caches and proxies add their own.
[[nodiscard]] std::variant<JobQuery, BadQuery> parse_job_query(const httplib::Request& request);

}  // namespace bide
