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

// Whether the request only reads, as all resources allow.
bool is_read(const httplib::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

httplib::Response not_found() {
  return problem(404, "there is no such resource; jobs are at /job/{id}");
}

}  // namespace

Router::Router(std::string base_path, const Resources& resources)
    : base_path_(std::move(base_path)), to_(resources) {}

std::string_view Router::without_base(std::string_view path) const {
  const bool based = !base_path_.empty() && path.size() > base_path_.size() &&
                     path.starts_with(base_path_) && path[base_path_.size()] == '/';
  return based ? path.substr(base_path_.size()) : path;
}

void Router::handle(const httplib::Request& request, Exchange& exchange) {
  if (!route(without_base(request.path), request, exchange)) exchange.send(not_found(), "-");
}

bool Router::route(std::string_view path, const httplib::Request& request, Exchange& exchange) {
  if (path.starts_with(kJobPrefix)) {
    const std::string_view rest = path.substr(kJobPrefix.size());
    const std::string_view id = rest.substr(0, rest.find('/'));
    return is_job_id(id) && route_job(id, rest.substr(id.size()), request, exchange);
  }
  const HealthResource::Page page = to_.health.find(path);
  if (page == HealthResource::Page::kNone) return false;
  if (!is_read(request)) {
    exchange.send(method_refused(request.method), path);
  } else {
    exchange.send(to_.health.render(page), path);
  }
  return true;
}

bool Router::route_job(std::string_view id, std::string_view below, const httplib::Request& request,
                       Exchange& exchange) {
  StreamResource* const stream = below == "/events" ? &to_.job_events
                                 : below == "/ws"   ? &to_.job_ws
                                                    : nullptr;
  if (stream == nullptr && !below.empty()) return false;
  if (!is_read(request)) {
    exchange.send(method_refused(request.method), LogPath::of_job(id, below));
  } else if (stream != nullptr) {
    stream->handle(id, request, exchange);
  } else {
    to_.job.handle(id, request, exchange);
  }
  return true;
}

}  // namespace bide
