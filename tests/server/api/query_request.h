// tests/server/api/query_request.h: Requests for the tests of query parsers, and checks of the
// conditions that were parsed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/job/condition.h"
#include "server/http/message.h"
#include "server/http/query.h"
#include "tests/core/job/entries.h"

namespace bide::testing {

// `fields`: lines as `Name: value`.
inline http::Request request_of(std::string_view query,
                                const std::vector<std::string>& fields = {}) {
  http::Request request;
  parse_query(query, request.params);
  for (const std::string& field : fields) {
    const std::size_t colon = field.find(": ");
    request.headers.emplace(field.substr(0, colon), field.substr(colon + 2));
  }
  return request;
}

// The verdict of the condition on a broadcast job with this history (history_of), long settled.
inline Verdict judged(const Condition& condition, std::string_view history) {
  Job job("j");
  absorb_all(job, {defined("j", 1, about("jobs.query._all"))});
  absorb_all(job, history_of(history));
  return condition.judge(job, {}, Moment{kEndOfTime}, [] { return EntityTag{}; }).verdict;
}

}  // namespace bide::testing
