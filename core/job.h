// core/job.h: One job: the entries that speak of it, folded into its state.
//
// The fold is a pure function of the job's entries in revision order, its definition taken first:
// equal entries give equal bytes on every replica. Where an entry is replaced or deleted, the state
// is folded again from those that remain.
//
// Thread safety: none; a job is guarded by its shard's mutex.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/entry.h"
#include "core/fold.h"
#include "core/snapshot.h"
#include "core/stored_entry.h"

namespace bide {

// Events and responses one job may hold; more are rejected (RejectReason::kFull). The definition
// always finds room: without it the job could never come to exist.
inline constexpr std::size_t kEntriesPerJobMax = 20'000;

class Job {
 public:
  explicit Job(std::string id) : id_(std::move(id)) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  enum class Absorbed : std::uint8_t {
    kChanged,    // The representation moved (or the job came to exist).
    kUnchanged,  // Nothing that anybody could see.
    kFull,       // Not taken: kEntriesPerJobMax.
  };
  // Takes one entry in: a definition, an event, a response, or the deletion or loss of one. Entries
  // whose revision is not above the one already held for their key are old news: kUnchanged.
  // Deleting `jobs.<id>` undefines the job: kChanged, and defined() is false.
  [[nodiscard]] Absorbed absorb(const Entry& entry);
  // Loses all whose revision is below `before`.
  [[nodiscard]] Absorbed let_go(Revision before);

  [[nodiscard]] const std::string& id() const { return id_; }
  // Its definition has arrived: for clients the job exists. The state below means something only
  // then.
  [[nodiscard]] bool defined() const { return definition_ != nullptr; }
  [[nodiscard]] bool empty() const { return !defined() && events_.empty() && responses_.empty(); }
  [[nodiscard]] Status status() const { return fold_.status(); }
  // Can no longer change: terminal, and for one agent (subject absent, `…_any`, `….host.<x>`) or
  // every expected agent is terminal.
  [[nodiscard]] bool final() const { return fold_.final(); }
  // Agents that completed, failed, skipped or retried.
  [[nodiscard]] std::size_t agents_terminal() const { return fold_.agents_terminal(); }
  // The stream sequence that last changed the JSON: the highest absorbed, but for what was lost.
  [[nodiscard]] Revision revision() const { return revision_; }
  // The stream sequence of its definition, or of that one's deletion: the order jobs are listed in.
  [[nodiscard]] Revision definition_revision() const { return definition_revision_; }
  // As revision(), for the status word. Deleting an event may bring an earlier word back, and with
  // it the revision since when the remaining entries say so: a replica that reads them now agrees.
  [[nodiscard]] Revision status_revision() const { return fold_.status_revision(); }
  // The stream's time of the definition; of the newest entry while there is none.
  [[nodiscard]] WallTime written() const { return written_; }
  // The lowest revision of what it holds; kNothing: it is empty.
  static constexpr Revision kNothing = UINT64_MAX;
  [[nodiscard]] Revision oldest() const;

  // What the representations are made of.
  [[nodiscard]] const Definition& definition() const { return *definition_; }
  [[nodiscard]] const std::vector<StoredEvent>& events() const { return events_; }
  [[nodiscard]] const std::vector<StoredResponse>& responses() const { return responses_; }
  [[nodiscard]] const Fold& fold() const { return fold_; }

 private:
  Absorbed define(const Entry& entry);
  Absorbed undefine(const Entry& entry);
  [[nodiscard]] Revision newest() const;
  void fold_all();

  std::string id_;
  std::unique_ptr<Definition> definition_;
  Revision definition_revision_ = 0;
  Revision revision_ = 0;
  Revision deleted_revision_ = 0;  // Of the latest deletion of an event or response.
  WallTime written_{};
  std::vector<StoredEvent> events_;        // By revision.
  std::vector<StoredResponse> responses_;  // By revision.
  Fold fold_;                              // Of definition_ and all events_, once defined.
};

// Renders both representations of a defined job.
[[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch);

}  // namespace bide
