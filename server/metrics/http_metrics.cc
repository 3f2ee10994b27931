#include "server/metrics/http_metrics.h"

#include <algorithm>
#include <utility>

namespace bide {
namespace {

using namespace std::string_view_literals;

// Kind and road, in the order of ParkedOn.
using Labels = std::pair<std::string_view, std::string_view>;
constexpr auto kLabels = std::to_array<Labels>({{"job", "request"},
                                                {"set", "request"},
                                                {"list", "request"},
                                                {"statistics", "request"},
                                                {"job", "events"},
                                                {"job", "ws"},
                                                {"statistics", "events"},
                                                {"statistics", "ws"},
                                                {"feed", "events"},
                                                {"write", "request"}});
static_assert(kLabels.size() == kParkedOn);

}  // namespace

std::string_view kind_of(ParkedOn parked_on) {
  return kLabels[static_cast<std::size_t>(parked_on)].first;
}

std::string_view road_of(ParkedOn parked_on) {
  return kLabels[static_cast<std::size_t>(parked_on)].second;
}

std::string_view word_of(ConnectionRefusal reason) {
  constexpr std::array kWords = {"draining"sv, "no_slot"sv, "no_watch"sv, "client"sv};
  static_assert(kWords.size() == kConnectionRefusals);
  return kWords[static_cast<std::size_t>(reason)];
}

std::string_view word_of(RequestRefusal reason) {
  constexpr std::array kWords = {"shed"sv,          "draining"sv,      "not_ready"sv, "not_fresh"sv,
                                 "not_caught_up"sv, "unauthorized"sv,  "forbidden"sv, "rate"sv,
                                 "client_parked"sv, "client_unread"sv, "writes"sv,    "logins"sv};
  static_assert(kWords.size() == kRequestRefusals);
  return kWords[static_cast<std::size_t>(reason)];
}

void HttpTally::add(const HttpTally& other) noexcept {
  const auto add_each = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i].add(from[i].load());
  };
  add_each(responses, other.responses);
  add_each(http2_responses, other.http2_responses);
  add_each(outcomes, other.outcomes);
  add_each(parked, other.parked);
  requests_parked.add(other.requests_parked.load());
  stream_records.add(other.stream_records.load());
  service.add(other.service);
  held.add(other.held);
  request_news.add(other.request_news);
  stream_news.add(other.stream_news);
}

Counter& HttpMetrics::rejected(int status) {
  const auto* const known = std::find(kRejectStatuses.begin(), kRejectStatuses.end() - 1, status);
  return requests_rejected[static_cast<std::size_t>(known - kRejectStatuses.begin())];
}

}  // namespace bide
