#include "server/api/feed_resource.h"

#include <string>
#include <utility>

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
  Stream::Wishes* const wishes = exchange.stream()->wishes.get();
  const bool in_rounds = wishes != nullptr && wishes->every.count() > 0;
  if (in_rounds && !wishes->round_end) wishes->round_end = overview_.feed_position();
  const Overview::Changes changes = overview_.changes_after(
      cursor, exchange.selection(), kBatchJobs, kBatchBytes, exchange.terms.patches);
  for (const auto& job : changes.jobs) {
    if (exchange.stuck()) return;  // It gets the rest when it reads again.
    // It may have been told in this round already, before it changed again.
    const bool next_round = in_rounds && job->json.tag.later_than(wishes->round_end->epoch,
                                                                  wishes->round_end->revision);
    if (next_round) return end_round(exchange);
    tell(job, exchange);
    if (in_rounds) wishes->told = true;
  }
  exchange.terms.seen = ValidatorList(changes.reached);
  if (in_rounds && !more_news(exchange)) end_round(exchange);
}

void FeedResource::end_round(Exchange& exchange) {
  Stream::Wishes& wishes = *exchange.stream()->wishes;
  wishes.round_end.reset();
  if (std::exchange(wishes.told, false)) begin_rest(exchange);
}

}  // namespace bide
