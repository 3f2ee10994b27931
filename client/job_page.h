// client/job_page.h: Pages of the list of jobs, and other answers that are not about one job.
//
// Thread safety: pure functions, except fetch(): one thread at a time for a connection.
#pragma once

#include <chrono>
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
  std::string body;  // Holds the text of `items`.
  std::vector<std::string_view> items;
  std::string total;  // total_items, as the server wrote it.
  bool total_exact = true;
  std::string next;  // The cursor of the next page; empty: this is the last one.
};
// nullopt: `body` is not a page.
[[nodiscard]] std::optional<JobPage> page_of(std::string body);

// GET `target`, as JSON. Blocks; `patience` as in HttpRequest.
[[nodiscard]] DocumentReply fetch(HttpConnection& connection, const std::string& target,
                                  std::chrono::milliseconds patience = HttpRequest{}.patience);

// Everything but letters, digits, `-`, `.`, `_` and `~` becomes %XX.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace bide
