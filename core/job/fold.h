// core/job/fold.h: The state of a job, folded from its definition and its events in revision order.
//
// An agent's state follows from its event of the highest rank, and among equal ranks from the
// latest one. The job's status follows from the states of all its agents. This does not end: events
// that come after the job was final count like all others. A job for one agent counts as having
// one, whatever host names report.
//
// Cost. A job with a few events is folded from scratch for each new one. A job whose events have an
// index (StoredEntries) has an AgentIndex here: the latest event of each kind for each agent, and
// for each event the one before it of that kind. So adding, rewriting or removing an event costs
// the same however many events the job or one of its agents has. Each removed event is skipped
// once.
//
// Thread safety: none; guarded as the job it belongs to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/job/entry.h"
#include "core/job/stored_entry.h"

namespace bide {

using StoredEvents = StoredEntries<StoredEvent>;

class Fold {
 public:
  Fold();
  Fold(Fold&&) noexcept;
  Fold& operator=(Fold&&) noexcept;
  ~Fold();

  // The number for the agent of a new event: the number in its other events, or a free one.
  [[nodiscard]] StoredEvent::Agent number_for(const StoredEvents& events,
                                              std::string_view hostname);

  // The following functions bring the state up to date with all `events`. `definition` is null
  // while there is none. `events[place]` is new, and the latest.
  void join(const Definition* definition, const StoredEvents& events, EntryPlace place);
  // `events[place]` is about to be removed. left() must follow when it is.
  void leave(const Definition* definition, const StoredEvents& events, EntryPlace place);
  void left(const Definition* definition, const StoredEvents& events);
  // The events have new places. Gives the agents new numbers.
  void begin_again(const Definition* definition, StoredEvents& events);
  // The definition has changed.
  void redefine(const Definition& definition, Revision revision, const StoredEvents& events);
  // Whether it has an AgentIndex. It must have one if the events have an index.
  [[nodiscard]] bool indexed() const { return index_ != nullptr; }
  // A copy without the AgentIndex, only to be read.
  [[nodiscard]] Fold frozen() const;

  [[nodiscard]] Status status() const { return status_; }
  // The status is terminal, no agent is at work, and the job is for one agent or all expected
  // agents are terminal.
  [[nodiscard]] bool final() const { return final_; }
  // An agent's latest event is acknowledged or started.
  [[nodiscard]] bool at_work() const { return counts_.at_work > 0; }
  // All events count as those of one agent; the agents' numbers mean nothing then.
  [[nodiscard]] bool as_one() const { return as_one_; }
  [[nodiscard]] std::size_t agents_terminal() const { return counts_.terminal(); }
  // The revision of the event at which the status last changed, if the current events are folded
  // one after the other; the definition's revision if it never changed. Walks over all events if
  // one was removed or rewritten since the last call.
  [[nodiscard]] Revision status_revision(const Definition& definition,
                                         const StoredEvents& events) const;

 private:
  struct AgentIndex;

  // The state of one agent. `told` has rank 0 if the agent has reported nothing.
  struct AgentState {
    EventKind told = EventKind::kSubmitted;
    EventKind newest = EventKind::kSubmitted;
  };
  // Numbers of agents. The first four counts add up to all agents that have reported.
  struct Counts {
    std::uint32_t active = 0, failed = 0, skipped = 0, completed = 0;
    std::uint32_t expected_terminal = 0;  // Terminal agents among those expected by name.
    std::uint32_t at_work = 0;

    [[nodiscard]] std::uint32_t terminal() const { return failed + skipped + completed; }
    // Adds an agent, or only its state. `times`: 1, or -1U to subtract.
    void add(const AgentState& agent, bool expected, std::uint32_t times);
    void add_state(EventKind told, bool expected, std::uint32_t times);
  };
  static std::uint32_t at_work(const AgentState& agent);  // 0 or 1.
  struct Replayed {
    Counts counts;
    Revision status_revision;
  };

  [[nodiscard]] Replayed replay(const Definition& definition, const StoredEvents& events,
                                std::span<AgentState> agents) const;
  static Status judge(const Definition& definition, const Counts& counts);
  void judge_final(const Definition& definition);
  void judge_again(const Definition* definition, Revision revision);
  void replay_small(const Definition* definition, const StoredEvents& events);

  std::unique_ptr<AgentIndex> index_;  // Null: folded from scratch each time.
  Counts counts_;
  Revision definition_revision_ = 0;
  mutable Revision status_revision_ = 0;  // 0: not known.
  Status status_ = Status::kSubmitted;
  bool as_one_ = false;
  bool for_one_ = false;
  bool final_ = false;
};

// An agent as the job's representation shows it.
struct AgentView {
  static constexpr std::int64_t kNoStart = INT64_MAX, kNoEnd = INT64_MIN;
  const StoredEvent* told_by = nullptr;  // The event that decides its state.
  std::int64_t first_start_nano = kNoStart;
  std::int64_t last_end_nano = kNoEnd;  // Time of its last terminal event.
};
// All agents that have reported, sorted by name. Walks over all events.
[[nodiscard]] std::vector<AgentView> agents_of(const StoredEvents& events, bool as_one);

// Whether a job's subject addresses one agent: empty, `…._any` or `….host.<x>`. Subjects with a
// `label` token address many, whatever the label's name and value are.
[[nodiscard]] bool is_for_one_agent(std::string_view subject);

}  // namespace bide
