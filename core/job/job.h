// core/job/job.h: One job: the entries that speak of it, folded into its state.
//
// The fold is a pure function of the job's entries in revision order, its definition taken first:
// equal entries give equal bytes on every replica. What taking one entry in costs does not grow
// with how many there are (core/job/fold.h).
//
// Thread safety: none; a job is guarded by its shard's mutex.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "core/job/entry.h"
#include "core/job/fold.h"
#include "core/job/snapshot.h"
#include "core/job/stored_entry.h"

namespace bide {

// Events and responses one job may hold, and their bytes in memory; more are rejected
// (RejectReason::kJobFull). The definition always finds room: without it the job could never come
// to exist, and it has one of at most kValueBytesMax.
inline constexpr std::size_t kEntriesPerJobMax = 20'000;
inline constexpr std::size_t kJobBytesMax = 16 << 20;

class Job {
 public:
  explicit Job(std::string id) : id_(std::move(id)) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  enum class Absorbed : std::uint8_t {
    kChanged,    // The representation moved (or the job came to exist).
    kUnchanged,  // Nothing that anybody could see.
    // Not taken: kEntriesPerJobMax or kJobBytesMax; or `bytes_left`. What it has replaced in the
    // bucket is lost: that is for the caller to tell.
    kJobFull,
    kTableFull,
  };
  static constexpr std::size_t kNoLimit = SIZE_MAX;
  // Takes one entry in: a definition, an event, a response, or the deletion or loss of one. Entries
  // whose revision is not above the one already held for their key are old news: kUnchanged.
  // Deleting `jobs.<id>` undefines the job: kChanged, and defined() is false. `bytes_left`: by so
  // much bytes() may grow. Deletions and losses are always taken.
  [[nodiscard]] Absorbed absorb(const Entry& entry, std::size_t bytes_left = kNoLimit);

  // Loses all whose revision is below `before`.
  [[nodiscard]] Absorbed let_go(Revision before);

  [[nodiscard]] const std::string& id() const { return id_; }
  // Its definition has arrived: for clients the job exists. The state below means something only
  // then.
  [[nodiscard]] bool defined() const { return definition_ != nullptr; }
  [[nodiscard]] bool empty() const { return !defined() && events_.empty() && responses_.empty(); }
  [[nodiscard]] Status status() const { return fold_.status(); }
  // Cannot change by the rules of the queue, but for work that is delivered again (--retry-grace):
  // terminal, nobody at work, and for one agent (subject absent, `…_any`, `….host.<x>`) or every
  // expected agent is terminal.
  [[nodiscard]] bool final() const { return fold_.final(); }
  // An agent's latest event is acknowledged or started.
  [[nodiscard]] bool at_work() const { return fold_.at_work(); }
  // Agents that completed, failed, skipped or retried.
  [[nodiscard]] std::size_t agents_terminal() const { return fold_.agents_terminal(); }
  // The stream sequence that last changed the JSON: the highest absorbed, but for what was lost.
  [[nodiscard]] Revision revision() const { return revision_; }
  // The stream sequence of its definition, or of that one's deletion: the order jobs are listed in.
  [[nodiscard]] Revision definition_revision() const { return definition_revision_; }
  // As revision(), for the status word. Deleting an event may bring an earlier word back, and with
  // it the revision since when the remaining entries say so: a replica that reads them now agrees.
  // May walk over all events.
  [[nodiscard]] Revision status_revision() const {
    return fold_.status_revision(*definition_, events_);
  }
  // The stream's time of the definition; of the newest entry while there is none.
  [[nodiscard]] WallTime written() const { return written_; }
  // The stream's time of the last event, of one that was deleted or lost and of a deletion, too.
  [[nodiscard]] WallTime last_event() const { return last_event_; }
  // The lowest revision of what it holds; kNothing: it is empty.
  static constexpr Revision kNothing = UINT64_MAX;
  [[nodiscard]] Revision oldest() const;
  // What it takes of the table's memory, without indexes and what is rendered; 0: empty.
  [[nodiscard]] std::size_t bytes() const;
  // By how much its entries may grow where the table may have `memory_max` (0: no limit) and has
  // `memory`.
  [[nodiscard]] std::size_t growth_within(std::size_t memory_max, std::size_t memory) const;

  // What the representations are made of.
  [[nodiscard]] const Definition& definition() const { return *definition_; }
  [[nodiscard]] const StoredEvents& events() const { return events_; }
  [[nodiscard]] const StoredEntries<StoredResponse>& responses() const { return responses_; }
  [[nodiscard]] const Fold& fold() const { return fold_; }

  // The same job, to be rendered without the mutex. Shares all strings, so it costs 32 bytes an
  // entry to make.
  [[nodiscard]] std::unique_ptr<const Job> frozen() const;

 private:
  Absorbed define(const Entry& entry, std::size_t bytes_left);
  Absorbed undefine(const Entry& entry);
  [[nodiscard]] Revision newest();
  template <typename Stored>
  Absorbed put(StoredEntries<Stored>& entries, const Entry& entry, std::size_t bytes_left);
  [[nodiscard]] Absorbed room_for(std::size_t bytes, std::size_t bytes_before, bool another,
                                  std::size_t bytes_left) const;
  void append(StoredEvent&& event);
  void append(StoredResponse&& response);
  void take_out(StoredEvents& events, EntryPlace place);
  void take_out(StoredEntries<StoredResponse>& responses, EntryPlace place);

  std::string id_;
  std::shared_ptr<const Definition> definition_;
  Revision definition_revision_ = 0;
  Revision revision_ = 0;
  Revision deleted_revision_ = 0;  // Of the latest deletion of an event or response.
  WallTime written_{};
  WallTime last_event_{};
  std::size_t entry_bytes_ = 0;  // Of events and responses.
  StoredEvents events_;
  StoredEntries<StoredResponse> responses_;
  Fold fold_;  // Of definition_ and all events_, once defined.
};

// Renders both representations of a defined job. `in_grace`: it is not final yet (Moment).
[[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch,
                                                            bool in_grace = false);

}  // namespace bide
