#include "bench/load/report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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
  return std::max({outcome.writer_lag.ms(0.99), outcome.clients.loop_lag.ms(0.99),
                   outcome.dashboards.loop_lag.ms(0.99)});
}

bool generator_may_be_limit(Outcome& outcome) {
  const double lag = lag_ms(outcome);
  return lag > kLagMaxMs || lag > kLagShareMax * outcome.clients.findings.latency.ms(0.99);
}

// `interrupted`: the run did not wait for events that were on their way.
void add_findings(Figures& figures, const Outcome::Part& part, bool interrupted) {
  const Findings& found = part.findings;
  const double unseen = number(found.missed);
  figures.insert(figures.end(),
                 {{"events", "events written", number(found.events)},
                  {"samples", "  heard of", number(found.latency.count())},
                  {"coalesced", "    in one answer with a later one", number(found.coalesced)},
                  {"missed", "  missed", interrupted ? 0 : unseen},
                  {"unseen", "  on their way when interrupted", interrupted ? unseen : 0},
                  {"lost_writes", "  not kept by the store", number(found.lost_writes())},
                  {"never_stored", "    for nobody", number(found.never_stored)},
                  {"news", "answers with something new", number(found.news)},
                  {"backwards", "answers older than the one before", number(found.backwards)},
                  {"duplicates", "answers with nothing new", number(part.counts.duplicates)}});
}

void add_latency(Figures& figures, Findings& findings) {
  Quantiles& latency = findings.latency;
  Quantiles& stored = findings.stored;
  figures.insert(figures.end(),
                 {{"latency_p50_ms", "event due -> heard of, p50, ms", latency.ms(0.5), 3},
                  {"latency_p99_ms", "  p99", latency.ms(0.99), 3},
                  {"latency_p999_ms", "  p99.9", latency.ms(0.999), 3},
                  {"latency_max_ms", "  max", latency.ms(1), 3},
                  {"finish_max_ms", "  max, of completions", findings.finish.ms(1), 3},
                  {"stored_p50_ms", "event due -> stored by NATS, p50, ms", stored.ms(0.5), 3},
                  {"stored_p99_ms", "  p99", stored.ms(0.99), 3}});
}

void add_traffic(Figures& figures, const Counts& counts) {
  figures.insert(figures.end(),
                 {{"connects", "connections opened", number(counts.connects)},
                  {"requests", "requests", number(counts.requests)},
                  {"answers_200", "  answered 200", number(counts.answers_200)},
                  {"answers_304", "  answered 304", number(counts.answers_304)},
                  {"late_polls", "polls left out, not free in time", number(counts.late_polls)},
                  {"received_bytes", "bytes received", number(counts.bytes_received)},
                  {"sent_bytes", "bytes sent", number(counts.bytes_sent)}});
}

void add_rates(Figures& figures, const Outcome& outcome) {
  const Counts& rates = outcome.at_schedule_end;
  const double seconds = std::max(outcome.scheduled_for.count(), 1e-3);
  figures.insert(
      figures.end(),
      {{"requests_per_s", "requests a second", number(rates.requests) / seconds, 1},
       {"received_bytes_per_s", "bytes received a second", number(rates.bytes_received) / seconds},
       {"sent_bytes_per_s", "bytes sent a second", number(rates.bytes_sent) / seconds}});
}

// In the order of Trouble. The table leaves out those that did not happen.
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

void add_troubles(Figures& figures, const Counts& counts) {
  for (std::size_t i = 0; i < kTroubles; ++i) {
    figures.push_back(
        {kTroubleNames.at(i)[0], kTroubleNames.at(i)[1], number(counts.troubles.at(i))});
  }
}

void add_lags(Figures& figures, Quantiles& loop) {
  figures.insert(figures.end(),
                 {{"loop_lag_p99_ms", "bide-load's own lag: clients, p99, ms", loop.ms(0.99), 3},
                  {"loop_lag_max_ms", "  max", loop.ms(1), 3}});
}

void add_writer(Figures& figures, Outcome& outcome) {
  Quantiles& lag = outcome.writer_lag;
  figures.insert(figures.end(),
                 {{"rewritten", "entries written once more", number(outcome.rewritten)},
                  {"writer_lag_p99_ms", "bide-load's own lag: writer, p99, ms", lag.ms(0.99), 3},
                  {"writer_lag_max_ms", "  max", lag.ms(1), 3}});
}

