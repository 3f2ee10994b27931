// core/table/tail.h: An interface that asks the bucket's stream where it ends.
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
  // Where the stream ends, at some moment after the call began. Blocks until the answer comes, for
  // a few seconds at most. nullopt: no answer.
  [[nodiscard]] virtual std::optional<Report> read() = 0;
  // A report contradicts the applied entries: the connection or the stream was made again, or the
  // sequence went backwards. Asks the watcher to compare soon. Does not block.
  virtual void doubt() noexcept = 0;
};

}  // namespace bide
