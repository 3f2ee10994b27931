// server/api/stream_resource.h: `GET /job/{id}/events`, `/job/{id}/ws` and the like: the states of
// one target as they come, in server-sent events or WebSocket messages.
//
// A stream is a parked request that is parked again after each record, under the condition that the
// newest state is not the one that was sent last. So it always sends the newest state, in order and
// never twice. A slow reader misses only states that were replaced meanwhile.
//
// `every`: after a record the stream rests, which means that it is parked without regard to news.
// It is woken by the end of its rest, of its job, or of the stream.
//
// `patch`: if there is a patch from the state that was sent last to the new one, it is sent in
// place of the whole state.
//
// Before it is opened it may be held, as any request (server/api/table_resource.h): if the client
// has seen more than the table shows, and before a 404. `no-cache` is ignored: browsers'
// EventSource always sends it, and news follow whatever the stream begins with.
//
// Thread safety: as Resource.
#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "core/table/job_table.h"
#include "server/api/admission.h"
#include "server/api/stream_query.h"
#include "server/api/table_resource.h"
#include "server/http/message.h"
#include "server/http/stream.h"
#include "server/metrics/http_metrics.h"

namespace bide {

// The stream for a request, or the response that refuses it. `named_origin`: the request comes from
// a page whose origin may read (CrossOrigin).
using OpenedStream = std::variant<std::unique_ptr<Stream>, http::Response>;
using OpenStream = OpenedStream (*)(const http::Request& request, bool named_origin);
[[nodiscard]] OpenedStream open_event_stream(const http::Request& request, bool named_origin);
[[nodiscard]] OpenedStream open_web_socket(const http::Request& request, bool named_origin);

class StreamResource : public TableResource {
 public:
  struct What {
    std::string_view event;  // The event of its records: `job`, `status`.
    bool ends = true;        // It is about a job, which may not exist, and has a last state.
    std::string_view path;   // For the access log: below the job, or the whole path.
    OpenStream open;
    Counter HttpMetrics::*opened;
    ParkedOn parked_on;
    // A browser's EventSource gives up for good on any status but 200: so temporary trouble is
    // reported by a stream that ends at once. Other clients get 503.
    bool hides_trouble = false;
  };

  // All must outlive the resource.
  struct Context {
    Clock& clock;
    JobTable& table;
    const Freshness& freshness;
    Admission& admission;
    HttpMetrics& metrics;
  };
  StreamResource(const Context& context, const What& what)
      : TableResource(context.clock, context.freshness), context_(context), what_(what) {}

  void handle(const http::Request& request, Exchange& exchange) override;

  [[nodiscard]] LogPath log_path(const Target& target) const override;
  [[nodiscard]] ParkedOn parked_on(const Target& /*target*/) const override {
    return what_.parked_on;
  }
  void go_on(Exchange& exchange) override;
  void receive(std::string_view bytes, Exchange& exchange) override;

 protected:
  // Sends a state that this client has not got yet, and the end of the stream behind the last one.
  void tell(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange) {
    tell(snapshot, what_.ends && snapshot->final, exchange);
  }
  // From now on no record is sent for `every`, if the client wants that.
  void begin_rest(Exchange& exchange) const;
  // Whether news have come that could be told now.
  [[nodiscard]] bool more_news(Exchange& exchange) const;

 private:
  void tell(const std::shared_ptr<const Snapshot>& snapshot, bool last, Exchange& exchange);
  // The patch to `job` from its state that this stream sent last: `start`, then the result, which
  // lives in the snapshot. Both empty: the client wants none, or there is none.
  [[nodiscard]] std::string_view patch_to(const Snapshot& job, const Exchange& exchange,
                                          std::string& start) const;
  // Sets the terms for the time until the next record, heartbeat or end.
  void set_terms(TimePoint now, Exchange& exchange) const;
  // The terms under which the client waits at first.
  [[nodiscard]] virtual Waiter::Terms terms_of(const StreamQuery& query) const;
  // Sends the news, as far as the socket takes it. `state`: the target's new state; null for the
  // feed.
  virtual void tell_news(const std::shared_ptr<const Snapshot>& state, Exchange& exchange) {
    tell(state, exchange);
    begin_rest(exchange);
  }
  void judge(TimePoint now, Exchange& exchange) override;
  void refuse_behind(Outcome outcome, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
  void catch_up(Stage stage, Exchange& exchange);
  void open(Exchange& exchange);
  // Reports temporary trouble. `problem`: for clients other than EventSource (What::hides_trouble).
  void put_off(const http::Response& problem, Exchange& exchange);
  void refuse_place(Exchange& exchange);
  void tell_heartbeat(Exchange& exchange);
  // Sends the last record and the end.
  void conclude(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);

  const Context context_;
  const What what_;
};

}  // namespace bide
