// core/job/fold.h: The state of a job, folded from its definition and its events in revision order.
//
// An agent's state is told by its event of the highest rank, of equals by the later one; the job's
// status by the states of all agents seen. That holds for ever: what comes after the job was final
// counts like everything else. A job for one agent has one, whatever host names report.
//
// Cost. A job of a few events is folded anew with each of them. One with an index (StoredEntries)
// has a AgentIndex here: for each agent the latest event of each kind, and behind each event the
// one before it of that kind. So an event that comes, is written again, or is taken out costs the
// same however many there are, for the job and for one agent; what is taken out is passed over
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

  // The number for a new event's agent: that of its other events, or one nobody has.
  [[nodiscard]] StoredEvent::Agent number_for(const StoredEvents& events,
                                              std::string_view hostname);

  // `definition` is null while there is none. After these the status is that of all `events`.
  // `events[place]` is the latest, and new.
  void join(const Definition* definition, const StoredEvents& events, EntryPlace place);
  // `events[place]` is about to be taken out; followed by left() once it has been.
  void leave(const Definition* definition, const StoredEvents& events, EntryPlace place);
  void left(const Definition* definition, const StoredEvents& events);
  // Places have moved. Gives the agents new numbers.
  void begin_again(const Definition* definition, StoredEvents& events);
  // Another definition.
  void redefine(const Definition& definition, Revision revision, const StoredEvents& events);
  // Whether it has a AgentIndex, as it must where the events have an index.
  [[nodiscard]] bool indexed() const { return index_ != nullptr; }
  // Without its AgentIndex: to be read only.
  [[nodiscard]] Fold frozen() const;

  [[nodiscard]] Status status() const { return status_; }
  // Terminal, nobody at work, and for one agent or everybody expected is terminal.
  [[nodiscard]] bool final() const { return final_; }
  // An agent's latest event is acknowledged or started.
  [[nodiscard]] bool at_work() const { return counts_.at_work > 0; }
  // The events are folded as those of one agent: their numbers mean nothing.
  [[nodiscard]] bool as_one() const { return as_one_; }
  [[nodiscard]] std::size_t agents_terminal() const { return counts_.terminal(); }
  // The revision of the event with which the status last changed, as the events that are held now
  // tell it one after the other; the definition's if it never changed since. Walks over all events
  // where one was taken out or written again since it was last asked.
  [[nodiscard]] Revision status_revision(const Definition& definition,
                                         const StoredEvents& events) const;

 private:
  struct AgentIndex;

  // What an agent's events come to. `told` is of rank 0 for one that has not been seen.
  struct AgentState {
    EventKind told = EventKind::kSubmitted;
    EventKind newest = EventKind::kSubmitted;
  };
  // Agents by state; the first four are all that have been seen.
  struct Counts {
    std::uint32_t active = 0, failed = 0, skipped = 0, completed = 0;
    std::uint32_t expected_terminal = 0;  // Of those expected by name.
    std::uint32_t at_work = 0;

    [[nodiscard]] std::uint32_t terminal() const { return failed + skipped + completed; }
    // An agent, or only what its state is; `times`: 1, or -1U to take it off.
    void add(const AgentState& agent, bool expected, std::uint32_t times);
    void add_state(EventKind told, bool expected, std::uint32_t times);
  };
  static std::uint32_t at_work(const AgentState& agent);  // 1: it is.
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

  std::unique_ptr<AgentIndex> index_;  // Null: folded anew each time.
  Counts counts_;
  Revision definition_revision_ = 0;
  mutable Revision status_revision_ = 0;  // 0: not known.
  Status status_ = Status::kSubmitted;
  bool as_one_ = false;
  bool for_one_ = false;
  bool final_ = false;
};

// An agent as its job's representation shows it.
struct AgentView {
  static constexpr std::int64_t kNoStart = INT64_MAX, kNoEnd = INT64_MIN;
  const StoredEvent* told_by = nullptr;  // Tells its state, and its name.
  std::int64_t first_start_nano = kNoStart;
  std::int64_t last_end_nano = kNoEnd;  // Of its last terminal event.
};
// All that have been seen, by name. Walks over all events.
[[nodiscard]] std::vector<AgentView> agents_of(const StoredEvents& events, bool as_one);

// Whether a job's subject addresses one agent: empty, `…._any` or `….host.<x>`. Subjects with a
// `label` token address many, whatever the label's name and value are.
[[nodiscard]] bool is_for_one_agent(std::string_view subject);

}  // namespace bide
