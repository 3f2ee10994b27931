#include "server/api/overview_resource.h"

#include <utility>

#include "server/api/job_query.h"
#include "server/http/problem.h"

namespace bide {

void OverviewResource::handle(const httplib::Request& request, Exchange& exchange) {
  if (!std::holds_alternative<Statistics>(exchange.target())) return handle_page(request, exchange);
  std::variant<HoldQuery, BadQuery> parsed = parse_overview_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  serve(std::get<HoldQuery>(std::move(parsed)), Condition::change(), MediaType::kJson, exchange);
}

void OverviewResource::handle_page(const httplib::Request& request, Exchange& exchange) {
  std::variant<ListQuery, BadQuery> parsed = parse_list_query(request);
  if (const auto* const bad = std::get_if<BadQuery>(&parsed)) {
    return refuse(problem(bad->status, bad->detail), exchange);
  }
  auto& query = std::get<ListQuery>(parsed);
  exchange.target() = query.page;
  serve(std::move(query.hold), Condition::change(), MediaType::kJson, exchange);
}

// Never called: the statistics and every page always exist.
httplib::Response OverviewResource::absent(const Target& /*target*/, Outcome /*outcome*/) const {
  return problem(404, "there is no such page");
}

}  // namespace bide
