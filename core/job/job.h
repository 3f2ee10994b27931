// core/job/job.h: One job: its entries, folded into its state.
//
// The state is a pure function of the job's entries, taken in revision order with the definition
// first. So equal entries give equal bytes on every replica. The cost of an entry does not grow
// with the number of entries (core/job/fold.h).
//
// Thread safety: none; a job is guarded by its shard's mutex.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/job/entry.h"
#include "core/job/fold.h"
#include "core/job/snapshot.h"
#include "core/job/stored_entry.h"

namespace bide {

// How many events, responses and progress reports one job may hold, and their bytes in memory. More
// are rejected (RejectReason::kJobFull). The definition is exempt: without it the job would not
// exist, and it has at most kValueBytesMax.
inline constexpr std::size_t kEntriesPerJobMax = 20'000;
inline constexpr std::size_t kJobBytesMax = 16 << 20;

class Job {
 public:
  explicit Job(std::string id) : id_(std::move(id)) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  enum class Absorbed : std::uint8_t {
    kChanged,    // The representation changed, or the job came to exist.
    kUnchanged,  // No change is visible.
    // Not absorbed, because of kEntriesPerJobMax or kJobBytesMax, or of `bytes_left`. In the bucket
    // the entry has replaced the old value of its key, so the caller must absorb a Loss.
    kJobFull,
    kTableFull,
  };
  static constexpr std::size_t kNoLimit = SIZE_MAX;
  // Adds a definition, an event, a response, progress, or the deletion or loss of one. An entry
  // whose revision is not above that of its key's current entry is ignored (kUnchanged). Deleting
  // `jobs.<id>` makes defined() false (kChanged). `bytes_left`: how much bytes() may grow.
  // Deletions and losses are never refused.
  [[nodiscard]] Absorbed absorb(const Entry& entry, std::size_t bytes_left = kNoLimit);
  // It has an entry under this entry's key.
  [[nodiscard]] bool holds(const Entry& entry) const;
  // Whether the entry, which is about to be absorbed, is newer than all others, takes nothing out
  // of the timeline, and concerns no agent but its own. If so, all that it changes shows in a patch
  // (core/job/patch.h).
  [[nodiscard]] bool only_adds(const Entry& entry) const;

  // Removes all entries whose revision is below `before`, as losses.
  [[nodiscard]] Absorbed let_go(Revision before);

  [[nodiscard]] const std::string& id() const { return id_; }
  // The definition has arrived, so the job exists for clients. The state below is valid only then.
  [[nodiscard]] bool defined() const { return definition_ != nullptr; }
  [[nodiscard]] bool empty() const { return !defined() && entry_bytes_ == 0; }
  [[nodiscard]] Status status() const { return fold_.status(); }
  // No change is expected, unless the queue delivers work again (--retry-grace): the status is
  // terminal, no agent is at work, and the job is for one agent (subject absent, `…_any`,
  // `….host.<x>`) or every expected agent is terminal.
  [[nodiscard]] bool final() const { return fold_.final(); }
  // An agent's latest event is acknowledged or started.
  [[nodiscard]] bool at_work() const { return fold_.at_work(); }
  // Agents that completed, failed, skipped or retried.
  [[nodiscard]] std::size_t agents_terminal() const { return fold_.agents_terminal(); }
  // The stream sequence that last changed the JSON: the highest one absorbed, without losses.
  [[nodiscard]] Revision revision() const { return revision_; }
  // The stream sequence of the definition, or of its deletion. Lists of jobs are in this order.
  [[nodiscard]] Revision definition_revision() const { return definition_revision_; }
  // As revision(), for the status word. If the deletion of an event brings an earlier word back,
  // this is the revision at which the remaining entries reach it, as on a replica that reads them
  // now. May walk over all events.
  [[nodiscard]] Revision status_revision() const {
    return fold_.status_revision(*definition_, events_);
  }
  // The stream's time of the definition, or of the newest entry while there is no definition.
  [[nodiscard]] WallTime written() const { return written_; }
  // The stream's time of the last event or deletion of one, even if the event has left since.
  [[nodiscard]] WallTime last_event() const { return last_event_; }
  // The keys of its events, responses and progress, as in the bucket.
  [[nodiscard]] std::vector<std::string> entry_keys() const;
  // How many keys it holds, that of the definition included.
  [[nodiscard]] std::size_t keys() const { return entries() + (defined() ? 1 : 0); }
  // The lowest revision of the current entries. kNothing: there are none.
  static constexpr Revision kNothing = UINT64_MAX;
  [[nodiscard]] Revision oldest() const;
  // The job's share of the table's memory, without indexes and snapshots. 0: it is empty.
  [[nodiscard]] std::size_t bytes() const;
  // How many bytes its entries may grow if the table uses `memory` of `memory_max` (0: no limit).
  [[nodiscard]] std::size_t growth_within(std::size_t memory_max, std::size_t memory) const;

  // The parts of the representations.
  [[nodiscard]] const Definition& definition() const { return *definition_; }
  [[nodiscard]] const StoredEvents& events() const { return events_; }
  [[nodiscard]] const StoredEntries<StoredResponse>& responses() const { return responses_; }
  // The newest progress for each of its keys. Null: there is none.
  [[nodiscard]] const StoredEntries<StoredProgress>* progress() const { return progress_.get(); }
  [[nodiscard]] const Fold& fold() const { return fold_; }

  // The stream sequence of the latest deletion of an event or response; 0: none.
  [[nodiscard]] Revision deleted_revision() const { return deleted_revision_; }

  // The same job, to be rendered or saved without the mutex. Shares all strings, so it costs 32
  // bytes an entry to make.
  [[nodiscard]] std::unique_ptr<const Job> frozen() const;

 private:
  friend class JobReader;
  Absorbed define(const Entry& entry, std::size_t bytes_left);
  Absorbed undefine(const Entry& entry);
  Absorbed put_progress(const Entry& entry, std::size_t bytes_left);
  [[nodiscard]] Revision newest();
  [[nodiscard]] std::size_t entries() const;
  template <typename Stored>
  Absorbed put(StoredEntries<Stored>& entries, const Entry& entry, std::size_t bytes_left);
  [[nodiscard]] Absorbed room_for(std::size_t bytes, std::size_t bytes_before, bool another,
                                  std::size_t bytes_left) const;
  void append(StoredEvent&& event);
  void take_out(StoredEvents& events, EntryPlace place);
  template <typename Stored>
  void take_out(StoredEntries<Stored>& entries, EntryPlace place);

  std::string id_;
  std::shared_ptr<const Definition> definition_;
  Revision definition_revision_ = 0;
  Revision revision_ = 0;
  Revision deleted_revision_ = 0;  // Of the latest deletion of an event or response.
  WallTime written_{};
  WallTime last_event_{};
  std::size_t entry_bytes_ = 0;  // Of all entries but the definition. 0: there are none.
  StoredEvents events_;
  StoredEntries<StoredResponse> responses_;
  std::unique_ptr<StoredEntries<StoredProgress>> progress_;  // Null: none. Most jobs have none.
  Fold fold_;  // Of definition_ and all events_, once defined.
};

// Renders both representations of a defined job. `in_grace`: it is not final yet (Moment).
[[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch,
                                                            bool in_grace = false);
// The same with a chain, which leads on from `before` if that has one. Since `before` the job must
// only have absorbed entries for which only_adds() was true. Null: the chain begins here.
[[nodiscard]] std::shared_ptr<const Snapshot> make_followed_snapshot(const Job& job, Epoch epoch,
                                                                     bool in_grace,
                                                                     const Snapshot* before);

}  // namespace bide
