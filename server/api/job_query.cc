#include "server/api/job_query.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "server/api/known_parameters.h"
#include "server/http/media_type.h"

namespace bide {
namespace {

constexpr std::uint64_t kOffsetMax = 1'000'000'000;

// The part that all of them share.
std::optional<BadQuery> parse_common(const http::Request& request, HoldQuery& hold) {
  if (auto bad = parse_hold_query(request, hold)) return bad;
  if (!accepts_json(request.headers)) return BadQuery{406, "this is served as application/json"};
  return std::nullopt;
}

std::optional<BadQuery> refuse_parameters(const http::Request& request,
                                          std::initializer_list<const char*> names,
                                          const char* why) {
  for (const char* const name : names) {
    if (request.has_param(name)) return BadQuery{400, std::string(name) + why};
  }
  return std::nullopt;
}

// `id=a&id=b`, `id=a,b`, and both.
std::optional<BadQuery> parse_ids(const http::Request& request, JobSetQuery& jobs) {
  const auto [first, last] = request.params.equal_range("id");
  for (auto param = first; param != last; ++param) {
    std::string_view list = param->second;
    for (bool more = true; more;) {
      const std::size_t comma = list.find(',');
      more = comma != std::string_view::npos;
      const std::string_view id = list.substr(0, comma);
      if (more) list.remove_prefix(comma + 1);
      if (id.empty()) return BadQuery{400, "an id is empty; write id=a,b or id=a&id=b"};
      if (!is_job_id(id)) {
        return BadQuery{400,
                        "id is not a job's: 1 to 128 of A-Z a-z 0-9 _ -, not status or events"};
      }
      jobs.ids.emplace_back(id);
    }
  }
  jobs.collapse();
  if (jobs.ids.size() <= kJobSetIdsMax) return std::nullopt;
  return BadQuery{400, "at most " + std::to_string(kJobSetIdsMax) + " jobs in one request"};
}

std::optional<BadQuery> parse_match(const http::Request& request, JobSetQuery& jobs) {
  const std::string* match = nullptr;
  if (auto bad = find_once(request, "match", match)) return bad;
  if (match == nullptr || *match == "all") return std::nullopt;
  jobs.match_any = *match == "any";
  if (jobs.match_any) return std::nullopt;
  return BadQuery{400, "match is all or any"};
}

// The part that the list and the statistics share.
std::optional<BadQuery> parse_overview(const http::Request& request,
                                       std::span<const std::string_view> known, HoldQuery& hold) {
  if (auto bad = refuse_parameters(request, {"match", "expect"},
                                   " is for named jobs (/job/{id}, /job?id=ID) or for labels "
                                   "with until=done or succeeded")) {
    return bad;
  }
  if (auto bad = refuse_unknown_parameters(request.params, known)) return bad;
  if (auto bad = parse_common(request, hold)) return bad;
  const std::string* until = nullptr;
  if (auto bad = find_once(request, "until", until)) return bad;
  if (until == nullptr || *until == "change") return std::nullopt;
  return BadQuery{400, "until is change here; anything else is for named jobs or for labels"};
}

// A job's id cannot contain anything but the characters of ids.
std::optional<BadQuery> parse_id_part(const http::Request& request, SelectionPtr& selection) {
  const std::string* part = nullptr;
  if (auto bad = find_once(request, "q", part)) return bad;
  if (part == nullptr) return std::nullopt;
  const bool fits = !part->empty() && part->size() <= kJobIdBytesMax;
  if (!fits || !std::all_of(part->begin(), part->end(), is_id_char)) {
    return BadQuery{400, "q is a part of an id: 1 to 128 of A-Z a-z 0-9 _ -"};
  }
  Selection with_part = selection == nullptr ? Selection() : *selection;
  with_part.id_part = *part;
  selection = std::make_shared<const Selection>(std::move(with_part));
  return std::nullopt;
}

std::optional<BadQuery> parse_cursor(const http::Request& request, PageQuery& page) {
  std::uint64_t below = page.below;
  if (auto bad = find_number(request, "cursor", 1, PageQuery::kFromNewest - 1, below)) {
    return BadQuery{400, "cursor is not the `next` of an answer"};
  }
  page.below = below;
  if (below == PageQuery::kFromNewest || !request.has_param("offset")) return std::nullopt;
  return BadQuery{400, "offset counts from the newest job; a request with cursor has none"};
}

}  // namespace

bool asks_for_set(const http::Request& request) {
  if (request.has_param("id")) return true;
  const auto until = request.params.find("until");
  return request.has_param("label") && until != request.params.end() && until->second != "change";
}

std::optional<BadQuery> parse_labels(const http::Request& request, SelectionPtr& selection) {
  const auto [first, last] = request.params.equal_range("label");
  if (first == last) return std::nullopt;
  std::set<std::string> labels;
  for (auto param = first; param != last; ++param) {
    const std::string_view label = param->second;
    const std::size_t sign = label.find('=');
    if (sign == std::string_view::npos) return BadQuery{400, "label is name=value"};
    if (!Labels::is_name(label.substr(0, sign)) || !Labels::is_value(label.substr(sign + 1))) {
      return BadQuery{400,
                      "label is name=value, with a name of 1 to 63 of a-z 0-9 . _ / - and at most "
                      "128 bytes of UTF-8"};
    }
    labels.emplace(label);
  }
  if (labels.size() > Labels::kLabelsMax) {
    return BadQuery{400,
                    "at most " + std::to_string(Labels::kLabelsMax) + " labels in one request"};
  }
  selection = std::make_shared<const Selection>(
      Selection{std::vector<std::string>(labels.begin(), labels.end()), {}});
  return std::nullopt;
}

std::variant<JobQuery, BadQuery> parse_job_query(const http::Request& request) {
  constexpr std::array<std::string_view, 4> kKnown = {"wait", "until", "expect", "missing"};
  JobQuery query;
  if (auto bad = refuse_unknown_parameters(request.params, kKnown)) return *std::move(bad);
  if (auto bad = parse_hold_query(request, query.hold)) return *std::move(bad);
  if (auto bad = parse_until(request, query.condition)) return *std::move(bad);
  if (auto bad = parse_missing(request, query.hold)) return *std::move(bad);
  const std::optional<MediaType> type = negotiate(request.headers);
  if (!type) return BadQuery{406, "a job is served as application/json or text/plain"};
  query.type = *type;
  return query;
}

std::variant<SetQuery, BadQuery> parse_set_query(const http::Request& request) {
  constexpr std::array<std::string_view, 5> kOfIds = {"id", "wait", "until", "match", "missing"};
  constexpr std::array<std::string_view, 5> kOfLabels = {"label", "wait", "until", "match",
                                                         "missing"};
  SetQuery query;
  if (auto bad = refuse_parameters(request, {"status", "limit", "offset", "cursor", "q"},
                                   " is for the list of jobs; a request for a set has none")) {
    return *std::move(bad);
  }
  const bool named = request.has_param("id");
  if (named && request.has_param("label")) {
    return BadQuery{400, "label selects jobs; a request with id has none"};
  }
  if (auto bad = refuse_parameters(request, {"expect"}, " is for a single job: /job/{id}")) {
    return *std::move(bad);
  }
  const std::span<const std::string_view> known =
      named ? std::span<const std::string_view>(kOfIds) : kOfLabels;
  if (auto bad = refuse_unknown_parameters(request.params, known)) return *std::move(bad);
  if (auto bad = parse_common(request, query.hold)) return *std::move(bad);
  if (auto bad = parse_ids(request, query.jobs)) return *std::move(bad);
  if (auto bad = parse_labels(request, query.jobs.selection)) return *std::move(bad);
  if (auto bad = parse_match(request, query.jobs)) return *std::move(bad);
  if (auto bad = parse_until(request, query.condition)) return *std::move(bad);
  if (auto bad = parse_missing(request, query.hold)) return *std::move(bad);
  const Condition::Kind kind = query.condition.kind();
  if (kind == Condition::Kind::kExists || kind == Condition::Kind::kStatus) {
    return BadQuery{400, named ? "until of several jobs is change, done or succeeded"
                               : "until of the jobs of a label is change, done or succeeded"};
  }
  if (kind == Condition::Kind::kChange && request.has_param("match") && !query.jobs.match_any) {
    return BadQuery{400, "match=all is for until=done and succeeded; a change of any job is one"};
  }
  return query;
}

std::variant<ListQuery, BadQuery> parse_list_query(const http::Request& request) {
  constexpr std::array<std::string_view, 8> kKnown = {"status", "label",  "q",    "limit",
                                                      "offset", "cursor", "wait", "until"};
  ListQuery query;
  if (auto bad = parse_overview(request, kKnown, query.hold)) return *std::move(bad);
  const std::string* status = nullptr;
  if (auto bad = find_once(request, "status", status)) return *std::move(bad);
  if (status != nullptr) {
    query.page.status = status_from_word(*status);
    if (!query.page.status) {
      return BadQuery{400,
                      "status is one of submitted, processing, completed, failed, skipped, "
                      "partial_failure"};
    }
  }
  std::uint64_t limit = query.page.limit;
  std::uint64_t offset = 0;
  if (auto bad = find_number(request, "limit", 1, PageQuery::kLimitMax, limit)) {
    return *std::move(bad);
  }
  if (auto bad = find_number(request, "offset", 0, kOffsetMax, offset)) return *std::move(bad);
  query.page.limit = static_cast<std::uint32_t>(limit);
  query.page.offset = offset;
  if (auto bad = parse_cursor(request, query.page)) return *std::move(bad);
  if (auto bad = parse_labels(request, query.page.selection)) return *std::move(bad);
  if (auto bad = parse_id_part(request, query.page.selection)) return *std::move(bad);
  return query;
}

std::variant<StatisticsQuery, BadQuery> parse_overview_query(const http::Request& request) {
  constexpr std::array<std::string_view, 3> kKnown = {"label", "wait", "until"};
  StatisticsQuery query;
  if (auto bad = parse_overview(request, kKnown, query.hold)) return *std::move(bad);
  if (auto bad = parse_labels(request, query.selection)) return *std::move(bad);
  return query;
}

}  // namespace bide
