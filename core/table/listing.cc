#include "core/table/listing.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

using Place = RevisionIndex::Place;

Place definition_of(const Listed& job) { return {job.definition_revision, job.job_id}; }
Place change_of(const Listed& job) { return {job.revision, job.job_id}; }

}  // namespace

Listing::Listing(const std::vector<Listed>& jobs, Epoch epoch, Revision revision)
    : epoch_(epoch), revision_(revision), counts_revision_(revision), order_revision_(revision) {
  std::vector<Place> all, changes;
  std::array<std::vector<Place>, kAllStatuses.size()> each;
  all.reserve(jobs.size());
  changes.reserve(jobs.size());
  for (const Listed& job : jobs) {
    all.push_back(definition_of(job));
    each[static_cast<std::size_t>(job.status)].push_back(definition_of(job));
    changes.push_back(change_of(job));
  }
  by_definition_ = RevisionIndex(std::move(all));
  for (std::size_t i = 0; i < each.size(); ++i) by_status_[i] = RevisionIndex(std::move(each[i]));
  by_change_ = RevisionIndex(std::move(changes));
}

void Listing::replace(const std::optional<Listed>& before, const std::optional<Listed>& after,
                      Revision revision) {
  const bool stays = before && after;
  // A job that is defined again under its id moves to the front.
  const bool order_moves = !stays || before->definition_revision != after->definition_revision;
  const bool counts_move = !stays || before->status != after->status;
  if (before) {
    if (order_moves) by_definition_.erase(definition_of(*before));
    if (order_moves || counts_move) of(before->status).erase(definition_of(*before));
    by_change_.erase(change_of(*before));
  }
  if (after) {
    if (order_moves) by_definition_.insert(definition_of(*after));
    if (order_moves || counts_move) of(after->status).insert(definition_of(*after));
    by_change_.insert(change_of(*after));
  }
  revision_ = std::max(revision_, revision);
  if (counts_move) counts_revision_ = revision_;
  if (order_moves || counts_move) order_revision_ = revision_;
  ++version_;
}

StatusCounts Listing::counts() const {
  StatusCounts counts;
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = by_status_[i].size();
  return counts;
}

const RevisionIndex& Listing::by_definition(std::optional<Status> only) const {
  return only ? by_status_[static_cast<std::size_t>(*only)] : by_definition_;
}

}  // namespace bide
