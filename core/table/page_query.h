// core/table/page_query.h: The query for a page of the list of jobs.
//
// Thread safety: values.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>

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

}  // namespace bide
