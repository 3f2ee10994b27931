// server/api/feed_resource.h: `GET /job/events`: every job that changes, as server-sent events.
//
// The id of a record is the job's tag, and as a cursor it says: all up to this revision is known.
// So a client that comes back gets each job that changed meanwhile once, in its newest state, in
// the order of revisions; so does one that is slow. Without an id it gets what comes from now on.
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

  Overview& overview_;
};

}  // namespace bide
