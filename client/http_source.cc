#include "client/http_source.h"

#include <utility>

namespace bide {
namespace {

std::string target_of(const std::string& path, const Question& question) {
  std::string text = path;
  char separator = '?';
  if (!question.until.empty()) {
    text += separator + ("until=" + question.until);
    separator = '&';
  }
  if (question.wait.count() > 0) {
    text += separator + ("wait=" + std::to_string(question.wait.count()) + "ms");
  }
  return text;
}

}  // namespace

HttpSource::HttpSource(const ServerUrl& server, const std::string& job_id, const std::string& token,
                       Wanted wanted, const std::string& cacert)
    : path_("/job/" + job_id),
      accept_(wanted == Wanted::kStatusWord ? "text/plain" : "application/json"),
      connection_(server, token, cacert) {}

Reply HttpSource::ask(const Question& question) {
  HttpRequest request{.method = "GET",
                      .target = target_of(path_, question),
                      .fields = {{"Accept", accept_}},
                      .patience = question.patience};
  if (!question.etag.empty()) request.fields.emplace_back("If-None-Match", question.etag);
  return reply_of(connection_.exchange(request));
}

}  // namespace bide
