// server/api/job_set_resource.h: `GET` and `HEAD /job?id=a&id=b` and `/job?label=a=b&until=done`:
// many jobs in one request.
//
// Thread safety: as Resource.
#pragma once

#include "core/table/job_sets.h"
#include "server/api/held_resource.h"

namespace bide {

class JobSetResource final : public HeldResource {
 public:
  explicit JobSetResource(const Context& context) : HeldResource(context) {}

  // The ids are in the query: the exchange's target is set in here.
  void handle(const http::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(const Target&) const override { return "/job"; }
  [[nodiscard]] ParkedOn parked_on(const Target&) const override { return ParkedOn::kSet; }

 private:
  [[nodiscard]] http::Response absent(const Target& target, Outcome outcome) const override;
  [[nodiscard]] http::Response absent_selection(const SelectionPtr& selection) const;
  [[nodiscard]] std::uint16_t places_of(const Target& target) const override;
  [[nodiscard]] std::optional<Failure> failure(const Target& target, const Condition& condition,
                                               const Snapshot& set) const override;
};

}  // namespace bide
