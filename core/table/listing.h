// core/table/listing.h: All defined jobs in the orders in which clients ask for them: by
// definition, by definition for each status, and by latest change. The sizes of these indexes are
// the statistics. The listing also knows when it last changed, because requests wait for pages and
// statistics.
//
// Each label has the same indexes of its jobs. A job that changes moves its places in the indexes
// of its own labels, in O(log n) each, however many jobs and labels there are.
//
// Thread safety: none; guarded by the overview's mutex.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/job/entity_tag.h"
#include "core/job/entry.h"
#include "core/job/labels.h"
#include "core/job/status.h"
#include "core/job/stored_entry.h"
#include "core/table/revision_index.h"

namespace bide {

// A defined job in the listing.
struct Listed {
  Revision definition_revision = 0;
  Revision revision = 0;  // Job::revision(): of its latest change.
  Status status{};
  const std::string* job_id = nullptr;  // Must stay valid while it is listed.
  Labels labels = {};
};

using StatusCounts = std::array<std::size_t, kAllStatuses.size()>;  // Indexed by Status.

class Listing {
 public:
  Listing() = default;
  // `jobs` may be in any order. `revision`: the highest one that was read.
  Listing(const std::vector<Listed>& jobs, Epoch epoch, Revision revision);

  // A job changed from `before`, which must equal its listed state, to `after`. nullopt: not
  // listed. `revision`: of the entry that changed it; 0: no entry did. `progress`: it was progress.
  void replace(const std::optional<Listed>& before, const std::optional<Listed>& after,
               Revision revision, bool progress = false);
  // This listing replaces `old`, and continues its version numbers.
  void succeed(const Listing& old) { version_ = old.version_ + 1; }

  [[nodiscard]] StatusCounts counts() const;
  // The jobs of one status, or all jobs.
  [[nodiscard]] const RevisionIndex& by_definition(std::optional<Status> only) const;
  [[nodiscard]] const RevisionIndex& by_change() const { return by_change_; }
  // The jobs that have a label, `name=value`.
  struct Labelled {
    RevisionIndex by_definition;
    RevisionIndex by_change;
    StatusCounts counts{};
    Revision moved = 0;  // revision() when a job last came or left.
    Revision told = 0;   // revision() when a job last changed otherwise than by progress.
  };
  [[nodiscard]] const Labelled* find_label(std::string_view label) const;  // Null: no job has it.
  struct LabelHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view label) const { return key_hash_of(label); }
  };
  // What the labels take in memory, without their jobs' places (those count in Job::bytes()).
  [[nodiscard]] std::size_t label_bytes() const { return label_bytes_; }
  [[nodiscard]] static std::size_t bytes_of_label(std::string_view label);

  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] Revision revision() const { return revision_; }  // The highest one seen.
  // revision() when a count last changed, and when a count or the order last changed.
  [[nodiscard]] Revision counts_revision() const { return counts_revision_; }
  [[nodiscard]] Revision order_revision() const { return order_revision_; }
  // Increases with every change, with or without a revision.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  void join_labels(const Listed& job);
  void leave_labels(const Listed& job);
  void move_in_labels(const Listed& before, const Listed& after, bool progress);
  RevisionIndex& of(Status status) { return by_status_[static_cast<std::size_t>(status)]; }

  RevisionIndex by_definition_;
  std::array<RevisionIndex, kAllStatuses.size()> by_status_;
  RevisionIndex by_change_;
  // By hash, in many parts, because a hash table that grows moves all its labels at once.
  using LabelPart = std::unordered_map<std::string, Labelled, LabelHash, std::equal_to<>>;
  static constexpr std::size_t kLabelParts = 256;
  [[nodiscard]] LabelPart& part_of(std::string_view label) {
    return labels_[key_hash_of(label) >> 24U];
  }

  std::vector<LabelPart> labels_ = std::vector<LabelPart>(kLabelParts);
  std::size_t label_bytes_ = 0;
  Epoch epoch_ = 0;
  Revision revision_ = 0;
  Revision counts_revision_ = 0;
  Revision order_revision_ = 0;
  std::uint64_t version_ = 0;
};

}  // namespace bide
