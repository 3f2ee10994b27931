#include "bench/story/report.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace bench::story {
namespace {

double seconds(TimePoint when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

void print_count(const char* name, std::uint64_t value) {
  std::printf(R"("%s":%llu,)", name, static_cast<unsigned long long>(value));
}

// Nobody has asked for something that changes nothing, so all that is no answer is trouble.
void print_troubles(const load::Counts& counts) {
  using load::Trouble;
  const auto of = [&](Trouble trouble) {
    return counts.troubles.at(static_cast<std::size_t>(trouble));
  };
  print_count("refused", of(Trouble::kConnect));
  print_count("reset", of(Trouble::kReset));
  print_count("timeout", of(Trouble::kTimeout));
  print_count("unavailable", of(Trouble::k503));
  print_count("early", of(Trouble::kEarly));
  print_count("trouble",
              std::accumulate(counts.troubles.begin(), counts.troubles.end(), std::uint64_t{0}));
}

void print_crowd(Crowd& crowd, const std::vector<Written>& written) {
  Knowledge knowledge = crowd.ledger().judge(written);
  const load::Counts& counts = crowd.counts();
  std::printf(R"("%s":{"clients":%zu,)", crowd.name().c_str(), crowd.ledger().clients());
  print_count("told", knowledge.latency.count());
  print_count("never_told", knowledge.never_told);
  print_count("never_stored", knowledge.never_stored);
  print_count("backwards", knowledge.backwards);
  print_count("news", knowledge.answers);
  print_count("duplicates", crowd.duplicates());
  print_count("connects", counts.connects);
  print_count("requests", counts.requests);
  print_count("bytes_sent", counts.bytes_sent);
  print_count("bytes_received", counts.bytes_received);
  print_troubles(counts);
  std::printf(R"("latency_p50_ms":%.3f,"latency_p99_ms":%.3f,"latency_max_ms":%.3f,)",
              knowledge.latency.ms(0.5), knowledge.latency.ms(0.99), knowledge.latency.ms(1));
  std::printf(R"("finish_max_ms":%.3f,"lag_p99_ms":%.3f,"requests_by_tick":[)",
              knowledge.finish.ms(1), crowd.take_lags().ms(0.99));
  const char* comma = "";
  for (const std::uint64_t requests : crowd.requests_by_tick()) {
    std::printf("%s%llu", comma, static_cast<unsigned long long>(requests));
    comma = ",";
  }
  std::printf("],\"told_at\":[");
  comma = "";
  for (const Told& told : knowledge.told) {
    std::printf("%s[%.6f,%.6f]", comma, seconds(told.due), seconds(told.last));
    comma = ",";
  }
  std::printf("]}");
}

}  // namespace

void print_report(const Chapters& chapters, const std::vector<Written>& written,
                  Quantiles& scribe_lags, const std::vector<Crowd*>& crowds) {
  std::printf(R"({"defined_at":%.3f,"waiting_at":%.3f,"begin_at":%.3f,"end_at":%.3f,)",
              seconds(chapters.defined), seconds(chapters.waiting), seconds(chapters.begin),
              seconds(chapters.end));
  std::printf(R"("happenings":%zu,"scribe_lag_p99_ms":%.3f)", written.size(), scribe_lags.ms(0.99));
  for (Crowd* const crowd : crowds) {
    std::printf(",");
    print_crowd(*crowd, written);
  }
  std::puts("}");
}

}  // namespace bench::story
