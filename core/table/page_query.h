// core/table/page_query.h: A page of the list of jobs; its key is what requests for it are parked
// on.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/job/status.h"

namespace bide {

struct PageQuery {
  static constexpr std::size_t kLimitMax = 100;

  std::optional<Status> status;  // Only jobs of this status.
  std::size_t limit = 10;        // 1..kLimitMax.
  std::size_t offset = 0;        // Beyond the end: an empty page.

  // `?limit=10&offset=0&status=failed`: unique for each page, and never a job's id.
  [[nodiscard]] std::string key() const;
  // The strict inverse.
  [[nodiscard]] static std::optional<PageQuery> parse(std::string_view key);

  friend bool operator==(const PageQuery&, const PageQuery&) = default;
};

}  // namespace bide
