// server/api/job_set_resource.h: `GET` and `HEAD /job?id=a&id=b`: many jobs in one request.
//
// Thread safety: as Resource.
#pragma once

#include "core/table/job_set_lot.h"
#include "server/api/held_resource.h"

namespace bide {

class JobSetResource final : public HeldResource {
 public:
  JobSetResource(const Context& context, JobSetLot& sets)
      : HeldResource(context, sets), sets_(sets) {}

  // The ids are in the query; the key given is not looked at.
  void handle(std::string_view key, const httplib::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(std::string_view /*key*/) const override { return "/job"; }
  [[nodiscard]] ParkedOn parked_on(std::string_view) const override { return ParkedOn::kSet; }

 private:
  [[nodiscard]] httplib::Response absent(std::string_view key, Outcome outcome) const override;
  [[nodiscard]] std::uint16_t places_of(std::string_view key) const override;
  [[nodiscard]] std::optional<Failure> failure(std::string_view key, const Condition& condition,
                                               const Snapshot& set) const override;

  JobSetLot& sets_;
};

}  // namespace bide
