// server/api/job_resource.h: `GET` and `HEAD /job/{id}`.
//
// Thread safety: as Resource.
#pragma once

#include "server/api/held_resource.h"

namespace bide {

class JobResource final : public HeldResource {
 public:
  explicit JobResource(const Context& context) : HeldResource(context) {}

  void handle(const http::Request& request, Exchange& exchange) override;
  [[nodiscard]] LogPath log_path(const Target& target) const override {
    return LogPath::of_job(std::get<JobId>(target));
  }
  [[nodiscard]] ParkedOn parked_on(const Target&) const override { return ParkedOn::kJob; }

 private:
  [[nodiscard]] http::Response absent(const Target& target, Outcome outcome) const override;
  [[nodiscard]] std::optional<Failure> failure(const Target& target, const Condition& condition,
                                               const Snapshot& job) const override;
};

}  // namespace bide
