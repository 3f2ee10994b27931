#include "server/metrics/http_metrics.h"

#include <algorithm>

namespace bide {

std::string_view kind_of(ParkedOn parked_on) {
  switch (parked_on) {
    case ParkedOn::kJob:
    case ParkedOn::kJobEvents:
    case ParkedOn::kJobWebSocket:
      return "job";
    case ParkedOn::kSet:
      return "set";
    case ParkedOn::kList:
      return "list";
    case ParkedOn::kStatistics:
    case ParkedOn::kStatisticsEvents:
    case ParkedOn::kStatisticsWebSocket:
      return "statistics";
    case ParkedOn::kFeedEvents:
      return "feed";
  }
  return "";
}

std::string_view road_of(ParkedOn parked_on) {
  switch (parked_on) {
    case ParkedOn::kJob:
    case ParkedOn::kSet:
    case ParkedOn::kList:
    case ParkedOn::kStatistics:
      return "request";
    case ParkedOn::kJobEvents:
    case ParkedOn::kStatisticsEvents:
    case ParkedOn::kFeedEvents:
      return "events";
    case ParkedOn::kJobWebSocket:
    case ParkedOn::kStatisticsWebSocket:
      return "ws";
  }
  return "";
}

std::string_view word_of(ConnectionRefusal reason) {
  switch (reason) {
    case ConnectionRefusal::kDraining:
      return "draining";
    case ConnectionRefusal::kNoSlot:
      return "no_slot";
    case ConnectionRefusal::kNoWatch:
      return "no_watch";
    case ConnectionRefusal::kClient:
      return "client";
  }
  return "";
}

std::string_view word_of(RequestRefusal reason) {
  switch (reason) {
    case RequestRefusal::kShed:
      return "shed";
    case RequestRefusal::kDraining:
      return "draining";
    case RequestRefusal::kNotReady:
      return "not_ready";
    case RequestRefusal::kNotFresh:
      return "not_fresh";
    case RequestRefusal::kNotCaughtUp:
      return "not_caught_up";
    case RequestRefusal::kUnauthorized:
      return "unauthorized";
    case RequestRefusal::kForbidden:
      return "forbidden";
    case RequestRefusal::kRate:
      return "rate";
    case RequestRefusal::kClientUnread:
      return "client_unread";
    case RequestRefusal::kClientParked:
      return "client_parked";
    case RequestRefusal::kLogins:
      return "logins";
  }
  return "";
}

Counter& HttpMetrics::rejected(int status) {
  const auto* const known = std::find(kRejectStatuses.begin(), kRejectStatuses.end() - 1, status);
  return requests_rejected[static_cast<std::size_t>(known - kRejectStatuses.begin())];
}

}  // namespace bide
