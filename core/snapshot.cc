#include "core/snapshot.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "core/duration.h"
#include "core/job.h"
#include "core/json_text.h"

namespace bide {
namespace {

using LatestResponses = std::map<std::string_view, const StoredResponse*>;

// One per agent: the one with the highest revision, by which responses are sorted.
LatestResponses latest_responses(const Job& job) {
  LatestResponses latest;
  for (const StoredResponse& response : job.responses()) latest[response.hostname()] = &response;
  return latest;
}

// By time; events of one instant by revision.
std::vector<const StoredEvent*> timeline_of(const Job& job) {
  std::vector<const StoredEvent*> timeline;
  timeline.reserve(job.events().size());
  for (const StoredEvent& event : job.events()) timeline.push_back(&event);
  std::sort(timeline.begin(), timeline.end(), [](const StoredEvent* a, const StoredEvent* b) {
    return std::tie(a->unix_nano, a->revision) < std::tie(b->unix_nano, b->revision);
  });
  return timeline;
}

std::string message_of(const StoredEvent& event) {
  std::string word(word_of(event.kind));
  const std::string host(event.hostname());
  switch (event.kind) {
    case EventKind::kSubmitted:
      return word;
    case EventKind::kAcknowledged:
      return word + " by " + host;
    case EventKind::kStarted:
    case EventKind::kCompleted:
    case EventKind::kFailed:
    case EventKind::kSkipped:
      return word + " on " + host;
    case EventKind::kRetried:
      return event.new_job_id().empty() ? word : word + " as " + std::string(event.new_job_id());
  }
  return word;
}

// Of the only response, or whether any of several changed something; absent if none says.
std::optional<bool> changed_of(const LatestResponses& responses) {
  std::optional<bool> changed;
  for (const auto& [name, response] : responses) {
    if (response->changed) changed = changed.value_or(false) || *response->changed;
  }
  return changed;
}

void write_changed(JsonText& json, const std::optional<bool>& changed) {
  if (!changed) return;
  json.key("changed");
  json.boolean(*changed);
}

void write_responses(JsonText& json, const LatestResponses& responses) {
  if (responses.empty()) return;
  json.key("responses");
  json.begin_object();
  for (const auto& [name, response] : responses) {
    json.key(name);
    json.begin_object();
    json.string_if("status", response->status());
    json.raw_if("data", response->data());
    write_changed(json, response->changed);
    json.string_if("error", response->error());
    json.string_if("hostname", response->hostname());
    json.end_object();
  }
  json.end_object();
}

// Empty unless the agent both started and ended, in that order.
std::string duration_of(const Fold::Agent& agent) {
  if (agent.last_end_nano < agent.first_start_nano) return {};
  // Workers may write any two times: their distance can be beyond an int64.
  const std::uint64_t nanos = static_cast<std::uint64_t>(agent.last_end_nano) -
                              static_cast<std::uint64_t>(agent.first_start_nano);
  const auto capped = std::min<std::uint64_t>(nanos, INT64_MAX);
  return format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(capped)));
}

void write_agent_states(JsonText& json, const Job& job) {
  if (job.fold().agents().empty()) return;
  json.key("agent_states");
  json.begin_object();
  for (const Fold::Agent& agent : job.fold().agents()) {
    const StoredEvent& told_by = job.events()[agent.told_by];
    json.key(told_by.hostname());
    json.begin_object();
    json.string_if("status", word_of(told_by.kind));
    json.string_if("error", told_by.error());
    json.string_if("duration", duration_of(agent));
    json.end_object();
  }
  json.end_object();
}

void write_timeline(JsonText& json, const std::vector<const StoredEvent*>& timeline) {
  if (timeline.empty()) return;
  json.key("timeline");
  json.begin_array();
  for (const StoredEvent* event : timeline) {
    json.begin_object();
    json.string_if("timestamp", event->timestamp());
    json.string_if("event", word_of(event->kind));
    json.string_if("hostname", event->hostname());
    json.string_if("message", message_of(*event));
    json.string_if("error", event->error());
    json.end_object();
  }
  json.end_array();
}

Representation represent(std::string bytes, Epoch epoch, Revision revision) {
  Representation representation;
  representation.tag = {epoch, revision, hash_of(bytes)};
  representation.etag = '"' + opaque_tag(representation.tag) + '"';
  representation.bytes = std::move(bytes);
  return representation;
}

}  // namespace

std::string render_json(const Job& job) {
  const auto timeline = timeline_of(job);
  const LatestResponses responses = latest_responses(job);
  const std::uint32_t terminal = job.fold().latest_terminal();

  JsonText json;
  json.begin_object();
  json.string_if("id", job.id());
  json.string_if("status", word_of(job.status()));
  json.key("final");
  json.boolean(job.final());
  json.string_if("created", job.definition().created);
  if (!timeline.empty()) json.string_if("updated_at", timeline.back()->timestamp());
  if (terminal != Fold::kNone) {
    json.string_if("hostname", job.events()[terminal].hostname());
    json.string_if("error", job.events()[terminal].error());
  }
  write_changed(json, changed_of(responses));
  json.raw_if("operation", job.definition().operation);
  if (responses.size() == 1) json.raw_if("result", responses.begin()->second->data());
  write_responses(json, responses);
  write_agent_states(json, job);
  write_timeline(json, timeline);
  json.key("revision");
  json.number(job.revision());
  json.end_object();
  return json.take();
}

std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->job_id = job.id();
  snapshot->status = job.status();
  snapshot->final = job.final();
  snapshot->json = represent(render_json(job), epoch, job.revision());
  snapshot->text =
      represent(std::string(word_of(job.status())) + '\n', epoch, job.status_revision());
  return snapshot;
}

}  // namespace bide
