// server/router.h: Which resource a request is for, by plain comparison of its path.
//
// httplib's own routes are std::regex, which a 2,000-byte path makes overflow a 1 MiB stack.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <string>
#include <string_view>

#include "server/exchange.h"
#include "server/health_resource.h"
#include "server/job_resource.h"

namespace bide {

class Router final : public Handler {
 public:
  // `base_path`: "" or like "/api"; every path is served with and without it.
  Router(std::string base_path, JobResource& job, HealthResource& health);

  void handle(const httplib::Request& request, Exchange& exchange) override;
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
              Exchange& exchange) override;

 private:
  [[nodiscard]] std::string_view without_base(std::string_view path) const;

  const std::string base_path_;
  JobResource& job_;
  HealthResource& health_;
};

}  // namespace bide
