#include "server/api/overview_resource.h"

#include <utility>

#include "server/api/jobs_query.h"
#include "server/http/problem.h"

namespace bide {

void OverviewResource::handle(std::string_view key, const httplib::Request& request,
                              Exchange& exchange) {
  if (key != Overview::kStatisticsKey) return handle_page(request, exchange);
  std::variant<HoldQuery, BadQuery> parsed = parse_overview_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(key, problem(bad->status, bad->detail), exchange);
  }
  serve(key, std::get<HoldQuery>(std::move(parsed)), Condition::change(), MediaType::kJson,
        exchange);
}

void OverviewResource::handle_page(const httplib::Request& request, Exchange& exchange) {
  std::variant<ListQuery, BadQuery> parsed = parse_list_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse("", problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<ListQuery>(parsed);
  serve(query.page.key(), std::move(query.hold), Condition::change(), MediaType::kJson, exchange);
}

// Never asked for: the statistics and every page always exist.
httplib::Response OverviewResource::absent(std::string_view /*key*/, Outcome /*outcome*/) const {
  return problem(404, "there is no such page");
}

}  // namespace bide
