#include "client/reply.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/json_object.h"
#include "core/base/printable.h"

namespace bide {
namespace {

constexpr std::size_t kDetailBytesMax = 300;
// The types of bide's own problems (server/http/problem.h).
constexpr std::string_view kProblems = "urn:bide:problem:";
constexpr std::string_view kNoSuchJob = "urn:bide:problem:job-not-found";
constexpr std::string_view kNoSuchJobCode = "JOB_NOT_FOUND";

std::chrono::milliseconds parse_retry_after(std::string_view text) {
  constexpr std::chrono::seconds kLongest{60};  // A longer pause would miss a server that is back.
  unsigned seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, seconds);
  if (error == std::errc::result_out_of_range) return kLongest;
  if (error != std::errc() || rest != end) return std::chrono::milliseconds(0);
  return std::min(std::chrono::seconds(seconds), kLongest);
}

// The problem document of a response that is no state.
struct ProblemText {
  bool ours = false;
  bool no_such_job = false;
  std::string detail;
};

ProblemText problem_of(std::string_view body) {
  const auto parsed = JsonObject::parse(body, {"type", "detail", "code"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr) return {};
  const std::string_view type = (*object)["type"].text;
  const bool no_such_job = type == kNoSuchJob || (*object)["code"].text == kNoSuchJobCode;
  return {no_such_job || type.starts_with(kProblems), no_such_job, (*object)["detail"].text};
}

// The message for a person, in one line.
std::string detail_of(int http_status, std::string_view detail) {
  std::string code = "the server answered " + std::to_string(http_status);
  if (detail.empty()) return code;
  return code + ": " + printable(detail.substr(0, kDetailBytesMax), " ");
}

// Neither the state of a job nor a problem that bide knows.
Trouble foreign(const RawReply& raw, std::string_view detail) {
  std::string what = detail_of(raw.http_status, detail);
  if (raw.http_status / 100 == 3 && !raw.location.empty()) {
    what += ": go to " + printable(std::string_view(raw.location).substr(0, kDetailBytesMax), " ");
  }
  return {what + " (not bide's answer; is the URL right?)", parse_retry_after(raw.retry_after)};
}

Reply answer_of(RawReply raw) {
  const auto status = status_from_word(raw.job_status);
  if (!status) return foreign(raw, {});
  return Answer{.news = raw.http_status == 200,
                .status = *status,
                .final = raw.job_final == "true",
                .outcome = std::move(raw.outcome),
                .etag = std::move(raw.etag),
                .body = std::move(raw.body)};
}

std::variant<ServerRefusal, Trouble> failure_of(const RawReply& raw) {
  const ProblemText problem = problem_of(raw.body);
  const std::string detail = detail_of(raw.http_status, problem.detail);
  // A proxy in front of bide may ask for the token. Asking again would not help.
  const bool not_allowed = raw.http_status == 401 || raw.http_status == 403;
  if (!problem.ours && !not_allowed) return foreign(raw, problem.detail);
  switch (raw.http_status) {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return Trouble{detail, parse_retry_after(raw.retry_after)};
    default:
      return ServerRefusal{raw.http_status, raw.cure.empty() ? detail : detail + "; " + raw.cure,
                           problem.no_such_job};
  }
}

}  // namespace

Reply interpret(RawReply raw) {
  if (raw.http_status == 200 || raw.http_status == 304) return answer_of(std::move(raw));
  return std::visit([](auto&& failure) -> Reply { return failure; }, failure_of(raw));
}

DocumentReply interpret_document(RawReply raw) {
  if (raw.http_status != 200) {
    return std::visit([](auto&& failure) -> DocumentReply { return failure; }, failure_of(raw));
  }
  const auto parsed = JsonObject::parse(raw.body, {}, kAnswerDepthMax);
  if (!std::holds_alternative<JsonObject>(parsed)) return foreign(raw, {});
  return Document{std::move(raw.body), std::move(raw.etag)};
}

WriteReply interpret_write(const RawReply& raw) {
  const bool shows_job = status_from_word(raw.job_status).has_value();
  if (raw.http_status == 204) return Stored{};
  if (raw.http_status == 200 || raw.http_status == 201) {
    return shows_job ? WriteReply(Stored{}) : WriteReply(foreign(raw, {}));
  }
  return std::visit([](auto&& failure) -> WriteReply { return failure; }, failure_of(raw));
}

}  // namespace bide
