#include "core/fold.h"

#include <algorithm>

namespace bide {
namespace {

using AgentNames = std::vector<std::string>;

bool is_expected_by_name(const Definition& definition, std::string_view name) {
  const auto* names = std::get_if<AgentNames>(&definition.expected_agents);
  return names != nullptr && std::binary_search(names->begin(), names->end(), name, std::less<>());
}

// How many must be terminal before the job is done; 0 where nobody is named.
std::size_t expected_count(const Definition& definition) {
  if (const auto* count = std::get_if<std::uint32_t>(&definition.expected_agents)) return *count;
  const auto* names = std::get_if<AgentNames>(&definition.expected_agents);
  return names == nullptr ? 0 : names->size();
}

}  // namespace

Fold::Fold(const Definition& definition, Revision revision)
    : status_revision_(revision), one_agent_(is_for_one_agent(definition.subject)) {}

void Fold::take(const Definition& definition, const std::vector<StoredEvent>& events,
                std::uint32_t index) {
  const StoredEvent& event = events[index];
  const int rank = rank_of(event.kind);
  if (final_ || rank == 0 || event.hostname() == kSubmitterAgent) return;

  Agent& agent = agent_of(events, index);
  const EventKind before = events[agent.told_by].kind;
  const bool is_new = agent.told_by == index;
  if (rank >= rank_of(before)) {
    if (!is_new) --counter_of(before);
    ++counter_of(event.kind);
    agent.told_by = index;
  }
  if (event.kind == EventKind::kStarted) {
    agent.first_start_nano = std::min(agent.first_start_nano, event.unix_nano);
  }
  if (is_terminal(event.kind)) {
    const bool was_terminal = !is_new && is_terminal(before);
    if (!was_terminal && is_expected_by_name(definition, event.hostname())) ++expected_terminal_;
    agent.last_end_nano = std::max(agent.last_end_nano, event.unix_nano);
    latest_terminal_ = index;
  }
  judge(definition, event.revision);
}

std::uint32_t& Fold::counter_of(EventKind kind) {
  switch (kind) {
    case EventKind::kFailed:
      return failed_;
    case EventKind::kSkipped:
      return skipped_;
    case EventKind::kCompleted:
    case EventKind::kRetried:
      return completed_;
    case EventKind::kSubmitted:  // Never counted: take() leaves rank 0 out.
    case EventKind::kAcknowledged:
    case EventKind::kStarted:
      break;
  }
  return active_;
}

Fold::Agent& Fold::agent_of(const std::vector<StoredEvent>& events, std::uint32_t index) {
  const std::string_view name = events[index].hostname();
  const auto at = std::lower_bound(agents_.begin(), agents_.end(), name,
                                   [&](const Agent& agent, std::string_view wanted) {
                                     return events[agent.told_by].hostname() < wanted;
                                   });
  if (at != agents_.end() && events[at->told_by].hostname() == name) return *at;
  const auto offset = at - agents_.begin();
  reserve_one_more(agents_);
  return *agents_.insert(agents_.begin() + offset, Agent{.told_by = index});
}

void Fold::judge(const Definition& definition, Revision revision) {
  const std::size_t expected = expected_count(definition);
  const bool by_name = std::holds_alternative<AgentNames>(definition.expected_agents);
  const bool all_expected = (by_name ? expected_terminal_ : agents_terminal()) >= expected;

  Status status = Status::kCompleted;
  if (active_ > 0 || !all_expected) {
    status = Status::kProcessing;
  } else if (failed_ > 0) {
    status = completed_ > 0 ? Status::kPartialFailure : Status::kFailed;
  } else if (skipped_ > 0 && completed_ == 0) {
    status = Status::kSkipped;
  }
  // An event older than the definition counts from when the job came to exist.
  if (status != status_) status_revision_ = std::max(status_revision_, revision);
  status_ = status;
  final_ = is_terminal(status) && (one_agent_ || expected > 0);
}

bool is_for_one_agent(std::string_view subject) {
  if (subject.empty()) return true;
  const std::size_t last_dot = subject.rfind('.');
  const std::string_view last = subject.substr(last_dot + 1);  // npos + 1 is 0: all of it.
  if (last == "_any") return true;
  if (last.empty() || last_dot == std::string_view::npos) return false;
  const std::string_view before = subject.substr(0, last_dot);
  const bool labelled =
      before.starts_with("label.") || before.find(".label.") != std::string_view::npos;
  return before.ends_with(".host") && !labelled;
}

}  // namespace bide
