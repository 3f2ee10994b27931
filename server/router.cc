#include "server/router.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/problem.h"

namespace bide {
namespace {

constexpr std::string_view kJobPrefix = "/job/";

// Methods of RFC 9110 and RFC 5789: known, and not allowed here (405). Any other is 501.
bool is_known_method(std::string_view method) {
  constexpr std::array<std::string_view, 9> kKnown = {
      "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end();
}

httplib::Response method_refused(std::string_view method) {
  if (!is_known_method(method)) {
    return problem(501, "this method is not implemented; use GET or HEAD");
  }
  httplib::Response response = problem(405, "this resource is only read; use GET or HEAD");
  response.set_header("Allow", "GET, HEAD");
  return response;
}

httplib::Response not_found() {
  return problem(404, "there is no such resource; jobs are at /job/{id}");
}

}  // namespace

Router::Router(std::string base_path, JobResource& job, HealthResource& health)
    : base_path_(std::move(base_path)), job_(job), health_(health) {}

std::string_view Router::without_base(std::string_view path) const {
  const bool based = !base_path_.empty() && path.size() > base_path_.size() &&
                     path.starts_with(base_path_) && path[base_path_.size()] == '/';
  return based ? path.substr(base_path_.size()) : path;
}

void Router::handle(const httplib::Request& request, Exchange& exchange) {
  const std::string_view path = without_base(request.path);
  const std::string_view id =
      path.starts_with(kJobPrefix) ? path.substr(kJobPrefix.size()) : std::string_view();
  const bool is_job = is_job_id(id);
  const HealthResource::Page page = is_job ? HealthResource::Page::kNone : health_.find(path);
  if (!is_job && page == HealthResource::Page::kNone) return exchange.send(not_found(), "-");
  if (request.method != "GET" && request.method != "HEAD") {
    return exchange.send(method_refused(request.method), is_job ? "/job/" : path);
  }
  if (is_job) return job_.handle(id, request, exchange);
  exchange.send(health_.render(page), path);
}

void Router::finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                    Exchange& exchange) {
  job_.finish(outcome, snapshot, exchange);
}

}  // namespace bide
