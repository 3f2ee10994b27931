#include "core/job/fold.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>

namespace bide {
namespace {

using AgentNames = std::vector<std::string>;
using Number = StoredEvent::Agent;

constexpr std::size_t kKinds = 7;
// A job without an index has at most as many agents as events.
constexpr std::size_t kSmallAgentsMax = StoredEvents::kIndexedFrom + 1;

const AgentNames* names_of(const Definition& definition) {
  return std::get_if<AgentNames>(&definition.expected_agents);
}

bool is_expected_by_name(const Definition& definition, std::string_view name) {
  const AgentNames* const names = names_of(definition);
  return names != nullptr && std::binary_search(names->begin(), names->end(), name, std::less<>());
}

// How many agents must be terminal before the job is done; 0 if they are unknown.
std::size_t expected_count(const Definition& definition) {
  if (const auto* count = std::get_if<std::uint32_t>(&definition.expected_agents)) return *count;
  const AgentNames* const names = names_of(definition);
  return names == nullptr ? 0 : names->size();
}

// True if the subject addresses one agent, unless the definition expects several or names one.
bool folds_as_one(const Definition& definition) {
  const AgentNames* const names = names_of(definition);
  return is_for_one_agent(definition.subject) && (names == nullptr || names->empty()) &&
         expected_count(definition) <= 1;
}

std::size_t agents_in(const StoredEvents& events) {
  std::size_t agents = 1;
  for (const StoredEvent& event : events) {
    if (event.agent != StoredEvent::kSubmitter)
      agents = std::max<std::size_t>(agents, event.agent + 1U);
  }
  return agents;
}

}  // namespace

// A mark is an event's place + 1, or 0 for none.
struct Fold::AgentIndex {
  using Mark = std::uint32_t;
  struct Agent {
    std::array<Mark, kKinds> latest{};  // By kind.
    std::uint32_t events = 0;

    [[nodiscard]] AgentState state() const;
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return key_hash_of(name); }
  };
  struct Before {
    Mark of_agent = 0, of_all = 0;  // The previous event of the same kind.
  };

  [[nodiscard]] Number number_for(std::string_view hostname);
  void add(const StoredEvent& event, EntryPlace place);
  void remove(const StoredEvents& events, EntryPlace place);

  std::unordered_map<std::string, Number, NameHash, std::equal_to<>> numbers;
  std::vector<Number> free;
  std::vector<Agent> agents;
  Agent all;                   // All agents taken as one.
  std::vector<Before> before;  // By place.
  Counts counts;               // Of `agents`.
};

Fold::Fold() = default;
Fold::Fold(Fold&&) noexcept = default;
Fold& Fold::operator=(Fold&&) noexcept = default;
Fold::~Fold() = default;

// --- States and counts --------------------------------------------------------------------------

std::uint32_t Fold::at_work(const AgentState& agent) {
  return agent.newest == EventKind::kAcknowledged || agent.newest == EventKind::kStarted ? 1 : 0;
}

void Fold::Counts::add(const AgentState& agent, bool expected, std::uint32_t times) {
  at_work += Fold::at_work(agent) * times;
  add_state(agent.told, expected, times);
}

void Fold::Counts::add_state(EventKind told, bool expected, std::uint32_t times) {
  switch (told) {
    case EventKind::kSubmitted:
      return;
    case EventKind::kAcknowledged:
    case EventKind::kStarted:
      active += times;
      return;
    case EventKind::kFailed:
      failed += times;
      break;
    case EventKind::kSkipped:
      skipped += times;
      break;
    case EventKind::kCompleted:
    case EventKind::kRetried:
      completed += times;
      break;
  }
  if (expected) expected_terminal += times;
}

Status Fold::judge(const Definition& definition, const Counts& counts) {
  if (counts.active + counts.terminal() == 0) return Status::kSubmitted;
  const AgentNames* const names = names_of(definition);
  const std::size_t terminal = names != nullptr ? counts.expected_terminal : counts.terminal();
  if (counts.active > 0 || terminal < expected_count(definition)) return Status::kProcessing;
  if (counts.failed > 0) {
    return counts.completed > 0 ? Status::kPartialFailure : Status::kFailed;
  }
  return counts.completed > 0 ? Status::kCompleted : Status::kSkipped;
}

// Folds event by event: only this shows when the status became what it is.
Fold::Replayed Fold::replay(const Definition& definition, const StoredEvents& events,
                            std::span<AgentState> agents) const {
  Replayed done{{}, definition_revision_};
  Status status = Status::kSubmitted;
  for (const StoredEvent& event : events) {
    ++fold_steps;
    if (event.agent == StoredEvent::kSubmitter) continue;
    AgentState& agent = agents[as_one_ ? 0 : event.agent];
    const AgentState before = agent;
    agent.newest = event.kind;
    if (rank_of(event.kind) >= rank_of(agent.told)) agent.told = event.kind;
    done.counts.at_work += at_work(agent) - at_work(before);
    if (agent.told == before.told) continue;
    const bool expected =
        is_terminal(agent.told) && is_expected_by_name(definition, event.hostname());
    done.counts.add_state(before.told, expected, -1U);
    done.counts.add_state(agent.told, expected, 1);
    const Status now = judge(definition, done.counts);
    // An event that is older than the definition counts from the definition's revision.
    if (now != status) done.status_revision = std::max(done.status_revision, event.revision);
    status = now;
  }
  return done;
}

