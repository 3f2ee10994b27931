#include "bench/story/report.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "core/base/json_text.h"

namespace bench::story {
namespace {

using bide::JsonText;

double seconds(TimePoint when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

void write_count(JsonText& json, const char* name, std::uint64_t value) {
  json.key(name);
  json.number(value);
}

void write_figure(JsonText& json, const char* name, double value) {
  json.key(name);
  json.real(value, 3);
}

// Nobody has asked for something that changes nothing, so all that is no answer is trouble.
void write_troubles(JsonText& json, const load::Counts& counts) {
  using load::Trouble;
  const auto of = [&](Trouble trouble) {
    return counts.troubles.at(static_cast<std::size_t>(trouble));
  };
  write_count(json, "refused", of(Trouble::kConnect));
  write_count(json, "reset", of(Trouble::kReset));
  write_count(json, "timeout", of(Trouble::kTimeout));
  write_count(json, "unavailable", of(Trouble::k503));
  write_count(json, "early", of(Trouble::kEarly));
  write_count(json, "trouble",
              std::accumulate(counts.troubles.begin(), counts.troubles.end(), std::uint64_t{0}));
}

void write_crowd(JsonText& json, Crowd& crowd, const std::vector<Written>& written) {
  Knowledge knowledge = crowd.ledger().judge(written);
  const load::Counts& counts = crowd.counts();
  json.key(crowd.name());
  json.begin_object();
  write_count(json, "clients", crowd.ledger().clients());
  write_count(json, "told", knowledge.latency.count());
  write_count(json, "never_told", knowledge.never_told);
  write_count(json, "never_stored", knowledge.never_stored);
  write_count(json, "backwards", knowledge.backwards);
  write_count(json, "news", knowledge.answers);
  write_count(json, "duplicates", crowd.duplicates());
  write_count(json, "connects", counts.connects);
  write_count(json, "requests", counts.requests);
  write_count(json, "bytes_sent", counts.bytes_sent);
  write_count(json, "bytes_received", counts.bytes_received);
  write_troubles(json, counts);
  write_figure(json, "latency_p50_ms", knowledge.latency.ms(0.5));
  write_figure(json, "latency_p99_ms", knowledge.latency.ms(0.99));
  write_figure(json, "latency_max_ms", knowledge.latency.ms(1));
  write_figure(json, "finish_max_ms", knowledge.finish.ms(1));
  write_figure(json, "lag_p99_ms", crowd.take_lags().ms(0.99));
  json.key("requests_by_tick");
  json.begin_array();
  for (const std::uint64_t requests : crowd.requests_by_tick()) json.number(requests);
  json.end_array();
  json.key("told_at");
  json.begin_array();
  for (const Told& told : knowledge.told) {
    json.begin_array();
    json.real(seconds(told.due), 6);
    json.real(seconds(told.last), 6);
    json.end_array();
  }
  json.end_array();
  json.end_object();
}

}  // namespace

void print_report(const Chapters& chapters, const std::vector<Written>& written,
                  Quantiles& scribe_lags, const std::vector<Crowd*>& crowds) {
  JsonText json;
  json.begin_object();
  write_figure(json, "defined_at", seconds(chapters.defined));
  write_figure(json, "waiting_at", seconds(chapters.waiting));
  write_figure(json, "begin_at", seconds(chapters.begin));
  write_figure(json, "end_at", seconds(chapters.end));
  write_count(json, "happenings", written.size());
  write_figure(json, "scribe_lag_p99_ms", scribe_lags.ms(0.99));
  for (Crowd* const crowd : crowds) write_crowd(json, *crowd, written);
  json.end_object();
  std::puts(json.take().c_str());
}

}  // namespace bench::story
