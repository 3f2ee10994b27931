#include "bench/load/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json_text.h"

namespace bench::load {
namespace {

constexpr double kLagMaxMs = 5;
constexpr double kLagShareMax = 0.1;

struct Figure {
  const char* key;    // In JSON.
  const char* words;  // In the table.
  double value;
  int decimals = 0;
};
using Figures = std::vector<Figure>;

double number(std::uint64_t count) { return static_cast<double>(count); }

// The 99th percentile, not the maximum: one late beat in a run does not make its p99.
double lag_ms(Outcome& outcome) {
  return std::max(outcome.writer_lag.ms(0.99), outcome.loop_lag.ms(0.99));
}

bool generator_may_be_limit(Outcome& outcome) {
  const double lag = lag_ms(outcome);
  return lag > kLagMaxMs || lag > kLagShareMax * outcome.findings.latency.ms(0.99);
}

void add_findings(Figures& figures, const Outcome& outcome) {
  const Findings& found = outcome.findings;
  figures.insert(figures.end(),
                 {{"events", "events written", number(found.events)},
                  {"samples", "  heard of", number(found.latency.count())},
                  {"coalesced", "    in one answer with a later one", number(found.coalesced)},
                  {"missed", "  missed", number(found.missed)},
                  {"unseen", "  on their way when interrupted", number(outcome.unseen)},
                  {"lost_writes", "  not kept by the store", number(found.lost_writes)},
                  {"backwards", "answers older than the one before", number(found.backwards)},
                  {"duplicates", "answers with nothing new", number(outcome.duplicates)}});
}

void add_latency(Figures& figures, Outcome& outcome) {
  Quantiles& latency = outcome.findings.latency;
  Quantiles& stored = outcome.findings.stored;
  figures.insert(figures.end(),
                 {{"latency_p50_ms", "event due -> heard of, p50, ms", latency.ms(0.5), 3},
                  {"latency_p99_ms", "  p99", latency.ms(0.99), 3},
                  {"latency_p999_ms", "  p99.9", latency.ms(0.999), 3},
                  {"latency_max_ms", "  max", latency.ms(1), 3},
                  {"stored_p50_ms", "event due -> stored by NATS, p50, ms", stored.ms(0.5), 3},
                  {"stored_p99_ms", "  p99", stored.ms(0.99), 3}});
}

void add_traffic(Figures& figures, const Outcome& outcome) {
  const Counts& rates = outcome.at_schedule_end;
  const Counts& counts = outcome.counts;
  const double seconds = std::max(outcome.scheduled_for.count(), 1e-3);
  figures.insert(figures.end(),
                 {{"requests", "requests", number(counts.requests)},
                  {"requests_per_s", "  a second", number(rates.requests) / seconds, 1},
                  {"answers_200", "  answered 200", number(counts.answers_200)},
                  {"answers_304", "  answered 304", number(counts.answers_304)},
                  {"late_polls", "polls left out, not free in time", number(counts.late_polls)},
                  {"received_bytes", "bytes received", number(counts.bytes_received)},
                  {"received_bytes_per_s", "  a second", number(rates.bytes_received) / seconds},
                  {"sent_bytes", "bytes sent", number(counts.bytes_sent)},
                  {"sent_bytes_per_s", "  a second", number(rates.bytes_sent) / seconds}});
}

// In the order of Trouble. The table leaves out what did not happen.
constexpr std::array<std::array<const char*, 2>, kTroubles> kTroubleNames = {
    {{"trouble_connect", "not connected"},
     {"trouble_reset", "closed without an answer"},
     {"trouble_timeout", "not answered in time"},
     {"trouble_shed", "not held, with Retry-After"},
     {"trouble_429", "429"},
     {"trouble_503", "503"},
     {"trouble_other_4xx", "other 4xx"},
     {"trouble_other_5xx", "other 5xx"},
     {"trouble_early", "not held, without Retry-After"},
     {"trouble_odd", "not as of bide"}}};

void add_troubles(Figures& figures, const Outcome& outcome) {
  for (std::size_t i = 0; i < kTroubles; ++i) {
    figures.push_back(
        {kTroubleNames.at(i)[0], kTroubleNames.at(i)[1], number(outcome.counts.troubles.at(i))});
  }
}

void add_generator(Figures& figures, Outcome& outcome) {
  figures.insert(
      figures.end(),
      {{"rewritten", "entries written once more", number(outcome.rewritten)},
       {"writer_lag_p99_ms", "bide-load's own lag: writer, p99, ms", outcome.writer_lag.ms(0.99),
        3},
       {"writer_lag_max_ms", "  max", outcome.writer_lag.ms(1), 3},
       {"loop_lag_p99_ms", "bide-load's own lag: clients, p99, ms", outcome.loop_lag.ms(0.99), 3},
       {"loop_lag_max_ms", "  max", outcome.loop_lag.ms(1), 3}});
}

void print_json(const Options& options, Outcome& outcome, const Figures& figures) {
  bide::JsonText json;
  json.begin_object();
  json.member("road", options.road);
  json.key("clients");
  json.number(options.clients);
  json.key("rate_per_s");
  json.number(options.rate);
  json.key("interrupted");
  json.boolean(outcome.interrupted);
  json.key("generator_may_be_limit");
  json.boolean(generator_may_be_limit(outcome));
  const auto seconds = [&](const char* name, std::chrono::duration<double> value) {
    json.key(name);
    json.real(value.count(), 3);
  };
  seconds("duration_s", options.duration);
  seconds("began_at_s", outcome.began.time_since_epoch());
  seconds("scheduled_for_s", outcome.scheduled_for);
  seconds("took_s", outcome.took);
  for (const Figure& figure : figures) {
    json.key(figure.key);
    json.real(figure.value, figure.decimals);
  }
  json.end_object();
  std::puts(json.take().c_str());
}

void print_table(const Options& options, Outcome& outcome, const Figures& figures) {
  std::printf("%u clients by %s, %u events/s for %.1f s%s\n", options.clients, options.road.c_str(),
              options.rate, outcome.scheduled_for.count(),
              outcome.interrupted ? " (interrupted)" : "");
  for (const Figure& figure : figures) {
    if (figure.value == 0 && std::string_view(figure.key).starts_with("trouble_")) continue;
    std::printf("%-42s %14.*f\n", figure.words, figure.decimals, figure.value);
  }
  if (generator_may_be_limit(outcome)) {
    std::printf(
        "\nbide-load itself ran %.1f ms late: it, and not the server, may be the limit here. Give "
        "it "
        "a core of its own, or ask for less.\n",
        lag_ms(outcome));
  }
}

}  // namespace

void print_report(const Options& options, Outcome outcome) {
  Figures figures;
  add_findings(figures, outcome);
  add_latency(figures, outcome);
  add_traffic(figures, outcome);
  add_troubles(figures, outcome);
  add_generator(figures, outcome);
  options.json ? print_json(options, outcome, figures) : print_table(options, outcome, figures);
}

int exit_code_of(const Outcome& outcome) {
  return outcome.findings.missed + outcome.findings.backwards > 0 ? 3 : 0;
}

}  // namespace bench::load
