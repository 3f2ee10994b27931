// core/job/representation.h: A job's representation: the JSON that clients get, and the parts of
// which it and patches to it (core/job/patch.h) are written.
//
// Thread safety: pure functions. The parts point into their job.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_text.h"
#include "core/job/job.h"

namespace bide {

struct JobParts {
  explicit JobParts(const Job& job);

  std::vector<const StoredEvent*> timeline;                     // Sorted by time, then by revision.
  std::map<std::string_view, const StoredResponse*> responses;  // The latest of each agent.
  std::vector<AgentView> agents;                                // Sorted by name.
  // The newest of each agent. If all agents count as one, it is the newest of all.
  std::map<std::string_view, const StoredProgress*> progress;
  const StoredEvent* terminal = nullptr;  // The latest terminal event by revision.

  // Null: the agent has reported only progress.
  [[nodiscard]] const AgentView* find_agent(std::string_view name) const;
  // `changed` of the only response; with several, true if any is true. Absent if none says.
  [[nodiscard]] std::optional<bool> changed() const;
  // The data of the only response.
  [[nodiscard]] std::string_view result() const {
    return responses.size() == 1 ? responses.begin()->second->data() : std::string_view();
  }
};

// The canonical JSON: keys in a fixed order, agents sorted by name, `operation`, `result` and
// `data` byte by byte, absent members left out. A pure function of the job's entries and of
// `final`, the only member that may change by time alone (--retry-grace).
[[nodiscard]] std::string render_json(const Job& job, const JobParts& parts, bool final);

// The values of members that a change adds or replaces. `scratch`: reused from event to event.
void write_event(JsonText& json, const StoredEvent& event, std::string& scratch);
void write_response(JsonText& json, const StoredResponse& response);
// Both may be null, but not at once.
void write_agent(JsonText& json, const AgentView* agent, const StoredProgress* progress);

}  // namespace bide
