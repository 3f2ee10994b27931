#include "server/nats/stream_tail.h"

#include <utility>

#include "server/nats/bucket.h"

namespace bide {

StreamTail::StreamTail(std::string bucket, Watcher& watcher, Contact& contact, Metrics& metrics)
    : bucket_(std::move(bucket)), watcher_(watcher), contact_(contact), metrics_(metrics) {}

std::optional<Tail::Report> StreamTail::read() {
  const std::shared_ptr<NatsConnection> connection = watcher_.connection();
  if (connection == nullptr || !connection->connected()) return std::nullopt;
  count(metrics_.tail_requests);
  const Link link = connection->link();
  // Who has a tag of the origin may be ahead of the mirror.
  const auto mirror = watcher_.mirror();
  const auto state = mirror ? read_origin_state(*connection, mirror->upstream)
                            : read_bucket_state(*connection, bucket_);
  const auto* const found = std::get_if<BucketState>(&state);
  if (found == nullptr || !found->has_quorum || connection->link() != link) return std::nullopt;
  return Report{{found->epoch, found->last_seq}, link, found->has_replicas};
}

}  // namespace bide
