#include "server/net/dispatcher.h"

#include "server/http/problem.h"
#include "server/log/log.h"

namespace bide {
namespace {

RequestFacts::Method method_of(std::string_view word) {
  using Method = RequestFacts::Method;
  if (word == "GET") return Method::kGet;
  if (word == "HEAD") return Method::kHead;
  if (word == "POST") return Method::kPost;
  if (word == "PUT") return Method::kPut;
  return word == "DELETE" ? Method::kDelete : Method::kOther;
}

}  // namespace

void Dispatcher::begin(const http::Request& request, const ClientAddress& peer,
                       Exchange& exchange) const {
  const bool proxied = exchange.connection().proxied;
  exchange.address = proxied ? front_.proxies().client_of(peer, request.headers) : peer;
  RequestFacts& facts = exchange.facts();
  facts = {};
  facts.received = front_.clock().now();
  const RequestFacts::Method method = method_of(request.method);
  facts.method_number = static_cast<std::uint8_t>(method) & 7U;
  facts.head = method == RequestFacts::Method::kHead;
}

void Dispatcher::dispatch(const http::Request& request, std::optional<std::string_view> host,
                          Exchange& exchange) const {
  if (hosts_ != nullptr && !hosts_->serves(host)) return refuse_host(*host, exchange);
  handler_(request, exchange);
}

void Dispatcher::refuse_host(std::string_view host, Exchange& exchange) const {
  static LogLimit limit;
  constexpr std::size_t kLoggedBytes = 64;
  count(front_.metrics().rejected(421));
  log_warn_limited(limit, "refused a request for a Host that is not served; see --allowed-host",
                   {{"host", host.substr(0, kLoggedBytes)}});
  exchange.send(problem(421,
                        "without --auth this Host is not served: ask for localhost or the host of "
                        "--listen, or start bide with --allowed-host and this name"));
}

}  // namespace bide
