// server/api/job_query.h: The parameters of requests for jobs: one, several, a page of the list, or
// the statistics.
//
// Thread safety: pure functions.
#pragma once

#include <httplib.h>

#include <variant>

#include "core/job/condition.h"
#include "core/parking/waiter.h"
#include "core/table/job_set.h"
#include "core/table/target.h"
#include "server/api/hold_query.h"

namespace bide {

struct JobQuery {
  HoldQuery hold;
  Condition condition;
  MediaType type = MediaType::kJson;
};

// As parse_hold_query(), and `until`, `expect`, `missing`, Accept.
[[nodiscard]] std::variant<JobQuery, BadQuery> parse_job_query(const httplib::Request& request);

// `?id=a&id=b` or `?id=a,b`, `match=all|any`, `until=change|done|succeeded`, `missing`, and as
// parse_hold_query(). A repeated id counts once.
struct SetQuery {
  HoldQuery hold;
  Condition condition;
  JobSetQuery jobs;
};
[[nodiscard]] std::variant<SetQuery, BadQuery> parse_set_query(const httplib::Request& request);

// `?status=&limit=&offset=`, and as parse_hold_query().
struct ListQuery {
  HoldQuery hold;
  PageQuery page;
};
[[nodiscard]] std::variant<ListQuery, BadQuery> parse_list_query(const httplib::Request& request);

// As parse_hold_query(). The views over all jobs have only JSON and wait only for change.
[[nodiscard]] std::variant<HoldQuery, BadQuery> parse_overview_query(
    const httplib::Request& request);

}  // namespace bide
