// core/fold.h: The state of a job, folded from its definition and then its events in revision
// order.
//
// An agent's state is told by its event of the highest rank, of equals by the later one; the job's
// status by the states of all agents seen. Once the job is final the fold takes no more: a late
// event joins the timeline, but a client that was told "final" was told the truth.
//
// A fold keeps no events, only their places in the list it is given again with every call.
//
// Thread safety: none; guarded as the job it belongs to.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/entry.h"
#include "core/stored_entry.h"

namespace bide {

class Fold {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Agent {
    static constexpr std::int64_t kNoStart = INT64_MAX, kNoEnd = INT64_MIN;
    std::uint32_t told_by;  // The event that tells its state, and its name.
    std::int64_t first_start_nano = kNoStart;
    std::int64_t last_end_nano = kNoEnd;  // Of its last terminal event.
  };

  Fold() = default;
  // The definition alone, at its revision.
  Fold(const Definition& definition, Revision revision);

  // The next event: `events[index]`. `definition` is that of the constructor; `events` may only
  // have grown at the end since.
  void take(const Definition& definition, const std::vector<StoredEvent>& events,
            std::uint32_t index);

  [[nodiscard]] Status status() const { return status_; }
  [[nodiscard]] bool final() const { return final_; }
  [[nodiscard]] std::size_t agents_terminal() const { return failed_ + skipped_ + completed_; }
  // When the status last changed; the definition's revision if it never did since.
  [[nodiscard]] Revision status_revision() const { return status_revision_; }
  // The latest terminal event by revision; kNone if there is none.
  [[nodiscard]] std::uint32_t latest_terminal() const { return latest_terminal_; }
  // Sorted by name. Agents that only submitted have not been seen.
  [[nodiscard]] const std::vector<Agent>& agents() const { return agents_; }

 private:
  std::uint32_t& counter_of(EventKind kind);
  // The agent that wrote `events[index]`; a new one is told by it and not yet counted.
  Agent& agent_of(const std::vector<StoredEvent>& events, std::uint32_t index);
  void judge(const Definition& definition, Revision revision);

  std::vector<Agent> agents_;
  Revision status_revision_ = 0;
  // Agents by state; together all that have been seen.
  std::uint32_t active_ = 0, failed_ = 0, skipped_ = 0, completed_ = 0;
  std::uint32_t expected_terminal_ = 0;  // Of those expected by name.
  std::uint32_t latest_terminal_ = kNone;
  Status status_ = Status::kSubmitted;
  bool one_agent_ = false;
  bool final_ = false;
};

// Whether a job's subject addresses one agent: empty, `…._any` or `….host.<x>`. Subjects with a
// `label` token address many, whatever the label's name and value are.
[[nodiscard]] bool is_for_one_agent(std::string_view subject);

}  // namespace bide
