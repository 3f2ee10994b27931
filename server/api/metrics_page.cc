#include "server/api/metrics_page.h"

#include <algorithm>
#include <limits>

#include "server/log/log.h"
#include "server/metrics/metrics_text.h"
#include "server/metrics/process_figures.h"

namespace bide {
namespace {

void counter(MetricsText& text, std::string_view name, std::string_view help, std::uint64_t value) {
  text.metric(name, "counter", help);
  text.sample(value);
}

template <typename Number>
void gauge(MetricsText& text, std::string_view name, std::string_view help, Number value) {
  text.metric(name, "gauge", help);
  text.sample(value);
}

// A balance whose two sides were read at different times may be below zero.
std::uint64_t not_negative(std::uint64_t balance) {
  return balance > std::numeric_limits<std::uint64_t>::max() / 2 ? 0 : balance;
}

void append_build(MetricsText& text) {
  text.metric("bide_build_info", "gauge", "1; what was built is in the labels.");
  text.sample(std::uint64_t{1}, {{"version", BIDE_VERSION}, {"compiler", __VERSION__}});
}

void append_connections(MetricsText& text, const HttpMetrics& http, const ServerNumbers& numbers) {
  const ConnectionSlots::Census census = numbers.slots.census();
  text.metric("bide_connections", "gauge", "Open connections, by what they are doing.");
  text.sample(std::uint64_t{census.resting}, {{"phase", "resting"}});
  text.sample(std::uint64_t{census.parked}, {{"phase", "parked"}});
  text.sample(std::uint64_t{census.busy}, {{"phase", "busy"}});
  counter(text, "bide_connections_total", "Connections accepted.", http.connections);
  text.metric("bide_connections_refused_total", "counter", "Connections closed at once.");
  for (std::size_t i = 0; i < kConnectionRefusals; ++i) {
    text.sample(http.connections_refused[i].load(std::memory_order_relaxed),
                {{"reason", word_of(static_cast<ConnectionRefusal>(i))}});
  }
  counter(text, "bide_connections_evicted_total", "Idle connections closed to make room.",
          http.connections_evicted);
  counter(text, "bide_tls_handshakes_total", "TLS handshakes that succeeded.", http.tls_handshakes);
  counter(text, "bide_tls_handshake_failures_total", "TLS handshakes that failed or took too long.",
          http.tls_handshake_failures);
  counter(text, "bide_clients_gone_total", "Clients that hung up while parked.", http.clients_gone);
  counter(text, "bide_clients_slow_total", "Clients cut for being slow.", http.clients_slow);
  counter(text, "bide_out_of_memory_total",
          "Requests and connections that ended because there was no memory for them.",
          http.out_of_memory);
  counter(text, "bide_clients_unread_total", "Clients cut for leaving too much unread.",
          http.clients_unread);
  gauge(text, "bide_unread_bytes", "Memory held by responses that clients have not read.",
        numbers.unread_bytes);
}

void append_requests(MetricsText& text, const HttpMetrics& http, const HttpTally& sums) {
  text.metric("bide_responses_total", "counter", "Responses by status class and protocol.");
  for (std::size_t i = 1; i < sums.responses.size(); ++i) {
    const std::string status = std::to_string(i) + "xx";
    text.sample(sums.responses[i].load(), {{"class", status}, {"protocol", "http1"}});
    text.sample(sums.http2_responses[i].load(), {{"class", status}, {"protocol", "http2"}});
  }
  text.metric("bide_job_answers_total", "counter", "Answers for jobs by outcome.");
  for (std::size_t i = 0; i < sums.outcomes.size(); ++i) {
    text.sample(sums.outcomes[i].load(), {{"outcome", word_of(static_cast<Outcome>(i))}});
  }
  text.metric("bide_requests_rejected_total", "counter",
              "Requests refused by the parser, by status.");
  for (std::size_t i = 0; i < kRejectStatuses.size(); ++i) {
    const int status = kRejectStatuses[i];
    text.sample(http.requests_rejected[i].load(std::memory_order_relaxed),
                {{"status", status == 0 ? "other" : std::to_string(status)}});
  }
  text.metric("bide_requests_refused_total", "counter",
              "Requests that were understood and not served as they asked, by reason.");
  for (std::size_t i = 0; i < kRequestRefusals; ++i) {
    text.sample(http.requests_refused[i].load(std::memory_order_relaxed),
                {{"reason", word_of(static_cast<RequestRefusal>(i))}});
  }
  text.metric("bide_service_seconds", "histogram",
              "Of requests answered at once: from received to the answer at the socket.");
  text.histogram(sums.service);
}

void append_writes(MetricsText& text, const Metrics& metrics) {
  text.metric("bide_writes_total", "counter", "Writes over HTTP, by how they ended.");
  for (std::size_t i = 1; i < Write::kEnds; ++i) {
    text.sample(metrics.writes[i].load(std::memory_order_relaxed),
                {{"end", word_of(static_cast<Write::End>(i))}});
  }
}

void append_parking(MetricsText& text, const HttpMetrics& http, const HttpTally& sums,
                    std::size_t parked_max) {
  text.metric("bide_parked", "gauge", "Requests and streams parked now.");
  for (std::size_t i = 0; i < kParkedOn; ++i) {
    const auto on = static_cast<ParkedOn>(i);
    text.sample(not_negative(sums.parked[i].load()),
                {{"kind", kind_of(on)}, {"road", road_of(on)}});
  }
  gauge(text, "bide_parked_max", "So many may be parked (--max-parked).",
        std::uint64_t{parked_max});
  counter(text, "bide_requests_parked_total", "Requests that were ever parked, without streams.",
          sums.requests_parked.load());
  text.metric("bide_held_seconds", "histogram",
              "Of requests that were parked: from received to the answer at the socket.");
  text.histogram(sums.held);
  text.metric("bide_event_to_answer_seconds", "histogram",
              "From an event's delivery to the answer or record at the socket, of who was parked.");
  text.histogram(sums.request_news, {{"to", "request"}});
  text.histogram(sums.stream_news, {{"to", "stream"}});
  text.metric("bide_streams_open", "gauge", "Streams open now.");
  for (std::size_t i = 0; i < kParkedOn; ++i) {
    const auto on = static_cast<ParkedOn>(i);
    if (road_of(on) == "request") continue;
    text.sample(http.streams_open[i].load(std::memory_order_relaxed),
                {{"kind", kind_of(on)}, {"road", road_of(on)}});
  }
  text.metric("bide_streams_total", "counter", "Streams opened, by road.");
  text.sample(http.event_streams.load(std::memory_order_relaxed), {{"road", "events"}});
  text.sample(http.web_sockets.load(std::memory_order_relaxed), {{"road", "ws"}});
  counter(text, "bide_stream_records_total", "States told on streams.", sums.stream_records.load());
}

void append_freshness(MetricsText& text, const MetricsSources& sources) {
  const Contact& contact = sources.contact;
  gauge(text, "bide_ready", "1 once the first read of the bucket is done.",
        std::uint64_t{contact.ready()});
  gauge(text, "bide_leaving", "1 after the first signal to end.",
        std::uint64_t{sources.numbers.leaving});
  gauge(text, "bide_nats_connected", "1 while connected to NATS.",
        std::uint64_t{contact.connected()});
  const TimePoint heard = contact.last_heard();
  const std::chrono::duration<double> silence = sources.now - heard;
  gauge(text, "bide_nats_contact_age_seconds",
        "Since the bucket's stream was heard last; +Inf: never.",
        heard == TimePoint::min() ? std::numeric_limits<double>::infinity()
                                  : std::max(0.0, silence.count()));
  gauge(text, "bide_jobs", "Jobs in the table, undefined ones included.",
        std::uint64_t{sources.table.jobs()});
  gauge(text, "bide_jobs_bytes", "Memory of jobs, as --max-memory limits it.",
        std::uint64_t{sources.table.memory()});
  counter(text, "bide_jobs_reopened_total",
          "Final jobs that stopped being final, or whose status changed.",
          sources.table.reopened());
  gauge(text, "bide_revision_applied", "The stream sequence applied last.",
        std::uint64_t{sources.table.applied_revision()});
  const std::uint64_t delivered = sources.watching.revision_delivered;
  const std::uint64_t known = sources.watching.revision_known;
  gauge(text, "bide_revision_known", "The newest stream sequence known to exist.", known);
  gauge(text, "bide_revision_lag", "Sequences known to exist and not dealt with yet.",
        known > delivered ? known - delivered : 0);
  gauge(text, "bide_entries_queued", "Entries received from NATS and not looked at yet.",
        sources.watching.entries_queued.load(std::memory_order_relaxed));
}

void append_watching(MetricsText& text, const Metrics& metrics) {
  counter(text, "bide_entries_applied_total", "Entries of the bucket taken in.",
          metrics.entries_applied);
  text.metric("bide_entries_rejected_total", "counter", "Entries that were not taken, by reason.");
  for (std::size_t i = 0; i < kRejectReasons; ++i) {
    text.sample(metrics.entries_rejected[i].load(std::memory_order_relaxed),
                {{"reason", word_of(static_cast<RejectReason>(i))}});
  }
  text.metric("bide_resyncs_total", "counter",
              "Full reads of the bucket after the first, by reason.");
  for (std::size_t i = 0; i < kResyncReasons.size(); ++i) {
    text.sample(metrics.resyncs[i].load(std::memory_order_relaxed),
                {{"reason", kResyncReasons[i]}});
  }
  counter(text, "bide_resumes_total", "Times that the bucket was followed on without a full read.",
          metrics.resumes);
  counter(text, "bide_tail_requests_total",
          "Questions to NATS where the stream ends, before a 404 and for no-cache.",
          metrics.tail_requests);
  counter(text, "bide_reconciles_total", "Comparisons with the stream's own account.",
          metrics.reconciles);
  counter(text, "bide_nats_reconnects_total", "Connections to NATS after the first.",
          metrics.nats_reconnects);
  counter(text, "bide_warm_starts_total", "Starts from a snapshot of the table: 0 or 1.",
          metrics.warm_starts);
  gauge(text, "bide_warm_start_seconds",
        "From the start to being ready, if it was from a snapshot; else 0.",
        static_cast<double>(metrics.warm_start_ms.load(std::memory_order_relaxed)) / 1000);
  counter(text, "bide_snapshots_written_total", "Snapshots of the table that were written.",
          metrics.snapshots_written);
  counter(text, "bide_snapshots_failed_total", "Snapshots of the table that could not be written.",
          metrics.snapshots_failed);
  counter(text, "bide_snapshots_refused_total",
          "Starts that found a snapshot and read the bucket instead: 0 or 1.",
          metrics.snapshots_refused);
  gauge(text, "bide_snapshot_bytes", "Size of the newest snapshot of the table; 0: there is none.",
        metrics.snapshot_bytes.load(std::memory_order_relaxed));
  gauge(text, "bide_snapshot_timestamp_seconds",
        "When the newest snapshot was the table's state, in Unix time; 0: there is none.",
        metrics.snapshot_unix_seconds.load(std::memory_order_relaxed));
  counter(text, "bide_nats_restarts_total", "Times the embedded nats-server was started again.",
          metrics.nats_restarts);
}

void append_process(MetricsText& text) {
  const ProcessFigures figures = process_figures();
  counter(text, "bide_log_lines_dropped_total", "Log lines that stderr did not take.",
          log_lines_dropped());
  text.metric("process_cpu_seconds_total", "counter", "User and system CPU time.");
  text.sample(figures.cpu_seconds);
  gauge(text, "process_start_time_seconds", "Start of the process, in Unix time.",
        figures.start_time_seconds);
  gauge(text, "process_resident_memory_bytes", "Resident memory.", figures.resident_bytes);
  gauge(text, "process_virtual_memory_bytes", "Virtual memory.", figures.virtual_bytes);
  gauge(text, "process_threads", "Threads.", figures.threads);
  gauge(text, "process_open_fds", "Open file descriptors.", figures.open_fds);
  gauge(text, "process_max_fds", "Most file descriptors that may be open.", figures.max_fds);
}

}  // namespace

std::string metrics_page(const MetricsSources& sources) {
  MetricsText text;
  HttpTally sums;  // Over all threads.
  sources.http.tallies.for_each([&](const HttpTally& one) { sums.add(one); });
  append_build(text);
  append_freshness(text, sources);
  append_watching(text, sources.watching);
  append_parking(text, sources.http, sums, sources.numbers.parked_max);
  append_requests(text, sources.http, sums);
  append_writes(text, sources.watching);
  append_connections(text, sources.http, sources.numbers);
  append_process(text);
  return text.take();
}

}  // namespace bide