Figures figures_of(Outcome::Part& part, bool interrupted) {
  Figures figures;
  add_findings(figures, part, interrupted);
  add_latency(figures, part.findings);
  add_traffic(figures, part.counts);
  add_troubles(figures, part.counts);
  add_lags(figures, part.loop_lag);
  return figures;
}

double seconds_of(std::chrono::duration<double> time) { return time.count(); }
double seconds_of(TimePoint when) { return seconds_of(when.time_since_epoch()); }

void write_fixed(bide::JsonText& json, double value, int decimals) {
  if (!std::isfinite(value)) return json.raw("null");
  std::array<char, 400> text{};  // 1e308 has 309 digits.
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value,
                                          std::chars_format::fixed, decimals);
  json.raw({text.data(), end});
}

void write_figures(bide::JsonText& json, const Figures& figures) {
  for (const Figure& figure : figures) {
    json.key(figure.key);
    write_fixed(json, figure.value, figure.decimals);
  }
}

// What would be long for a run without end.
void write_course(bide::JsonText& json, const Outcome::Part& part) {
  json.key("requests_by_tick");
  json.begin_array();
  for (const std::uint64_t requests : part.requests_by_tick) json.number(requests);
  json.end_array();
  json.key("told_at");
  json.begin_array();
  for (const Told& told : part.findings.told) {
    json.begin_array();
    write_fixed(json, seconds_of(told.due), 6);
    write_fixed(json, seconds_of(told.last), 6);
    json.end_array();
  }
  json.end_array();
}

void print_json(const Options& options, Outcome& outcome, const Figures& figures,
                const Figures& dashboards) {
  bide::JsonText json;
  const auto count = [&](const char* name, std::uint64_t value) {
    json.key(name);
    json.number(value);
  };
  const auto seconds = [&](const char* name, auto value) {
    json.key(name);
    write_fixed(json, seconds_of(value), 3);
  };
  json.begin_object();
  json.member("scenario", options.scenario);
  json.member("road", options.road);
  count("clients", outcome.clients.clients);
  if (!options.is_story()) count("rate_per_s", options.rate);
  json.key("interrupted");
  json.boolean(outcome.interrupted);
  json.key("generator_may_be_limit");
  json.boolean(generator_may_be_limit(outcome));
  seconds("duration_s", options.duration);
  seconds("defined_at_s", outcome.defined);
  seconds("waiting_at_s", outcome.waiting);
  seconds("began_at_s", outcome.begin);
  seconds("ended_at_s", outcome.end);
  seconds("scheduled_for_s", outcome.scheduled_for);
  seconds("took_s", outcome.end - outcome.begin);
  write_figures(json, figures);
  if (options.is_story()) {
    write_course(json, outcome.clients);
    json.key("dashboards");
    json.begin_object();
    count("clients", outcome.dashboards.clients);
    write_figures(json, dashboards);
    write_course(json, outcome.dashboards);
    json.end_object();
  }
  json.end_object();
  std::puts(json.take().c_str());
}

void print_figures(const Figures& figures) {
  for (const Figure& figure : figures) {
    if (figure.value == 0 && std::string_view(figure.key).starts_with("trouble_")) continue;
    std::printf("%-42s %14.*f\n", figure.words, figure.decimals, figure.value);
  }
}

void print_table(const Options& options, Outcome& outcome, const Figures& figures,
                 const Figures& dashboards) {
  const std::string events =
      options.is_story() ? "the story" : std::to_string(options.rate) + " events/s";
  std::printf("%zu clients by %s, %s for %.1f s%s\n", outcome.clients.clients, options.road.c_str(),
              events.c_str(), outcome.scheduled_for.count(),
              outcome.interrupted ? " (interrupted)" : "");
  print_figures(figures);
  if (outcome.dashboards.clients > 0) {
    std::printf("\n%zu dashboards\n", outcome.dashboards.clients);
    print_figures(dashboards);
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
  Figures figures = figures_of(outcome.clients, outcome.interrupted);
  add_rates(figures, outcome);
  add_writer(figures, outcome);
  const Figures dashboards = figures_of(outcome.dashboards, outcome.interrupted);
  (options.json ? print_json : print_table)(options, outcome, figures, dashboards);
}

int exit_code_of(const Outcome& outcome) {
  const auto wrong = [&](const Findings& found) {
    return found.backwards + (outcome.interrupted ? 0 : found.missed);
  };
  return wrong(outcome.clients.findings) + wrong(outcome.dashboards.findings) > 0 ? 3 : 0;
}

}  // namespace bench::load
