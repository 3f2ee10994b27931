#include "core/job.h"

#include <algorithm>

namespace bide {

Job::Absorbed Job::absorb(const Entry& entry) {
  if (entry.family == Entry::Family::kJob) return define(entry);

  const bool is_event = entry.family == Entry::Family::kStatus;
  const bool room = events_.size() + responses_.size() < kEntriesPerJobMax;
  const Placed placed = is_event ? place(events_, entry, room) : place(responses_, entry, room);
  if (placed == Placed::kFull) return Absorbed::kFull;
  if (placed == Placed::kStale) return Absorbed::kUnchanged;

  if (std::holds_alternative<Loss>(entry.what)) {
    if (placed == Placed::kNotHeld) return Absorbed::kUnchanged;
    revision_ = newest();
  } else {
    // A deletion counts even if the key was never held here: a replica that reads the bucket now
    // finds the same deletion, and not what it deleted.
    revision_ = std::max(revision_, entry.revision);
    if (entry.takes_away()) deleted_revision_ = revision_;
    if (!defined()) written_ = std::max(written_, entry.written);
  }
  if (!defined()) return Absorbed::kUnchanged;
  if (is_event && placed == Placed::kAppended) {
    fold_.take(*definition_, events_, static_cast<std::uint32_t>(events_.size() - 1));
  } else if (is_event && placed == Placed::kRearranged) {
    fold_all();
  }
  return Absorbed::kChanged;
}

Job::Absorbed Job::define(const Entry& entry) {
  if (entry.revision <= definition_revision_) return Absorbed::kUnchanged;
  const auto* definition = std::get_if<Definition>(&entry.what);
  if (definition == nullptr) return undefine(entry);
  definition_ = std::make_unique<Definition>(*definition);
  definition_revision_ = entry.revision;
  revision_ = std::max(revision_, entry.revision);
  written_ = entry.written;
  fold_all();
  return Absorbed::kChanged;
}

// The job is gone for clients. Its events stay as long as the bucket has them: a job defined again
// under the same id is folded from the same entries on every replica.
Job::Absorbed Job::undefine(const Entry& entry) {
  const bool was_defined = defined();
  definition_.reset();
  if (std::holds_alternative<Loss>(entry.what)) {
    definition_revision_ = 0;
    revision_ = newest();
  } else {
    definition_revision_ = entry.revision;
    if (was_defined) written_ = entry.written;
  }
  return was_defined ? Absorbed::kChanged : Absorbed::kUnchanged;
}

Job::Absorbed Job::let_go(Revision before) {
  std::vector<Entry> losses;
  const auto lose = [&](Entry::Family family, Revision revision, std::string key_rest) {
    if (revision >= before) return;
    losses.push_back({.job_id = id_,
                      .key_rest = std::move(key_rest),
                      .family = family,
                      .revision = before,
                      .written = {},
                      .what = Loss{}});
  };
  // The definition first: without it nothing is folded.
  if (defined()) lose(Entry::Family::kJob, definition_revision_, {});
  for (const StoredEvent& event : events_) {
    lose(Entry::Family::kStatus, event.revision, event.key_rest());
  }
  for (const StoredResponse& response : responses_) {
    lose(Entry::Family::kResponse, response.revision, std::string(response.key_rest()));
  }
  Absorbed absorbed = Absorbed::kUnchanged;
  for (const Entry& loss : losses) {
    if (absorb(loss) == Absorbed::kChanged) absorbed = Absorbed::kChanged;
  }
  return absorbed;
}

Revision Job::oldest() const {
  Revision oldest = defined() ? definition_revision_ : kNothing;
  if (!events_.empty()) oldest = std::min(oldest, events_.front().revision);
  if (!responses_.empty()) oldest = std::min(oldest, responses_.front().revision);
  return oldest;
}

Revision Job::newest() const {
  Revision newest = std::max(defined() ? definition_revision_ : 0, deleted_revision_);
  if (!events_.empty()) newest = std::max(newest, events_.back().revision);
  if (!responses_.empty()) newest = std::max(newest, responses_.back().revision);
  return newest;
}

void Job::fold_all() {
  fold_ = Fold(*definition_, definition_revision_);
  for (std::uint32_t i = 0; i < events_.size(); ++i) fold_.take(*definition_, events_, i);
}

}  // namespace bide
