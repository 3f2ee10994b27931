// core/table/target.h: The thing that a request asks for and waits for.
//
// Thread safety: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <variant>

#include "core/job/entry.h"
#include "core/job/job_id.h"
#include "core/job/labels.h"
#include "core/job/status.h"

namespace bide {

struct PageQuery {
  static constexpr std::uint32_t kLimitMax = 100;
  static constexpr std::uint32_t kNoItems = 0;  // A limit: the statistics of the selection.
  static constexpr Revision kFromNewest = UINT64_MAX;

  std::optional<Status> status;  // Only jobs of this status.
  std::uint32_t limit = 10;      // 1..kLimitMax, or kNoItems.
  std::size_t offset = 0;        // Beyond the end: an empty page.
  // The cursor: only jobs that were defined below this revision. Jobs that are added meanwhile do
  // not move them.
  Revision below = kFromNewest;
  SelectionPtr selection = nullptr;

  // By what the selections say.
  friend bool operator<(const PageQuery& a, const PageQuery& b) {
    const auto place = [](const PageQuery& query) {
      return std::tie(query.status, query.limit, query.offset, query.below);
    };
    if (place(a) != place(b)) return place(a) < place(b);
    if (a.selection == nullptr || b.selection == nullptr) return a.selection < b.selection;
    return std::tie(a.selection->labels, a.selection->id_part) <
           std::tie(b.selection->labels, b.selection->id_part);
  }
};

struct JobSetQuery;

struct Statistics {  // The numbers of jobs by status.
  SelectionPtr selection = nullptr;
};
struct Feed {  // All changes of jobs, as a stream.
  SelectionPtr selection = nullptr;
  // Not the changes of jobs: which jobs are selected. Told at ticks (core/table/overview.h).
  bool membership = false;
};

// Shared between a parked request and the group that is parked on each of the jobs for it.
using JobSetPtr = std::shared_ptr<const JobSetQuery>;

// The request writes, and waits for its write to be stored (core/table/writes.h).
struct Write;
using WritePtr = std::shared_ptr<Write>;

using Target = std::variant<JobId, JobSetPtr, PageQuery, Statistics, Feed, WritePtr>;

}  // namespace bide
