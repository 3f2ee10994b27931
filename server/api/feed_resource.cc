#include "server/api/feed_resource.h"

#include <string>

namespace bide {
namespace {

// The most that is taken from the table at a time, for one client.
constexpr std::size_t kBatchJobs = 64;
constexpr std::size_t kBatchBytes = 65'536;

}  // namespace

FeedResource::FeedResource(const Context& context)
    : StreamResource(context, {.event = "job",
                               .ends = false,
                               .path = "/job/events",
                               .open = open_event_stream,
                               .opened = &HttpMetrics::event_streams,
                               .parked_on = ParkedOn::kFeedEvents,
                               .hides_trouble = true}),
      overview_(context.table.overview()) {}

Waiter::Terms FeedResource::terms_of(const StreamQuery& query) const {
  Waiter::Terms terms;
  terms.seen =
      ValidatorList(query.last_event_id ? *query.last_event_id : overview_.feed_position());
  return terms;
}

void FeedResource::tell_news(const std::shared_ptr<const Snapshot>& /*none*/, Exchange& exchange) {
  const EntityTag cursor = exchange.terms.seen.tags().front();
  const Overview::Changes changes =
      overview_.changes_after(cursor, exchange.selection(), kBatchJobs, kBatchBytes);
  for (const auto& job : changes.jobs) {
    if (exchange.stuck()) return;  // It gets the rest when it reads again.
    tell(job, exchange);
  }
  exchange.terms.seen = ValidatorList(changes.reached);
}

}  // namespace bide
