#include "client/job_summary.h"

#include <string>
#include <variant>

#include "client/reply.h"
#include "core/base/json_object.h"

namespace bide {
namespace {

struct AgentSummary {
  std::string status;
  std::string progress;
};

std::string progress_of(std::string_view json) {
  const auto parsed = JsonObject::parse(json, {"percent", "message"}, kAnswerDepthMax);
  const auto* const progress = std::get_if<JsonObject>(&parsed);
  if (progress == nullptr) return {};
  std::string text;
  const JsonMember& percent = (*progress)["percent"];
  if (percent.kind == JsonMember::Kind::kNumber) text = std::string(percent.raw) + "%";
  const std::string& message = (*progress)["message"].text;
  if (!message.empty()) text += (text.empty() ? "" : " ") + message;
  return text;
}

// Not an object: nullopt.
std::optional<AgentSummary> agent_of(std::string_view agent) {
  const auto parsed = JsonObject::parse(agent, {"status", "progress"}, kAnswerDepthMax);
  const auto* const object = std::get_if<JsonObject>(&parsed);
  if (object == nullptr) return std::nullopt;
  const JsonMember& progress = (*object)["progress"];
  return AgentSummary{(*object)["status"].text,
                      progress.present() ? progress_of(progress.raw) : ""};
}

}  // namespace

JobSummary summary_of(std::string_view representation) {
  JobSummary summary;
  const auto parsed = JsonObject::parse(
      representation, {"id", "status", "final", "created", "updated_at", "error", "agent_states"},
      kAnswerDepthMax);
  const auto* const job = std::get_if<JsonObject>(&parsed);
  if (job == nullptr) return summary;
  summary.id = (*job)["id"].text;
  summary.status = status_from_word((*job)["status"].text);
  summary.final = (*job)["final"].raw == "true";
  summary.created = (*job)["created"].text;
  summary.updated_at = (*job)["updated_at"].text;
  summary.error = (*job)["error"].text;
  const JsonMember& agents = (*job)["agent_states"];
  if (agents.kind != JsonMember::Kind::kObject) return summary;
  for (const RawJsonMember& agent : split_json_object(agents.raw)) {
    std::optional<AgentSummary> seen = agent_of(agent.value);
    if (!seen) continue;
    ++summary.agents_seen;
    const auto event = event_from_word(seen->status);
    if (event && is_terminal(*event)) ++summary.agents_done;
    summary.progress = summary.agents_seen == 1 ? std::move(seen->progress) : "";
  }
  return summary;
}

std::string_view word_of(const JobSummary& summary) {
  return summary.status ? word_of(*summary.status) : std::string_view("?");
}

std::string note_of(const JobSummary& summary) {
  if (!summary.error.empty()) return summary.error;
  if (summary.agents_seen > 1) {
    return std::to_string(summary.agents_done) + "/" + std::to_string(summary.agents_seen) +
           " agents done";
  }
  const bool over = summary.status && is_terminal(*summary.status);
  return over ? "" : summary.progress;
}

}  // namespace bide
