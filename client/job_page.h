// client/job_page.h: Pages of the list of jobs, and other answers that are not about one job.
//
// Thread safety: pure functions, except fetch(): one thread at a time for a connection.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/http_connection.h"
#include "client/reply.h"

namespace bide {

inline constexpr std::size_t kJobsPerPageMax = 100;  // The server's limit.

struct JobPage {
  std::string body;  // What the items are in.
  std::vector<std::string_view> items;
  std::string total;  // total_items, as the server wrote it.
  bool total_exact = true;
  std::string next;  // The cursor of the next page; empty: this is the last one.
};
// nullopt: `body` is no page.
[[nodiscard]] std::optional<JobPage> page_of(std::string body);

// GET `target`, as JSON. Blocks.
[[nodiscard]] DocumentReply fetch(HttpConnection& connection, const std::string& target);

// All but letters, digits, `-`, `.`, `_` and `~` as %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace bide
