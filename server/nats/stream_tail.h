// server/nats/stream_tail.h: The end of the bucket's stream, asked of NATS by a request for its
// info.
//
// Thread safety: as Tail. It uses the watcher's connection, from a thread of its own: a request
// that is not answered holds up neither deliveries nor deadlines.
#pragma once

#include <string>

#include "core/base/contact.h"
#include "core/table/tail.h"
#include "server/metrics/metrics.h"
#include "server/nats/watcher.h"

namespace bide {

class StreamTail final : public Tail {
 public:
  // All must outlive this.
  StreamTail(std::string bucket, Watcher& watcher, Contact& contact, Metrics& metrics);

  // kBucketRequestTimeout at most; at once where the connection is lost, or closed meanwhile.
  [[nodiscard]] std::optional<Report> read() override;
  void doubt() noexcept override { contact_.doubt(); }

 private:
  const std::string bucket_;
  Watcher& watcher_;
  Contact& contact_;
  Metrics& metrics_;
};

}  // namespace bide
