// server/api/overview_resource.h: `GET` and `HEAD` of what is made of all jobs: `/job/status`, the
// statistics, and `/job`, a page of the list.
//
// Thread safety: as Resource.
#pragma once

#include "core/table/overview.h"
#include "server/api/held_resource.h"

namespace bide {

class OverviewResource final : public HeldResource {
 public:
  OverviewResource(const Context& context, Overview& overview) : HeldResource(context, overview) {}

  // `key`: Overview::kStatisticsKey; empty for the list, whose page is in the query.
  void handle(std::string_view key, const httplib::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(std::string_view key) const override {
    return key == Overview::kStatisticsKey ? "/job/status" : "/job";
  }
  [[nodiscard]] ParkedOn parked_on(std::string_view key) const override {
    return key == Overview::kStatisticsKey ? ParkedOn::kStatistics : ParkedOn::kList;
  }

 private:
  void handle_page(const httplib::Request& request, Exchange& exchange);
  [[nodiscard]] httplib::Response absent(std::string_view key, Outcome outcome) const override;
};

}  // namespace bide
