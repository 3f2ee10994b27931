// server/api/job_query.h: The parameters of requests for jobs: one, several, a page of the list, or
// the statistics.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <variant>

#include "core/job/condition.h"
#include "core/parking/waiter.h"
#include "core/table/job_set.h"
#include "core/table/target.h"
#include "server/api/hold_query.h"
#include "server/http/message.h"

namespace bide {

struct JobQuery {
  HoldQuery hold;
  Condition condition;
  MediaType type = MediaType::kJson;
};

// As parse_hold_query(), and `until`, `expect`, `missing`, Accept.
[[nodiscard]] std::variant<JobQuery, BadQuery> parse_job_query(const http::Request& request);

// Whether `GET /job` is for several jobs as one set, and not for a page of the list: it names ids,
// or it selects by labels and has another `until` than `change`.
[[nodiscard]] bool asks_for_set(const http::Request& request);

// `label=name=value`, any number of times. Null: there is none.
[[nodiscard]] std::optional<BadQuery> parse_labels(const http::Request& request,
                                                   SelectionPtr& selection);

// `?id=a&id=b` or `?id=a,b`, `match=all|any`, `until=change|done|succeeded`, `missing`, and
// as parse_hold_query(). A repeated id counts once. Or `?label=a=b&label=c=d` instead of ids, and
// without `until=change`.
struct SetQuery {
  HoldQuery hold;
  Condition condition;
  JobSetQuery jobs;
};
[[nodiscard]] std::variant<SetQuery, BadQuery> parse_set_query(const http::Request& request);

// `?status=&label=&q=&limit=&offset=&cursor=`, and as parse_hold_query().
struct ListQuery {
  HoldQuery hold;
  PageQuery page;
};
[[nodiscard]] std::variant<ListQuery, BadQuery> parse_list_query(const http::Request& request);

// `?label=`, and as parse_hold_query(). The views over all jobs have only JSON and wait only for
// change.
struct StatisticsQuery {
  HoldQuery hold;
  SelectionPtr selection;
};
[[nodiscard]] std::variant<StatisticsQuery, BadQuery> parse_overview_query(
    const http::Request& request);

}  // namespace bide
