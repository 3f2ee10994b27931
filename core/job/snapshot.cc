#include "core/job/snapshot.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "core/base/duration.h"
#include "core/base/json_text.h"
#include "core/job/job.h"

namespace bide {
namespace {

using LatestResponses = std::map<std::string_view, const StoredResponse*>;
using LatestProgress = std::map<std::string_view, const StoredProgress*>;

// The response with the highest revision of each agent, in the order of revisions.
LatestResponses latest_responses(const Job& job) {
  LatestResponses latest;
  for (const StoredResponse& response : job.responses()) latest[response.hostname()] = &response;
  return latest;
}

// The newest progress of each agent. If all count as one agent, the newest of all is that agent's.
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

// Sorted by time, then by revision.
std::vector<const StoredEvent*> timeline_of(const Job& job) {
  std::vector<const StoredEvent*> timeline;
  timeline.reserve(job.events().size());
  for (const StoredEvent& event : job.events()) timeline.push_back(&event);
  std::sort(timeline.begin(), timeline.end(), [](const StoredEvent* a, const StoredEvent* b) {
    return std::tie(a->unix_nano, a->revision) < std::tie(b->unix_nano, b->revision);
  });
  return timeline;
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

// `changed` of the only response; with several, true if any is true. Absent if none says.
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
void write_agent_states(JsonText& json, const std::vector<AgentView>& agents,
                        const LatestProgress& latest) {
  if (agents.empty() && latest.empty()) return;
  json.key("agent_states");
  json.begin_object();
  auto progress = latest.begin();
  const auto write_alone = [&] {
    json.key(progress->first);
    json.begin_object();
    write_progress(json, *(progress++)->second);
    json.end_object();
  };
  for (const AgentView& agent : agents) {
    const std::string_view name = agent.told_by->hostname();
    while (progress != latest.end() && progress->first < name) write_alone();
    json.key(name);
    json.begin_object();
    json.string_if("status", word_of(agent.told_by->kind));
    json.string_if("error", agent.told_by->error());
    json.string_if("duration", duration_of(agent));
    if (progress != latest.end() && progress->first == name) {
      write_progress(json, *(progress++)->second);
    }
    json.end_object();
  }
  while (progress != latest.end()) write_alone();
  json.end_object();
}

// The latest by revision; null: there is none.
const StoredEvent* latest_terminal_of(const Job& job) {
  const StoredEvent* latest = nullptr;
  for (const StoredEvent& event : job.events()) {
    if (event.agent != StoredEvent::kSubmitter && is_terminal(event.kind)) latest = &event;
  }
  return latest;
}

void write_timeline(JsonText& json, const std::vector<const StoredEvent*>& timeline) {
  if (timeline.empty()) return;
  json.key("timeline");
  json.begin_array();
  std::string message;
  for (const StoredEvent* event : timeline) {
    const auto [hostname, key, timestamp, new_job_id, error] = event->text.unpack<5>();
    message.clear();
    append_message(message, event->kind, hostname, new_job_id);
    json.begin_object();
    json.string_if("timestamp", timestamp);
    json.string_if("event", word_of(event->kind));
    json.string_if("hostname", hostname);
    json.string_if("message", message);
    json.string_if("error", error);
    json.end_object();
  }
  json.end_array();
}

Representation represent(std::string bytes, Epoch epoch, Revision revision) {
  Representation representation;
  representation.tag = {epoch, revision, hash_of(bytes)};
  representation.bytes = std::move(bytes);
  return representation;
}

std::string text_of(Status status) { return std::string(word_of(status)) + '\n'; }

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

// Line ends occur only between JSON tokens, because strings escape them.
std::string on_one_line(std::string_view json) {
  const bool lines =
      json.find('\n') != std::string_view::npos || json.find('\r') != std::string_view::npos;
  if (!lines) return {};
  std::string line(json);
  std::replace_if(
      line.begin(), line.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  return line;
}

}  // namespace

std::uint64_t text_hash_of(Status status) { return hash_of(text_of(status)); }

std::string render_json(const Job& job, bool final) {
  const auto timeline = timeline_of(job);
  const LatestResponses responses = latest_responses(job);
  const std::vector<AgentView> agents = agents_of(job.events(), job.fold().as_one());
  const StoredEvent* const terminal = latest_terminal_of(job);

  JsonText json(bytes_expected(job, agents.size()));
  json.begin_object();
  json.string_if("id", job.id());
  json.string_if("status", word_of(job.status()));
  json.key("final");
  json.boolean(final);
  json.string_if("created", job.definition().created);
  write_labels(json, job.definition().labels);
  if (!timeline.empty()) json.string_if("updated_at", timeline.back()->timestamp());
  if (terminal != nullptr) {
    json.string_if("hostname", terminal->hostname());
    json.string_if("error", terminal->error());
  }
  write_changed(json, changed_of(responses));
  json.raw_if("operation", job.definition().operation);
  if (responses.size() == 1) json.raw_if("result", responses.begin()->second->data());
  write_responses(json, responses);
  write_agent_states(json, agents, latest_progress(job, agents));
  write_timeline(json, timeline);
  json.key("revision");
  json.number(job.revision());
  json.end_object();
  return json.take();
}

const EntityTag* Snapshot::known_as(const ValidatorList& seen, MediaType type) const {
  const EntityTag& current = as(type).tag;
  if (collection && !seen.any()) return seen.find_content(current);
  return seen.matches(current) ? &current : nullptr;
}

void Snapshot::append_json(std::vector<std::string_view>& pieces, std::size_t from) const {
  const auto append = [&](std::string_view piece) {
    const std::size_t skipped = std::min(from, piece.size());
    from -= skipped;
    if (skipped < piece.size()) pieces.push_back(piece.substr(skipped));
  };
  append(std::string_view(json.bytes).substr(0, items_at));
  for (const auto& item : items) {
    if (&item != &items.front()) append(",");
    append(item->json.bytes);
  }
  append(std::string_view(json.bytes).substr(items_at));
}

std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch, bool in_grace) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->job_id = job.id();
  snapshot->labels = job.definition().labels;
  snapshot->status = job.status();
  snapshot->final = job.final() && !in_grace;
  snapshot->in_grace = in_grace;
  snapshot->undecided = is_terminal(job.status()) && job.status() != Status::kCompleted &&
                        (in_grace || job.at_work());
  snapshot->json = represent(render_json(job, snapshot->final), epoch, job.revision());
  snapshot->json_line = on_one_line(snapshot->json.bytes);
  snapshot->text = represent(text_of(job.status()), epoch, job.status_revision());
  return snapshot;
}

}  // namespace bide
