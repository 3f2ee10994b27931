// server/api/job_query.h: What a request for a job asks for.
//
// Thread safety: pure functions.
#pragma once

#include <httplib.h>

#include <variant>

#include "core/parking/waiter.h"
#include "server/api/hold_query.h"

namespace bide {

struct JobQuery {
  HoldQuery hold;
  Condition condition;
  MediaType type = MediaType::kJson;
};

// As parse_hold_query(), and `until`, `expect`, Accept.
[[nodiscard]] std::variant<JobQuery, BadQuery> parse_job_query(const httplib::Request& request);

}  // namespace bide
