// server/api/job_resource.h: `GET` and `HEAD /job/{id}`.
//
// Thread safety: as Resource.
#pragma once

#include "server/api/held_resource.h"

namespace bide {

class JobResource final : public HeldResource {
 public:
  // `jobs`: the job table.
  JobResource(const Context& context, Lot& jobs) : HeldResource(context, jobs) {}

  void handle(std::string_view id, const httplib::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(std::string_view id) const override { return LogPath::of_job(id); }
  [[nodiscard]] ParkedOn parked_on(std::string_view) const override { return ParkedOn::kJob; }

 private:
  [[nodiscard]] httplib::Response absent(std::string_view id, Outcome outcome) const override;
  [[nodiscard]] std::optional<Failure> failure(std::string_view id, const Condition& condition,
                                               const Snapshot& job) const override;
};

}  // namespace bide
