// client/data_out.h: The data of a command, on its way to stdout.
//
// Thread safety: none.
#pragma once

#include <iosfwd>
#include <string_view>

namespace bide {

class DataOut {
 public:
  // `terminal`: `out` is one, and gets nothing that would move its cursor. Elsewhere the bytes of
  // JSON are the server's.
  DataOut(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}

  // Text of our own; ends in a newline.
  void text(std::string_view text);
  // One JSON value. A newline is added.
  void json(std::string_view value);

  [[nodiscard]] bool terminal() const { return terminal_; }
  // False: something could not be written.
  [[nodiscard]] bool flush();

 private:
  std::ostream& out_;
  const bool terminal_;
};

}  // namespace bide
