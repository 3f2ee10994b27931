// client/data_out.h: The data of a command, on its way to stdout.
//
// Thread safety: none.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/jq_filter.h"

namespace bide {

class DataOut {
 public:
  // `terminal`: `out` is a terminal, and gets nothing that would move its cursor. Otherwise JSON is
  // written byte for byte as the server sent it. `filter` is applied to JSON; null: none.
  DataOut(std::ostream& out, bool terminal, std::shared_ptr<JqFilter> filter = nullptr)
      : out_(out), terminal_(terminal), filter_(std::move(filter)) {}

  // Text of our own; ends in a newline.
  void text(std::string_view text);
  // One JSON value. A newline is added.
  void json(std::string_view value);

  [[nodiscard]] bool terminal() const { return terminal_; }
  // False: something could not be written. Errors of the filter do not count.
  [[nodiscard]] bool flush();
  // The first error of the filter, or of writing. nullopt: everything has been written.
  [[nodiscard]] std::optional<std::string> failure();

 private:
  void plain_json(std::string_view value);

  std::ostream& out_;
  const bool terminal_;
  const std::shared_ptr<JqFilter> filter_;
  std::optional<std::string> filter_error_;
};

}  // namespace bide
