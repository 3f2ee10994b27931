#include "client/job_summary.h"

#include <optional>
#include <string>
#include <variant>

#include "client/reply.h"
#include "core/base/json_object.h"
#include "core/job/status.h"

namespace bide {
namespace {

// Not an object: nullopt.
std::optional<std::string> status_word_of(std::string_view agent) {
  const auto parsed = JsonObject::parse(agent, {"status"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr) return std::nullopt;
  return (*object)["status"].text;
}

}  // namespace

JobSummary summary_of(std::string_view representation) {
  JobSummary summary;
  const auto parsed = JsonObject::parse(representation, {"error", "agent_states"}, kAnswerDepthMax);
  const auto* const job = std::get_if<JsonObject>(&parsed);
  if (job == nullptr) return summary;
  summary.error = (*job)["error"].text;
  const JsonMember& agents = (*job)["agent_states"];
  if (agents.kind != JsonMember::Kind::kObject) return summary;
  for (const RawJsonMember& agent : split_json_object(agents.raw)) {
    const std::optional<std::string> word = status_word_of(agent.value);
    if (!word) continue;
    ++summary.agents_seen;
    const auto event = event_from_word(*word);
    if (event && is_terminal(*event)) ++summary.agents_done;
  }
  return summary;
}

}  // namespace bide
