// core/job.h: One job: the entries that speak of it, folded into its state.
//
// The fold is a pure function of the job's entries in revision order, its definition taken first:
// equal entries give equal bytes on every replica. Where an entry is replaced or deleted, the state
// is folded again from those that remain.
//
// Thread safety: none; a job is guarded by its shard's mutex.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.h"
#include "core/snapshot.h"

namespace bide {

// Entries one job may hold; more are rejected (RejectReason::kFull).
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
  // Takes one entry in: a definition, an event, a response, or the deletion of one. Entries whose
  // revision is not above the one already held for their key are old news: kUnchanged. Deleting
  // `jobs.<id>` is the table's affair: it drops the job.
  [[nodiscard]] Absorbed absorb(const Entry& entry);

  [[nodiscard]] const std::string& id() const { return id_; }
  // Its definition has arrived: for clients the job exists.
  [[nodiscard]] bool defined() const { return definition_ != nullptr; }
  [[nodiscard]] bool empty() const { return !defined() && events_.empty() && responses_.empty(); }
  [[nodiscard]] Status status() const { return state_.status; }
  // Can no longer change: terminal, and for one agent (subject absent, `…_any`, `….host.<x>`) or
  // every expected agent is terminal.
  [[nodiscard]] bool final() const { return state_.final; }
  // Agents that completed, failed, skipped or retried.
  [[nodiscard]] std::size_t agents_terminal() const { return state_.terminal; }
  // The stream sequence that last changed the JSON, and the status word.
  [[nodiscard]] Revision revision() const { return state_.revision; }
  [[nodiscard]] Revision status_revision() const { return state_.status_revision; }
  // The stream's time of the definition; of the newest entry while there is none.
  [[nodiscard]] WallTime written() const { return written_; }

 private:
  friend std::string render_json(const Job& job);
  friend class JsonRenderer;

  // What varies in length of an event lives in one string: a job of five events costs five
  // allocations, not twenty.
  struct StoredEvent {
    Revision revision = 0;
    std::int64_t unix_nano = 0;
    std::string text;  // key_rest, hostname, timestamp, error, new_job_id, each ended by NUL.
    EventKind kind{};
  };
  struct StoredResponse {
    Revision revision = 0;
    std::string key_rest;
    Response response;
  };
  struct Agent {
    std::string name;
    std::string error;                                     // Of the event that tells its state.
    std::int64_t first_start_nano = 0, last_end_nano = 0;  // 0: none.
    EventKind kind{};
  };
  struct State {
    std::vector<Agent> agents;  // Sorted by name.
    std::size_t active = 0, failed = 0, skipped = 0, completed = 0, terminal = 0;
    std::size_t expected_terminal = 0;
    Revision revision = 0, status_revision = 0;
    std::size_t latest_terminal = SIZE_MAX;  // Index into events_.
    Status status = Status::kSubmitted;
    bool final = false;
  };

  void fold_all();
  void fold(std::size_t event_index);

  std::string id_;
  std::unique_ptr<Definition> definition_;
  Revision definition_revision_ = 0;
  WallTime written_{};
  std::vector<StoredEvent> events_;        // By revision.
  std::vector<StoredResponse> responses_;  // By revision.
  Revision deletion_revision_ = 0;         // Of the newest deleted entry: deleting is a change too.
  State state_;
};

// Renders both representations of a defined job.
[[nodiscard]] std::shared_ptr<const Snapshot> make_snapshot(const Job& job, Epoch epoch);

}  // namespace bide
