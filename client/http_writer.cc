#include "client/http_writer.h"

#include <utility>

#include "core/base/json_text.h"

namespace bide {
namespace {

HttpRequest request_of(const NewDefinition& definition, WallTime /*when*/) {
  JsonText body;
  body.begin_object();
  body.raw_if("operation", definition.operation);
  body.string_if("subject", definition.subject);
  if (!definition.expected_agents.empty()) {
    body.key("expected_agents");
    body.begin_array();
    for (const std::string& agent : definition.expected_agents) body.string(agent);
    body.end_array();
  }
  body.raw_if("labels", definition.labels);
  body.end_object();
  return {.method = "PUT", .target = "/job/" + definition.job_id, .body = body.take()};
}

HttpRequest request_of(const NewEvent& event, WallTime when) {
  JsonText body;
  body.begin_object();
  body.member("event", event.word());
  body.string_if("agent", event.agent);
  body.member("timestamp", rfc3339_nano(when));
  body.raw_if("data", event.data);
  body.end_object();
  return {.method = "POST", .target = "/job/" + event.job_id + "/events", .body = body.take()};
}

}  // namespace

HttpWriter::HttpWriter(const ApiAccess& access)
    : connection_(access.server, access.token, access.cacert) {}

WriteReply HttpWriter::send(const Report& report, std::chrono::milliseconds patience) {
  HttpRequest request =
      std::visit([&](const auto& what) { return request_of(what, report.when); }, report.what);
  return write(std::move(request), report.key, patience);
}

WriteReply HttpWriter::remove(const std::string& job_id, const std::string& key,
                              std::chrono::milliseconds patience) {
  return write({.method = "DELETE", .target = "/job/" + job_id}, key, patience);
}

WriteReply HttpWriter::write(HttpRequest request, const std::string& key,
                             std::chrono::milliseconds patience) {
  request.fields = {
      {"Accept", "application/json"}, {"Prefer", "return=minimal"}, {"Idempotency-Key", key}};
  request.patience = patience;
  auto response = connection_.exchange(request);
  if (auto* const trouble = std::get_if<Trouble>(&response)) return std::move(*trouble);
  if (auto* const refusal = std::get_if<ServerRefusal>(&response)) return std::move(*refusal);
  return interpret_write(std::get<RawReply>(response));
}

}  // namespace bide
