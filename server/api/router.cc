#include "server/api/router.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/api/job_query.h"
#include "server/http/problem.h"

namespace bide {
namespace {

constexpr std::string_view kJobs = "/job";
constexpr std::string_view kStatistics = "status";
constexpr std::string_view kFeed = "events";
// The server as a whole, which OPTIONS may ask about: RFC 9110 section 9.3.7.
constexpr std::string_view kServer = "*";

// Methods of RFC 9110 and RFC 5789: known, and not allowed here (405). Any other is 501.
bool is_known_method(std::string_view method) {
  constexpr std::array<std::string_view, 9> kKnown = {
      "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH"};
  return std::find(kKnown.begin(), kKnown.end(), method) != kKnown.end();
}

http::Response not_allowed(const std::string& allowed = "GET, HEAD") {
  http::Response response = problem(405, "this resource has no such method; use " + allowed);
  response.set_header("Allow", allowed);
  return response;
}

// Whether the request only reads, as all resources allow.
bool is_read(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

http::Response not_found() {
  return problem(404, "there is no such resource; jobs are at /job/{id}");
}

// The page's links are relative to `/api/`. The proxy's path may differ, so this one is, too.
http::Response to_folder(std::string_view path) {
  http::Response response = problem(308, "the page is below this path");
  response.set_header("Location", std::string(path.substr(path.rfind('/') + 1)) + "/");
  return response;
}

Resource* find_below(std::string_view below, Resource& itself, Resource* events, Resource* ws) {
  if (below.empty()) return &itself;
  return below == "/events" ? events : below == "/ws" ? ws : nullptr;
}

}  // namespace

Router::Router(std::string base_path, bool read_only, const Resources& resources,
               Admission& admission, const CrossOrigin& cross_origin, HttpMetrics& metrics)
    : base_path_(std::move(base_path)),
      read_only_(read_only),
      to_(resources),
      admission_(admission),
      cross_origin_(cross_origin),
      metrics_(metrics) {}

std::string_view Router::without_base(std::string_view path) const {
  const bool based = !base_path_.empty() && path.size() > base_path_.size() &&
                     path.starts_with(base_path_) && path[base_path_.size()] == '/';
  return based ? path.substr(base_path_.size()) : path;
}

// Judges path, method and client, in this order. The resource judges the rest.
void Router::handle(const http::Request& request, Exchange& exchange) {
  RequestFacts& facts = exchange.facts();
  facts.cross_origin = cross_origin_.fields_for(request);
  facts.named_origin = cross_origin_.admits(facts.cross_origin);
  const bool reads = is_read(request);
  // No resource here has such a method, so it does not matter which one is meant.
  if (!reads && !is_known_method(request.method)) {
    return exchange.send(problem(501, "this method is not implemented"), "-");
  }
  const std::string_view path = without_base(request.path);
  Resource* resource = find(path, request, exchange.target());
  const HealthResource::Page page =
      resource == nullptr ? to_.health.find(path) : HealthResource::Page::kNone;
  const EmbeddedFiles::File* const file = resource == nullptr ? page_.find(path) : nullptr;
  if (resource == nullptr && page == HealthResource::Page::kNone && file == nullptr) {
    if (reads && !base_path_.empty() && path == base_path_) {
      return exchange.send(to_folder(path), path);
    }
    return exchange.send(path == kServer ? not_allowed() : not_found(), "-");
  }
  const auto log_path = [&] {
    return resource == nullptr ? LogPath(path) : resource->log_path(exchange.target());
  };
  if (facts.named_origin && CrossOrigin::is_preflight(request)) {
    return exchange.send(CrossOrigin::preflight_response(), log_path());
  }
  if (!reads) {
    std::string allowed = "GET, HEAD";
    Resource* const writing = find_writing(request.method, resource, exchange.target(), allowed);
    if (writing == nullptr) return exchange.send(not_allowed(allowed), log_path());
    resource = writing;
  }
  // The page asks people for a token, and probes that keep the process alive have none.
  const bool open_to_all = file != nullptr || page == HealthResource::Page::kLive ||
                           page == HealthResource::Page::kReady;
  if (!open_to_all) {
    if (const auto refused = judge(request, !reads, exchange)) {
      return exchange.send(*refused, log_path());
    }
  }
  if (file != nullptr) {
    exchange.charge();
    return exchange.send(facts.over_rate ? passing_problem(429, "too many requests; wait a moment")
                                         : EmbeddedFiles::render(*file, request),
                         path);
  }
  if (resource == nullptr) return exchange.send(to_.health.render(page, request), path);
  exchange.serve_by(*resource);
  resource->handle(request, exchange);
}

Resource* Router::find_writing(std::string_view method, const Resource* read, const Target& target,
                               std::string& allowed) const {
  if (read_only_) return nullptr;
  if (read == &to_.job) {
    allowed += ", PUT, DELETE";
    return method == "PUT" ? &to_.define : method == "DELETE" ? &to_.remove : nullptr;
  }
  const bool is_list = std::holds_alternative<PageQuery>(target);
  if (read != &to_.job_events && !is_list) return nullptr;
  allowed += ", POST";
  if (method != "POST") return nullptr;
  return is_list ? &to_.create : &to_.report;
}

std::optional<http::Response> Router::judge(const http::Request& request, bool writes,
                                            Exchange& exchange) {
  if (writes && CrossOrigin::is_foreign(request)) {
    count(metrics_.refused(RequestRefusal::kForbidden));
    return problem(403, "a page of another origin may not write");
  }
  const auto* const job = std::get_if<JobId>(&exchange.target());
  std::optional<http::Response> refused = admission_.judge(
      request, {.writes = writes, .job = job}, exchange.client_address(), exchange.facts());
  if (!refused) exchange.charge();
  if (refused && refused->status == 401) count(metrics_.refused(RequestRefusal::kUnauthorized));
  if (refused && refused->status == 429) count(metrics_.refused(RequestRefusal::kLogins));
  if (refused && refused->status == 403) count(metrics_.refused(RequestRefusal::kForbidden));
  return refused;
}

Resource* Router::find(std::string_view path, const http::Request& request, Target& target) const {
  if (!path.starts_with(kJobs)) return nullptr;
  path.remove_prefix(kJobs.size());
  if (path.empty()) {
    target = PageQuery();
    return asks_for_set(request) ? &to_.job_set : &to_.overview;
  }
  if (!path.starts_with('/')) return nullptr;
  path.remove_prefix(1);
  const std::string_view key = path.substr(0, path.find('/'));
  const std::string_view below = path.substr(key.size());
  if (key == kStatistics) {
    target = Statistics();
    return find_below(below, to_.overview, &to_.status_events, &to_.status_ws);
  }
  if (key == kFeed) {
    target = Feed();
    return below.empty() ? &to_.feed : nullptr;
  }
  if (!is_job_id(key)) return nullptr;
  target = JobId(key);
  return find_below(below, to_.job, &to_.job_events, &to_.job_ws);
}

}  // namespace bide
