// core/table/target.h: The thing that a request asks for and waits for.
//
// Thread safety: values.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <tuple>
#include <variant>

#include "core/job/job_id.h"
#include "core/job/status.h"

namespace bide {

struct PageQuery {
  static constexpr std::size_t kLimitMax = 100;

  std::optional<Status> status;  // Only jobs of this status.
  std::size_t limit = 10;        // 1..kLimitMax.
  std::size_t offset = 0;        // Beyond the end: an empty page.

  friend bool operator==(const PageQuery&, const PageQuery&) = default;
  friend bool operator<(const PageQuery& a, const PageQuery& b) {
    return std::tie(a.status, a.limit, a.offset) < std::tie(b.status, b.limit, b.offset);
  }
};

struct JobSetQuery;

struct Statistics {};  // The numbers of all jobs by status.
struct Feed {};        // All changes of all jobs, as a stream.

// Shared between a parked request and the group that is parked on each of the jobs for it.
using JobSetPtr = std::shared_ptr<const JobSetQuery>;

// The request writes, and waits for its write to be stored (core/table/writes.h).
struct Write;
using WritePtr = std::shared_ptr<Write>;

using Target = std::variant<JobId, JobSetPtr, PageQuery, Statistics, Feed, WritePtr>;

}  // namespace bide
