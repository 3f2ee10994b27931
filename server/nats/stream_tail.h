// server/nats/stream_tail.h: Asks NATS for the end of the bucket's stream, by a request for its
// info.
//
// Thread safety: as Tail. It uses the watcher's connection from another thread, so that a request
// without an answer delays neither deliveries nor deadlines.
#pragma once

#include <string>

#include "core/base/contact.h"
#include "core/table/catch_up.h"
#include "server/metrics/metrics.h"
#include "server/nats/watcher.h"

namespace bide {

class StreamTail final : public Tail {
 public:
  // All must outlive this.
  StreamTail(std::string bucket, Watcher& watcher, Contact& contact, Metrics& metrics);

  // Blocks for kBucketRequestTimeout at most. Returns at once if the connection is lost or closed.
  [[nodiscard]] std::optional<Report> read() override;
  void doubt() noexcept override { contact_.doubt(); }

 private:
  const std::string bucket_;
  Watcher& watcher_;
  Contact& contact_;
  Metrics& metrics_;
};

}  // namespace bide
