// server/api/router.h: Finds the resource that a request is for, by plain comparison of paths.
//
// httplib's own routes are std::regex, which a 2,000-byte path makes overflow a 1 MiB stack.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/api/admission.h"
#include "server/api/embedded_files.h"
#include "server/api/health_resource.h"
#include "server/http/cross_origin.h"
#include "server/metrics/http_metrics.h"
#include "server/net/exchange.h"

namespace bide {

class Router {
 public:
  struct Resources {
    HealthResource& health;
    Resource& job;
    Resource& job_events;
    Resource& job_ws;
    Resource& job_set;
    Resource& overview;  // The list, and the statistics.
    Resource& status_events;
    Resource& status_ws;
    Resource& feed;
    Resource& report;  // POST below a job's events.
    Resource& define;  // PUT of a job.
    Resource& create;  // POST to the list.
    Resource& remove;  // DELETE of a job.
  };

  // `base_path`: "" or like "/api"; every path is served with and without it. `read_only`: nothing
  // may be written. All must outlive the router.
  Router(std::string base_path, bool read_only, const Resources& resources, Admission& admission,
         const CrossOrigin& cross_origin, HttpMetrics& metrics);

  // Answers or parks. Any number of threads at once.
  void handle(const http::Request& request, Exchange& exchange);

 private:
  [[nodiscard]] std::string_view without_base(std::string_view path) const;
  // Null: no resource that shows jobs has this path. `target`: set as far as the path says it.
  [[nodiscard]] Resource* find(std::string_view path, const http::Request& request,
                               Target& target) const;

  // The resource that serves the method for the target where `read` serves GET. Null: none does,
  // and `allowed` names the methods that there are.
  [[nodiscard]] Resource* find_writing(std::string_view method, const Resource* read,
                                       const Target& target, std::string& allowed) const;

  // Asks Admission whether the client may read, or write, and if so counts the request for it.
  // nullopt: it may; else the response that refuses it.
  [[nodiscard]] std::optional<http::Response> judge(const http::Request& request, bool writes,
                                                    Exchange& exchange);

  const std::string base_path_;
  const bool read_only_;
  const Resources to_;
  Admission& admission_;
  const CrossOrigin& cross_origin_;
  HttpMetrics& metrics_;
  const EmbeddedFiles page_{kPageFiles};
};

}  // namespace bide
