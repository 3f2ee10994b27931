// server/api/feed_resource.h: `GET /job/events`: every job that changes, as server-sent events.
//
// The id of a record is the job's tag. As a cursor it says that the client knows everything up to
// this revision. So a client that comes back, or is slow, gets each job that changed meanwhile
// once, in its newest state, in the order of revisions. A client without an id gets later changes
// only.
//
// `every`: the feed is told in rounds. A round has each job once that has changed up to its
// beginning; then the stream rests.
//
// Thread safety: as Resource.
#pragma once

#include "core/table/overview.h"
#include "server/api/stream_resource.h"

namespace bide {

class FeedResource final : public StreamResource {
 public:
  explicit FeedResource(const Context& context);

 private:
  [[nodiscard]] Waiter::Terms terms_of(const StreamQuery& query) const override;
  void tell_news(const std::shared_ptr<const Snapshot>& none, Exchange& exchange) override;

  // Of Stream::Wishes.
  void end_round(Exchange& exchange);

  Overview& overview_;
};

}  // namespace bide
