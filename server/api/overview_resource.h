// server/api/overview_resource.h: `GET` and `HEAD` of the views over all jobs: `/job/status`, the
// statistics, and `/job`, a page of the list.
//
// Thread safety: as Resource.
#pragma once

#include <string>

#include "server/api/held_resource.h"

namespace bide {

class OverviewResource final : public HeldResource {
 public:
  explicit OverviewResource(const Context& context) : HeldResource(context) {}

  // The page of the list is in the query: the exchange's target is set in here.
  void handle(const http::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(const Target& target) const override {
    return std::holds_alternative<Statistics>(target) ? "/job/status" : "/job";
  }
  [[nodiscard]] ParkedOn parked_on(const Target& target) const override {
    return std::holds_alternative<Statistics>(target) ? ParkedOn::kStatistics : ParkedOn::kList;
  }

 private:
  void handle_page(const http::Request& request, Exchange& exchange);
  [[nodiscard]] http::Response absent(const Target& target, Outcome outcome) const override;
  // The link to the next page (RFC 8288).
  [[nodiscard]] std::string link_of(const Target& target, const Snapshot& state) const override;
};

}  // namespace bide
