#include "core/job.h"

#include <algorithm>

namespace bide {
namespace {

// Shorter differences end soon enough with the job itself.
constexpr std::chrono::seconds kOutlivedMin{5};

}  // namespace

Job::Absorbed Job::absorb(const Entry& entry) {
  if (entry.family == Entry::Family::kJob) return define(entry);

  const bool is_event = entry.family == Entry::Family::kStatus;
  const bool room = events_.size() + responses_.size() < kEntriesPerJobMax;
  const Placed placed = is_event ? place(events_, entry, room) : place(responses_, entry, room);
  if (placed == Placed::kFull) return Absorbed::kFull;
  if (placed == Placed::kStale) return Absorbed::kUnchanged;

  // A deletion counts even if the key was never held here: a replica that reads the bucket now
  // finds the same deletion, and not what it deleted.
  revision_ = std::max(revision_, entry.revision);
  oldest_written_ = std::min(oldest_written_, entry.written);
  if (!defined()) {
    written_ = std::max(written_, entry.written);
    return Absorbed::kUnchanged;
  }
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
Job::Absorbed Job::undefine(const Entry& deletion) {
  definition_revision_ = deletion.revision;
  if (!defined()) return Absorbed::kUnchanged;
  definition_.reset();
  written_ = deletion.written;
  return Absorbed::kChanged;
}

bool Job::holds(const Entry& key) const {
  switch (key.family) {
    case Entry::Family::kJob:
      return defined();
    case Entry::Family::kStatus:
      return is_held(events_, key.key_rest);
    case Entry::Family::kResponse:
      return is_held(responses_, key.key_rest);
  }
  return false;
}

Revision Job::outlived() const {
  Revision first = kNothing;
  if (!defined() || oldest_written_ > written_ - kOutlivedMin) return first;
  if (!events_.empty()) first = events_.front().revision;
  if (!responses_.empty()) first = std::min(first, responses_.front().revision);
  return first;
}

void Job::fold_all() {
  fold_ = Fold(*definition_, definition_revision_);
  for (std::uint32_t i = 0; i < events_.size(); ++i) fold_.take(*definition_, events_, i);
}

}  // namespace bide
