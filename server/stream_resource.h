// server/stream_resource.h: `GET /job/{id}/events`, `/job/{id}/ws` and the like: one thing's
// states, told as they come, as server-sent events or WebSocket messages.
//
// A stream is a parked request that is parked again after each record, under the condition that its
// state is not the one told last. So it always tells the newest state, in order and none twice, and
// a reader that is slow misses what was overtaken meanwhile and nothing else.
//
// Thread safety: as Resource.
#pragma once

#include <httplib.h>

#include <memory>
#include <string_view>
#include <variant>

#include "core/lot.h"
#include "server/freshness.h"
#include "server/http_metrics.h"
#include "server/resource.h"
#include "server/stream.h"
#include "server/stream_query.h"

namespace bide {

// A request as a stream, and the head that says so; or why it cannot be one.
struct OpenedStream {
  std::unique_ptr<Stream> stream;
  httplib::Response head;
};
using OpenStream = std::variant<OpenedStream, httplib::Response> (*)(const httplib::Request&);
[[nodiscard]] std::variant<OpenedStream, httplib::Response> open_event_stream(
    const httplib::Request& request);
[[nodiscard]] std::variant<OpenedStream, httplib::Response> open_web_socket(
    const httplib::Request& request);

class StreamResource : public Resource {
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

  // All must outlive the resource. `lot`: where its keys are parked.
  StreamResource(Clock& clock, const Freshness& freshness, Lot& lot, HttpMetrics& metrics,
                 const What& what);

  void handle(std::string_view key, const httplib::Request& request, Exchange& exchange) override;

  [[nodiscard]] Lot& lot() override { return lot_; }
  [[nodiscard]] LogPath log_path(std::string_view key) const override;
  [[nodiscard]] ParkedOn parked_on(std::string_view /*key*/) const override {
    return what_.parked_on;
  }
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;
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
  void begin(std::string_view key, const StreamQuery& query, OpenedStream opened,
             Exchange& exchange);
  void open(std::string_view key, Waiter::Terms terms, OpenedStream opened, Exchange& exchange);
  void refuse(std::string_view key, const httplib::Response& problem, Exchange& exchange);
  // Trouble that will pass.
  void put_off(std::string_view key, OpenedStream opened, std::string_view detail,
               Exchange& exchange);
  // The last record and the end.
  void conclude(const std::shared_ptr<const Snapshot>& snapshot, Exchange& exchange);

  Clock& clock_;
  const Freshness& freshness_;
  Lot& lot_;
  HttpMetrics& metrics_;
  const What what_;
};

}  // namespace bide
