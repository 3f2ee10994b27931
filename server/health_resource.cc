#include "server/health_resource.h"

#include <utility>

#include "server/metrics_text.h"
#include "server/problem.h"

namespace bide {
namespace {

httplib::Response plain(std::string_view text, const char* type = "text/plain; charset=utf-8") {
  httplib::Response response;
  response.status = 200;
  response.set_content(std::string(text), type);
  response.set_header("Cache-Control", "no-store");
  return response;
}

httplib::Response not_ready(std::string_view detail) {
  httplib::Response response = problem(503, detail);
  response.set_header("Retry-After", "1");
  return response;
}

void counter(MetricsText& text, std::string_view name, std::string_view help,
             const Counter& value) {
  text.metric(name, "counter", help);
  text.sample(value.load(std::memory_order_relaxed));
}

void gauge(MetricsText& text, std::string_view name, std::string_view help, double value) {
  text.metric(name, "gauge", help);
  text.sample(value);
}

void append_http(MetricsText& text, const HttpMetrics& http) {
  counter(text, "bide_connections_total", "Connections accepted.", http.connections);
  counter(text, "bide_connections_refused_total", "Connections closed at once: no room.",
          http.connections_refused);
  counter(text, "bide_tls_handshakes_total", "TLS handshakes that succeeded.", http.tls_handshakes);
  counter(text, "bide_tls_handshake_failures_total", "TLS handshakes that failed or took too long.",
          http.tls_handshake_failures);
  text.metric("bide_responses_total", "counter", "Responses by status class.");
  for (std::size_t i = 2; i < http.responses.size(); ++i) {
    text.sample(http.responses[i].load(std::memory_order_relaxed), "class",
                std::to_string(i) + "xx");
  }
  text.metric("bide_job_answers_total", "counter", "Answers for jobs by outcome.");
  for (std::size_t i = 0; i < http.outcomes.size(); ++i) {
    text.sample(http.outcomes[i].load(std::memory_order_relaxed), "outcome",
                word_of(static_cast<Outcome>(i)));
  }
  counter(text, "bide_requests_rejected_total", "Requests refused by the parser.",
          http.requests_rejected);
  counter(text, "bide_requests_parked_total", "Requests that were ever parked.",
          http.requests_parked);
  text.metric("bide_streams_total", "counter", "Streams opened, by road.");
  text.sample(http.event_streams.load(std::memory_order_relaxed), "road", "events");
  text.sample(http.web_sockets.load(std::memory_order_relaxed), "road", "ws");
  counter(text, "bide_stream_records_total", "States told on streams.", http.stream_records);
  counter(text, "bide_clients_gone_total", "Clients that hung up while parked.", http.clients_gone);
  counter(text, "bide_clients_slow_total", "Clients cut for being slow.", http.clients_slow);
}

void append_watching(MetricsText& text, const Metrics& metrics) {
  counter(text, "bide_entries_applied_total", "Entries of the bucket taken in.",
          metrics.entries_applied);
  text.metric("bide_entries_rejected_total", "counter", "Entries that did not parse, by reason.");
  for (std::size_t i = 0; i < kRejectReasons; ++i) {
    text.sample(metrics.entries_rejected[i].load(std::memory_order_relaxed), "reason",
                word_of(static_cast<RejectReason>(i)));
  }
  counter(text, "bide_resyncs_total", "Full reads of the bucket after the first.", metrics.resyncs);
  counter(text, "bide_tail_requests_total",
          "Questions to NATS where the stream ends, before a 404 and for no-cache.",
          metrics.tail_requests);
  counter(text, "bide_reconciles_total", "Comparisons with the stream's own account.",
          metrics.reconciles);
  counter(text, "bide_nats_reconnects_total", "Connections to NATS after the first.",
          metrics.nats_reconnects);
  counter(text, "bide_nats_restarts_total", "Unasked deaths of the embedded nats-server.",
          metrics.nats_restarts);
}

}  // namespace

HealthResource::HealthResource(Clock& clock, std::chrono::milliseconds max_stale,
                               const JobTable& table, const Contact& contact,
                               const Metrics& metrics, const HttpMetrics& http,
                               std::function<Numbers()> numbers)
    : clock_(clock),
      max_stale_(max_stale),
      table_(table),
      contact_(contact),
      metrics_(metrics),
      http_(http),
      numbers_(std::move(numbers)) {}

HealthResource::Page HealthResource::find(std::string_view path) const {
  if (path == "/livez" || path == "/health") return Page::kLive;
  if (path == "/readyz" || path == "/health/ready") return Page::kReady;
  if (path == "/metrics") return Page::kMetrics;
  return Page::kNone;
}

httplib::Response HealthResource::render(Page page) const {
  switch (page) {
    case Page::kLive:
      return plain("ok\n");
    case Page::kReady:
      return ready();
    case Page::kMetrics:
      return metrics();
    case Page::kNone:
      break;
  }
  return problem(404, "there is no such resource");
}

httplib::Response HealthResource::ready() const {
  if (numbers_().draining) return not_ready("the server is shutting down");
  if (!contact_.ready()) return not_ready("the jobs are still being read from NATS");
  if (clock_.now() - contact_.last_heard() > max_stale_) {
    return not_ready("NATS was not heard from for longer than --max-stale");
  }
  return plain("ok\n");
}

httplib::Response HealthResource::metrics() const {
  MetricsText text;
  const Numbers numbers = numbers_();
  gauge(text, "bide_ready", "1 once the first read of the bucket is done.", contact_.ready());
  gauge(text, "bide_nats_connected", "1 while connected to NATS.", contact_.connected());
  gauge(text, "bide_jobs", "Jobs in the table, undefined ones included.",
        static_cast<double>(table_.jobs()));
  gauge(text, "bide_parked", "Requests parked now.", static_cast<double>(table_.parked()));
  gauge(text, "bide_connections", "Open connections.", static_cast<double>(numbers.connections));
  gauge(text, "bide_revision_applied", "The stream sequence applied last.",
        static_cast<double>(table_.applied_revision()));
  append_http(text, http_);
  append_watching(text, metrics_);
  return plain(text.take(), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace bide
