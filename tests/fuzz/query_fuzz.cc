// What a request asks for: every value that is taken is within its documented range, and every
// refusal is a 400 or 406 that says why.
//
// Input: the query on the first line, then fields as `Name: value`. The first line is also taken as
// a duration.
#include <set>
#include <string>

#include "core/base/duration.h"
#include "core/table/job_set.h"
#include "server/api/job_query.h"
#include "server/api/stream_query.h"
#include "server/http/media_type.h"
#include "server/http/prefer.h"
#include "server/http/query.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

using std::chrono::milliseconds;

http::Request request_of(std::string_view input) {
  http::Request request;
  parse_query(take_until(input, "\n"), request.params);
  while (!input.empty()) {
    const std::string_view line = take_until(input, "\n");
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    request.headers.emplace(line.substr(0, colon), line.substr(colon + 2));
  }
  return request;
}

void check_pairs(std::string_view query, const http::Params& params) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : params) bytes += name.size() + value.size();
  demand(bytes <= query.size(), "pairs are not longer than the query");
  const std::string decoded = decode_form_text(query);
  const bool plain = query.find_first_of("%+") == std::string_view::npos;
  demand(plain ? decoded == query : decoded.size() <= query.size(), "decoding does not add");
}

void check_duration(std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration) return;
  demand(text.size() <= 32, "a long duration is none");
  demand(*duration >= milliseconds(0) && *duration <= kDurationMax, "a duration's range");
  demand(text.find_first_not_of("0123456789.hms") == std::string_view::npos, "its letters");
  demand(parse_duration(std::to_string(duration->count()) + "ms") == duration, "in milliseconds");
  demand(parse_duration(format_duration(*duration)) == duration, "printed and read");
}

void check_media_type(const http::Headers& headers) {
  const auto type = negotiate(headers);
  const bool json = accepts_json(headers);
  demand(json || type != MediaType::kJson, "JSON is sent to those who take it");
  demand(type.has_value() || !json, "406 is for those who take nothing");
  demand(headers.count("Accept") > 0 || type == MediaType::kJson, "JSON by default");
}

void check(const HoldQuery& hold, const http::Request& request) {
  if (hold.wait) demand(*hold.wait >= milliseconds(0) && *hold.wait <= kDurationMax, "a wait");
  demand(!hold.preferred || (hold.wait && !request.has_param("wait")), "the query beats Prefer");
  demand(hold.seen.empty() || request.has_header("If-None-Match"), "validators come from a field");
  demand(hold.only_if.has_value() == request.has_header("If-Match"), "and so do preconditions");
}
void check(const JobQuery& query, const http::Request& request) {
  check(query.hold, request);
  demand(negotiate(request.headers) == query.type, "the type is the negotiated one");
}
void check(const SelectionPtr& selection, const http::Request& request) {
  const bool asked = request.has_param("label") || request.has_param("q");
  demand(selection == nullptr || asked, "a selection comes from parameters");
  if (selection == nullptr) return;
  demand(selection->labels.size() <= Labels::kLabelsMax, "so many labels at most");
  demand(std::is_sorted(selection->labels.begin(), selection->labels.end()), "sorted");
  for (const std::string& label : selection->labels) {
    const std::size_t sign = label.find('=');
    demand(Labels::is_name(label.substr(0, sign)), "a label's name");
    demand(Labels::is_value(label.substr(sign + 1)), "a label's value");
  }
}
void check(const StatisticsQuery& query, const http::Request& request) {
  check(query.hold, request);
  check(query.selection, request);
}
void check(const SetQuery& query, const http::Request& request) {
  check(query.hold, request);
  check(query.jobs.selection, request);
  const auto& ids = query.jobs.ids;
  demand(ids.size() <= kJobSetIdsMax, "so many jobs at most");
  demand(std::set<std::string_view>(ids.begin(), ids.end()).size() == ids.size(), "each once");
  for (const JobId& id : ids) demand(is_job_id(id), "ids are ids");
  const auto kind = query.condition.kind();
  demand(kind == Condition::Kind::kChange || kind == Condition::Kind::kDone ||
             kind == Condition::Kind::kSucceeded,
         "what several jobs may be waited for");
}
void check(const ListQuery& query, const http::Request& request) {
  check(query.hold, request);
  demand(query.page.limit >= 1 && query.page.limit <= PageQuery::kLimitMax, "a page's limit");
  demand(query.page.offset <= 1'000'000'000, "a page's offset");
  check(query.page.selection, request);
}
void check(const StreamQuery& query, const http::Request&) {
  if (query.last_event_id) {
    demand(parse_opaque_tag(opaque_tag(*query.last_event_id)) == query.last_event_id, "an id");
  }
  const auto kind = query.end.kind();
  demand(kind != Condition::Kind::kChange && kind != Condition::Kind::kExists, "a stream's end");
}
void check(const BadQuery& bad, const http::Request&) {
  demand(bad.status == 400 || bad.status == 406, "a refusal's status");
  demand(!bad.detail.empty() && bad.detail.size() < 300, "it says why, and shortly");
  for (const char byte : bad.detail) demand(byte >= 0x20 && byte < 0x7F, "in plain words");
}

template <typename Parsed>
void check_either(const Parsed& parsed, const http::Request& request) {
  std::visit([&](const auto& what) { check(what, request); }, parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = text_of(data, size);
  std::string_view rest = input;
  const std::string_view line = take_until(rest, "\n");
  const http::Request request = request_of(input);
  check_pairs(line, request.params);
  check_duration(line);
  check_media_type(request.headers);
  if (const auto wait = preferred_wait(request.headers)) {
    demand(wait->count() >= 0 && *wait <= kDurationMax, "a preferred wait");
  }
  check_either(parse_job_query(request), request);
  check_either(parse_set_query(request), request);
  check_either(parse_list_query(request), request);
  check_either(parse_overview_query(request), request);
  check_either(parse_stream_query(request, true), request);
  check_either(parse_stream_query(request, false), request);
  return 0;
}
