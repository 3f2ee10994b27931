#include "core/table/listing.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

using Place = RevisionIndex::Place;

Place definition_of(const Listed& job) { return {job.definition_revision, job.job_id}; }
Place change_of(const Listed& job) { return {job.revision, job.job_id}; }

// The jobs of one label before its indexes are built in bulk.
struct LabelledPlaces {
  std::vector<Place> definitions, changes;
  StatusCounts counts{};
};

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

  std::unordered_map<std::string_view, LabelledPlaces, LabelHash> labels;
  for (const Listed& job : jobs) {
    job.labels.for_each([&](std::string_view label) {
      LabelledPlaces& labelled = labels[label];
      labelled.definitions.push_back(definition_of(job));
      labelled.changes.push_back(change_of(job));
      ++labelled.counts[static_cast<std::size_t>(job.status)];
    });
  }
  for (auto& [label, places] : labels) {
    part_of(label).emplace(label, Labelled{RevisionIndex(std::move(places.definitions)),
                                           RevisionIndex(std::move(places.changes)), places.counts,
                                           revision, revision});
    label_bytes_ += bytes_of_label(label);
  }
}

void Listing::replace(const std::optional<Listed>& before, const std::optional<Listed>& after,
                      Revision revision, bool progress) {
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
  if (stays && before->labels == after->labels) {
    move_in_labels(*before, *after, progress);
  } else {
    if (before) leave_labels(*before);
    if (after) join_labels(*after);
  }
  if (counts_move) counts_revision_ = revision_;
  if (order_moves || counts_move) order_revision_ = revision_;
  ++version_;
}

void Listing::join_labels(const Listed& job) {
  job.labels.for_each([&](std::string_view label) {
    LabelPart& part = part_of(label);
    auto it = part.find(label);
    if (it == part.end()) {
      it = part.emplace(label, Labelled()).first;
      label_bytes_ += bytes_of_label(label);
    }
    Labelled& labelled = it->second;
    labelled.by_definition.insert(definition_of(job));
    labelled.by_change.insert(change_of(job));
    ++labelled.counts[static_cast<std::size_t>(job.status)];
    labelled.moved = labelled.told = revision_;
  });
}

void Listing::leave_labels(const Listed& job) {
  job.labels.for_each([&](std::string_view label) {
    LabelPart& part = part_of(label);
    const auto it = part.find(label);
    Labelled& labelled = it->second;
    labelled.by_definition.erase(definition_of(job));
    labelled.by_change.erase(change_of(job));
    --labelled.counts[static_cast<std::size_t>(job.status)];
    labelled.moved = revision_;
    if (labelled.by_definition.size() > 0) return;
    part.erase(it);
    label_bytes_ -= bytes_of_label(label);
  });
}

void Listing::move_in_labels(const Listed& before, const Listed& after, bool progress) {
  after.labels.for_each([&](std::string_view label) {
    Labelled& labelled = part_of(label).find(label)->second;
    if (before.definition_revision != after.definition_revision) {
      labelled.by_definition.erase(definition_of(before));
      labelled.by_definition.insert(definition_of(after));
    }
    labelled.by_change.erase(change_of(before));
    labelled.by_change.insert(change_of(after));
    --labelled.counts[static_cast<std::size_t>(before.status)];
    ++labelled.counts[static_cast<std::size_t>(after.status)];
    if (!progress) labelled.told = revision_;
  });
}

const Listing::Labelled* Listing::find_label(std::string_view label) const {
  const LabelPart& part = labels_[key_hash_of(label) >> 24U];
  const auto it = part.find(label);
  return it == part.end() ? nullptr : &it->second;
}

// A node of the hash table with its text, and two indexes with one block each.
std::size_t Listing::bytes_of_label(std::string_view label) {
  constexpr std::size_t kIndexBytes = 48 + 48;
  return 32 + sizeof(std::string) + sizeof(Labelled) + 2 * kIndexBytes + label.size() + 1;
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
