#include "server/api/job_query.h"

#include <array>
#include <utility>

#include "server/api/known_parameters.h"
#include "server/http/media_type.h"

namespace bide {

std::variant<JobQuery, BadQuery> parse_job_query(const httplib::Request& request) {
  constexpr std::array<std::string_view, 3> kKnown = {"wait", "until", "expect"};
  JobQuery query;
  if (auto bad = refuse_unknown_parameters(request.params, kKnown)) return *std::move(bad);
  if (auto bad = parse_hold_query(request, query.hold)) return *std::move(bad);
  if (auto bad = parse_until(request, query.condition)) return *std::move(bad);
  const std::optional<MediaType> type = negotiate(request.headers);
  if (!type) return BadQuery{406, "a job is served as application/json or text/plain"};
  query.type = *type;
  return query;
}

}  // namespace bide
