#include "bench/story/ledger.h"

#include <algorithm>
#include <span>
#include <utility>

namespace bench::story {

std::optional<load::JobRef> Ledger::job_of(std::uint32_t client, std::uint32_t turn) const {
  if (turn > 0) return std::nullopt;
  return load::JobRef{.client = shared_ ? first_job_ : first_job_ + client, .turn = 0};
}

void Ledger::on_answer(std::uint32_t client, std::uint32_t /*turn*/, std::uint64_t revision,
                       bool final, TimePoint when) {
  auto& [sightings, left] = clients_[client];
  if (final && !std::exchange(left, true)) ++left_;
  const std::uint64_t newest = sightings.empty() ? 0 : sightings.back().revision;
  if (revision < newest) ++backwards_;
  if (revision > newest) sightings.push_back({revision, when});
}

Knowledge Ledger::judge(const std::vector<Written>& written) const {
  Knowledge knowledge;
  knowledge.backwards = backwards_;
  for (const Client& client : clients_) knowledge.answers += client.sightings.size();
  for (const Written& entry : written) {
    const std::uint32_t job = entry.happening.job;
    const bool ours = shared_ ? job == first_job_ : job - first_job_ < clients_.size();
    if (!ours) continue;
    if (entry.revision == 0) {
      ++knowledge.never_stored;
    } else {
      judge(entry, knowledge);
    }
  }
  return knowledge;
}

void Ledger::judge(const Written& written, Knowledge& knowledge) const {
  const std::size_t first = shared_ ? 0 : written.happening.job - first_job_;
  const std::size_t count = shared_ ? clients_.size() : 1;
  bool all = true;
  TimePoint last{};
  for (const Client& client : std::span(clients_).subspan(first, count)) {
    const std::optional<TimePoint> when = judge(written, client, knowledge);
    all = all && when;
    last = std::max(last, when.value_or(last));
  }
  if (all && count > 0) knowledge.told.push_back({written.due, last});
}

std::optional<TimePoint> Ledger::judge(const Written& written, const Client& client,
                                       Knowledge& knowledge) {
  const auto shown_by =
      std::ranges::lower_bound(client.sightings, written.revision, {}, &Sighting::revision);
  if (shown_by == client.sightings.end()) {
    if (!written.rewritten || !client.left) ++knowledge.never_told;
    return std::nullopt;
  }
  knowledge.latency.add(shown_by->when - written.due);
  if (written.happening.deed == load::Deed::kCompleted) {
    knowledge.finish.add(shown_by->when - written.due);
  }
  return shown_by->when;
}

}  // namespace bench::story
