#include "core/job/representation.h"

#include <algorithm>
#include <tuple>

#include "core/base/duration.h"

namespace bide {
namespace {

using LatestProgress = std::map<std::string_view, const StoredProgress*>;

LatestProgress latest_progress(const Job& job, const std::vector<AgentView>& agents) {
  LatestProgress latest;
  if (job.progress() == nullptr) return latest;
  for (const StoredProgress& progress : *job.progress()) {
    if (job.fold().as_one()) {
      latest.clear();
      latest[agents.empty() ? progress.hostname() : agents[0].told_by->hostname()] = &progress;
    } else {
      latest[progress.hostname()] = &progress;
    }
  }
  return latest;
}

void append_message(std::string& out, EventKind kind, std::string_view host,
                    std::string_view new_job_id) {
  out += word_of(kind);
  switch (kind) {
    case EventKind::kSubmitted:
      return;
    case EventKind::kAcknowledged:
      out.append(" by ").append(host);
      return;
    case EventKind::kStarted:
    case EventKind::kCompleted:
    case EventKind::kFailed:
    case EventKind::kSkipped:
      out.append(" on ").append(host);
      return;
    case EventKind::kRetried:
      if (!new_job_id.empty()) out.append(" as ").append(new_job_id);
      return;
  }
}

void write_changed(JsonText& json, const std::optional<bool>& changed) {
  if (!changed) return;
  json.key("changed");
  json.boolean(*changed);
}

void write_labels(JsonText& json, const Labels& labels) {
  if (labels.empty()) return;
  json.key("labels");
  json.begin_object();
  labels.for_each([&](std::string_view label) {
    const std::size_t sign = label.find('=');
    json.member(label.substr(0, sign), label.substr(sign + 1));
  });
  json.end_object();
}

void write_responses(JsonText& json, const JobParts& parts) {
  if (parts.responses.empty()) return;
  json.key("responses");
  json.begin_object();
  for (const auto& [name, response] : parts.responses) {
    json.key(name);
    write_response(json, *response);
  }
  json.end_object();
}

// Empty unless the agent started and then ended.
std::string duration_of(const AgentView& agent) {
  const bool both =
      agent.first_start_nano != AgentView::kNoStart && agent.last_end_nano != AgentView::kNoEnd;
  if (!both || agent.last_end_nano < agent.first_start_nano) return {};
  // Workers may write any times: the difference may not fit an int64.
  const std::uint64_t nanos = static_cast<std::uint64_t>(agent.last_end_nano) -
                              static_cast<std::uint64_t>(agent.first_start_nano);
  const auto capped = std::min<std::uint64_t>(nanos, INT64_MAX);
  return format_duration(std::chrono::nanoseconds(static_cast<std::int64_t>(capped)));
}

void write_progress(JsonText& json, const StoredProgress& progress) {
  json.key("progress");
  json.begin_object();
  json.raw_if("percent", progress.percent());
  json.string_if("message", progress.message());
  json.string_if("log", progress.log());
  json.end_object();
}

// An agent that has reported only progress has nothing else.
void write_agents(JsonText& json, const JobParts& parts) {
  if (parts.agents.empty() && parts.progress.empty()) return;
  json.key("agent_states");
  json.begin_object();
  auto progress = parts.progress.begin();
  const auto write_alone = [&] {
    json.key(progress->first);
    write_agent(json, nullptr, (progress++)->second);
  };
  for (const AgentView& agent : parts.agents) {
    const std::string_view name = agent.told_by->hostname();
    while (progress != parts.progress.end() && progress->first < name) write_alone();
    const bool both = progress != parts.progress.end() && progress->first == name;
    json.key(name);
    write_agent(json, &agent, both ? (progress++)->second : nullptr);
  }
  while (progress != parts.progress.end()) write_alone();
  json.end_object();
}

void write_timeline(JsonText& json, const JobParts& parts) {
  if (parts.timeline.empty()) return;
  json.key("timeline");
  json.begin_array();
  std::string message;
  for (const StoredEvent* event : parts.timeline) write_event(json, *event, message);
  json.end_array();
}

// An upper estimate of the bytes of member names and short values, without operation and data.
std::size_t bytes_expected(const Job& job, std::size_t agents) {
  std::size_t bytes = 300 + job.definition().operation.size() +
                      2 * job.definition().labels.text().size() + 200 * job.events().size() +
                      100 * agents;
  for (const StoredResponse& response : job.responses()) bytes += 150 + 2 * response.data().size();
  if (job.progress() != nullptr) {
    for (const StoredProgress& progress : *job.progress()) bytes += 150 + progress.log().size();
  }
  return bytes;
}

}  // namespace

JobParts::JobParts(const Job& job) : agents(agents_of(job.events(), job.fold().as_one())) {
  timeline.reserve(job.events().size());
  for (const StoredEvent& event : job.events()) {
    timeline.push_back(&event);
    if (event.agent != StoredEvent::kSubmitter && is_terminal(event.kind)) terminal = &event;
  }
  std::sort(timeline.begin(), timeline.end(), [](const StoredEvent* a, const StoredEvent* b) {
    return std::tie(a->unix_nano, a->revision) < std::tie(b->unix_nano, b->revision);
  });
  for (const StoredResponse& response : job.responses()) {
    responses[response.hostname()] = &response;  // In the order of revisions.
  }
  progress = latest_progress(job, agents);
}

const AgentView* JobParts::find_agent(std::string_view name) const {
  const auto at = std::lower_bound(agents.begin(), agents.end(), name,
                                   [](const AgentView& agent, std::string_view sought) {
                                     return agent.told_by->hostname() < sought;
                                   });
  return at != agents.end() && at->told_by->hostname() == name ? &*at : nullptr;
}

std::optional<bool> JobParts::changed() const {
  std::optional<bool> changed;
  for (const auto& [name, response] : responses) {
    if (response->changed) changed = changed.value_or(false) || *response->changed;
  }
  return changed;
}

void write_event(JsonText& json, const StoredEvent& event, std::string& message) {
  const auto [hostname, key, timestamp, new_job_id, error] = event.text.unpack<5>();
  message.clear();
  append_message(message, event.kind, hostname, new_job_id);
  json.begin_object();
  json.string_if("timestamp", timestamp);
  json.string_if("event", word_of(event.kind));
  json.string_if("hostname", hostname);
  json.string_if("message", message);
  json.string_if("error", error);
  json.end_object();
}

void write_response(JsonText& json, const StoredResponse& response) {
  json.begin_object();
  json.string_if("status", response.status());
  json.raw_if("data", response.data());
  write_changed(json, response.changed);
  json.string_if("error", response.error());
  json.string_if("hostname", response.hostname());
  json.end_object();
}

void write_agent(JsonText& json, const AgentView* agent, const StoredProgress* progress) {
  json.begin_object();
  if (agent != nullptr) {
    json.string_if("status", word_of(agent->told_by->kind));
    json.string_if("error", agent->told_by->error());
    json.string_if("duration", duration_of(*agent));
  }
  if (progress != nullptr) write_progress(json, *progress);
  json.end_object();
}

std::string render_json(const Job& job, const JobParts& parts, bool final) {
  JsonText json(bytes_expected(job, parts.agents.size()));
  json.begin_object();
  json.string_if("id", job.id());
  json.string_if("status", word_of(job.status()));
  json.key("final");
  json.boolean(final);
  json.string_if("created", job.definition().created);
  write_labels(json, job.definition().labels);
  if (!parts.timeline.empty()) json.string_if("updated_at", parts.timeline.back()->timestamp());
  if (parts.terminal != nullptr) {
    json.string_if("hostname", parts.terminal->hostname());
    json.string_if("error", parts.terminal->error());
  }
  write_changed(json, parts.changed());
  json.raw_if("operation", job.definition().operation);
  json.raw_if("result", parts.result());
  write_responses(json, parts);
  write_agents(json, parts);
  write_timeline(json, parts);
  json.key("revision");
  json.number(job.revision());
  json.end_object();
  return json.take();
}

}  // namespace bide
