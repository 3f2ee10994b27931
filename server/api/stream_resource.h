// server/api/stream_resource.h: `GET /job/{id}/events`, `/job/{id}/ws` and the like: one thing's
// states, told as they come, as server-sent events or WebSocket messages.
//
// A stream is a parked request that is parked again after each record, under the condition that its
// state is not the one told last. So it always tells the newest state, in order and none twice, and
// a reader that is slow misses what was overtaken meanwhile and nothing else.
//
// Before it is opened it may be held, as any request (server/api/table_resource.h): where the
// client has been told more than the table shows, and before a 404. `no-cache` is not looked at:
// browsers' EventSource always says it, and whatever the stream begins with, news follow.
//
// Thread safety: as Resource.
#pragma once

#include <httplib.h>

#include <memory>
#include <string_view>
#include <variant>

#include "core/table/job_table.h"
#include "server/api/admission.h"
#include "server/api/stream_query.h"
#include "server/api/table_resource.h"
#include "server/http/stream.h"
#include "server/metrics/http_metrics.h"

namespace bide {

// A request as a stream, or why it cannot be one. `named_origin`: it comes from a page whose origin
// was named as one that may read.
using OpenedStream = std::variant<std::unique_ptr<Stream>, httplib::Response>;
using OpenStream = OpenedStream (*)(const httplib::Request& request, bool named_origin);
[[nodiscard]] OpenedStream open_event_stream(const httplib::Request& request, bool named_origin);
[[nodiscard]] OpenedStream open_web_socket(const httplib::Request& request, bool named_origin);

class StreamResource : public TableResource {
 public:
  struct What {
    std::string_view event;  // Of its records: `job`, `status`.
    bool ends = true;        // Is about a job: it may not exist, and has a last state.
    std::string_view path;   // Below the job, or else the whole path.
    OpenStream open;
    Counter HttpMetrics::*opened;
    ParkedOn parked_on;
    // A browser's EventSource gives up for good on any status but 200: trouble that will pass is
    // told as a stream that ends at once. Others get 503.
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

  void handle(const httplib::Request& request, Exchange& exchange) override;

  [[nodiscard]] LogPath log_path(const Target& target) const override;
  [[nodiscard]] ParkedOn parked_on(const Target& /*target*/) const override {
    return what_.parked_on;
  }
  void go_on(Exchange& exchange) override;
  void receive(std::string_view bytes, Exchange& exchange) override;

 protected:
  // A state that this client has not been told.
  void tell(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);

 private:
  // What the client waits for at first.
  [[nodiscard]] virtual Waiter::Terms terms_of(const StreamQuery& query) const;
  // Tells all that is new, as far as the socket takes it; `state` is that, where there is one.
  virtual void tell_news(const std::shared_ptr<const Snapshot>& state, Exchange& exchange) {
    tell(state, exchange);
  }
  void judge(TimePoint now, Exchange& exchange) override;
  void refuse_behind(Outcome outcome, Exchange& exchange) override;
  void answer(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
  void catch_up(Stage stage, Exchange& exchange);
  void open(Exchange& exchange);
  // Trouble that will pass. `problem` is for clients that are no browsers.
  void put_off(const httplib::Response& problem, Exchange& exchange);
  void refuse_place(Exchange& exchange);
  void tell_heartbeat(Exchange& exchange);
  // The last record and the end.
  void conclude(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);

  const Context context_;
  const What what_;
};

}  // namespace bide