// --- Many events --------------------------------------------------------------------------------

Fold::AgentState Fold::AgentIndex::Agent::state() const {
  const auto at = [&](EventKind kind) { return latest[static_cast<std::size_t>(kind)]; };
  const auto later = [&](EventKind a, EventKind b) { return at(a) > at(b) ? a : b; };
  AgentState state;
  for (const EventKind kind : {later(EventKind::kCompleted, EventKind::kRetried),
                               later(EventKind::kFailed, EventKind::kSkipped), EventKind::kStarted,
                               EventKind::kAcknowledged}) {
    if (at(kind) == 0) continue;
    state.told = kind;
    break;
  }
  const auto newest = std::max_element(latest.begin(), latest.end());
  if (*newest != 0) state.newest = static_cast<EventKind>(newest - latest.begin());
  return state;
}

Number Fold::AgentIndex::number_for(std::string_view hostname) {
  ++fold_steps;
  if (const auto known = numbers.find(hostname); known != numbers.end()) return known->second;
  Number number{};
  if (free.empty()) {
    number = static_cast<Number>(agents.size());
    agents.emplace_back();
  } else {
    number = free.back();
    free.pop_back();
  }
  numbers.emplace(hostname, number);
  return number;
}

void Fold::AgentIndex::add(const StoredEvent& event, EntryPlace place) {
  ++fold_steps;
  before.resize(place + 1U);
  if (event.agent == StoredEvent::kSubmitter) return;
  const auto kind = static_cast<std::size_t>(event.kind);
  Agent& agent = agents[event.agent];
  before[place] = {agent.latest[kind], all.latest[kind]};
  agent.latest[kind] = all.latest[kind] = place + 1;
  ++agent.events;
}

// Vacant places leave the end of a chain for ever, because a place is never used again.
void Fold::AgentIndex::remove(const StoredEvents& events, EntryPlace place) {
  const StoredEvent& event = events[place];
  if (event.agent == StoredEvent::kSubmitter) return;
  const auto kind = static_cast<std::size_t>(event.kind);
  const auto is_gone = [&](Mark mark) {
    ++fold_steps;
    return mark != 0 && (mark - 1 == place || events.vacant(mark - 1));
  };
  Agent& agent = agents[event.agent];
  Mark& of_agent = agent.latest[kind];
  while (is_gone(of_agent)) of_agent = before[of_agent - 1].of_agent;
  Mark& of_all = all.latest[kind];
  while (is_gone(of_all)) of_all = before[of_all - 1].of_all;
  if (--agent.events > 0) return;
  agent = {};
  numbers.erase(numbers.find(event.hostname()));
  free.push_back(event.agent);
}

// --- The fold -----------------------------------------------------------------------------------

Number Fold::number_for(const StoredEvents& events, std::string_view hostname) {
  if (hostname == kSubmitterAgent) return StoredEvent::kSubmitter;
  if (index_ != nullptr) return index_->number_for(hostname);
  std::array<bool, kSmallAgentsMax> taken{};
  for (const StoredEvent& event : events) {
    if (event.agent == StoredEvent::kSubmitter) continue;
    if (event.hostname() == hostname) return event.agent;
    taken[event.agent] = true;
  }
  return static_cast<Number>(std::find(taken.begin(), taken.end(), false) - taken.begin());
}

void Fold::join(const Definition* definition, const StoredEvents& events, EntryPlace place) {
  if (index_ == nullptr) return replay_small(definition, events);
  const StoredEvent& event = events[place];
  const bool counts = event.agent != StoredEvent::kSubmitter;
  const bool expected =
      counts && definition != nullptr && is_expected_by_name(*definition, event.hostname());
  if (counts) index_->counts.add(index_->agents[event.agent].state(), expected, -1U);
  index_->add(event, place);
  if (counts) index_->counts.add(index_->agents[event.agent].state(), expected, 1);
  judge_again(definition, event.revision);
}

void Fold::leave(const Definition* definition, const StoredEvents& events, EntryPlace place) {
  if (index_ == nullptr) return;
  const StoredEvent& event = events[place];
  if (event.agent == StoredEvent::kSubmitter) return;
  const bool expected = definition != nullptr && is_expected_by_name(*definition, event.hostname());
  index_->counts.add(index_->agents[event.agent].state(), expected, -1U);
  index_->remove(events, place);
  index_->counts.add(index_->agents[event.agent].state(), expected, 1);
}

