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
#include "server/stream_resource.h"

namespace bide {

class Router final : public Handler {
 public:
  struct Resources {
    HealthResource& health;
    JobResource& job;
    StreamResource& job_events;
    StreamResource& job_ws;
  };

  // `base_path`: "" or like "/api"; every path is served with and without it.
  Router(std::string base_path, const Resources& resources);

  void handle(const httplib::Request& request, Exchange& exchange) override;

 private:
  [[nodiscard]] std::string_view without_base(std::string_view path) const;
  // False: there is no such resource.
  bool route(std::string_view path, const httplib::Request& request, Exchange& exchange);
  bool route_job(std::string_view id, std::string_view below, const httplib::Request& request,
                 Exchange& exchange);

  const std::string base_path_;
  const Resources to_;
};

}  // namespace bide
