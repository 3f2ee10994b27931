// core/table/tail.h: The end of the bucket's stream, as the stream itself tells of it.
//
// Thread safety: one thread calls read() and doubt(), not the one that applies entries.
#pragma once

#include <optional>

#include "core/job/position.h"

namespace bide {

class Tail {
 public:
  struct Report {
    Position::Place end;  // Where the stream ends.
    Link link = 0;        // The connection that the report came over.
  };

  virtual ~Tail() = default;
  // Where the stream ends, as of a moment after the call began. Blocks until the answer is here or
  // must be given up, for a few seconds at most. nullopt: no answer.
  [[nodiscard]] virtual std::optional<Report> read() = 0;
  // A report does not go with what has been applied: the connection or the stream was made anew,
  // or its sequence went backwards. Whoever follows the stream should look soon. Does not block.
  virtual void doubt() noexcept = 0;
};

}  // namespace bide