void Fold::left(const Definition* definition, const StoredEvents& events) {
  if (index_ == nullptr) return replay_small(definition, events);
  judge_again(definition, 0);
}

// Without an AgentIndex the job has few agents, and each is searched among the earlier events.
void Fold::begin_again(const Definition* definition, StoredEvents& events) {
  index_ = events.indexed() ? std::make_unique<AgentIndex>() : nullptr;
  Number next = 0;
  for (EntryPlace place = 0; place < events.places(); ++place) {
    StoredEvent& event = events[place];
    if (events.vacant(place) || event.agent == StoredEvent::kSubmitter) continue;
    if (index_ != nullptr) {
      event.agent = index_->number_for(event.hostname());
      continue;
    }
    EntryPlace same = 0;
    while (same < place && (events[same].agent == StoredEvent::kSubmitter ||
                            events[same].hostname() != event.hostname())) {
      ++same;
    }
    event.agent = same < place ? events[same].agent : next++;
  }
  if (index_ == nullptr) return replay_small(definition, events);
  for (EntryPlace place = 0; place < events.places(); ++place) {
    if (!events.vacant(place)) index_->add(events[place], place);
  }
  for (const auto& [name, number] : index_->numbers) {
    const bool expected = definition != nullptr && is_expected_by_name(*definition, name);
    index_->counts.add(index_->agents[number].state(), expected, 1);
  }
  judge_again(definition, 0);
}

// The cost grows only with the length of the definition.
void Fold::redefine(const Definition& definition, Revision revision, const StoredEvents& events) {
  definition_revision_ = revision;
  for_one_ = is_for_one_agent(definition.subject);
  as_one_ = folds_as_one(definition);
  if (index_ == nullptr) return replay_small(&definition, events);
  std::uint32_t& terminal = index_->counts.expected_terminal;
  terminal = 0;
  if (const AgentNames* const names = names_of(definition)) {
    for (const std::string& name : *names) {
      ++fold_steps;
      const auto known = index_->numbers.find(name);
      if (known == index_->numbers.end()) continue;
      if (is_terminal(index_->agents[known->second].state().told)) ++terminal;
    }
  }
  judge_again(&definition, 0);
}

void Fold::replay_small(const Definition* definition, const StoredEvents& events) {
  if (definition == nullptr) return;
  std::array<AgentState, kSmallAgentsMax> agents;
  const Replayed now = replay(*definition, events, agents);
  counts_ = now.counts;
  status_ = judge(*definition, counts_);
  status_revision_ = now.status_revision;
  judge_final(*definition);
}

// `revision`: of a new event behind all others; 0 after any other change.
void Fold::judge_again(const Definition* definition, Revision revision) {
  if (definition == nullptr) return;
  counts_ = index_->counts;
  if (as_one_) {
    counts_ = {};
    counts_.add(index_->all.state(), false, 1);
  }
  const Status before = status_;
  status_ = judge(*definition, counts_);
  if (revision == 0) {
    status_revision_ = 0;
  } else if (status_revision_ != 0 && status_ != before) {
    status_revision_ = std::max(status_revision_, revision);
  }
  judge_final(*definition);
}

void Fold::judge_final(const Definition& definition) {
  final_ =
      is_terminal(status_) && counts_.at_work == 0 && (for_one_ || expected_count(definition) > 0);
}

Revision Fold::status_revision(const Definition& definition, const StoredEvents& events) const {
  if (status_revision_ == 0) {
    std::vector<AgentState> agents(agents_in(events));
    status_revision_ = replay(definition, events, agents).status_revision;
  }
  return status_revision_;
}

Fold Fold::frozen() const {
  Fold copy;
  copy.counts_ = counts_;
  copy.definition_revision_ = definition_revision_;
  copy.status_revision_ = status_revision_;
  copy.status_ = status_;
  copy.as_one_ = as_one_;
  copy.for_one_ = for_one_;
  copy.final_ = final_;
  return copy;
}

std::vector<AgentView> agents_of(const StoredEvents& events, bool as_one) {
  std::vector<AgentView> agents(as_one ? 1 : agents_in(events));
  for (const StoredEvent& event : events) {
    if (event.agent == StoredEvent::kSubmitter || rank_of(event.kind) == 0) continue;
    AgentView& agent = agents[as_one ? 0 : event.agent];
    if (agent.told_by == nullptr || rank_of(event.kind) >= rank_of(agent.told_by->kind)) {
      agent.told_by = &event;
    }
    if (event.kind == EventKind::kStarted) {
      agent.first_start_nano = std::min(agent.first_start_nano, event.unix_nano);
    }
    if (is_terminal(event.kind)) {
      agent.last_end_nano = std::max(agent.last_end_nano, event.unix_nano);
    }
  }
  std::erase_if(agents, [](const AgentView& agent) { return agent.told_by == nullptr; });
  std::sort(agents.begin(), agents.end(), [](const AgentView& a, const AgentView& b) {
    return a.told_by->hostname() < b.told_by->hostname();
  });
  return agents;
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
