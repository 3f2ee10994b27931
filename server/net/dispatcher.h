// server/net/dispatcher.h: Hands complete requests to the resources, whatever protocol they came
// by.
//
// Thread safety: any number of threads at once, for one exchange only its owner; use_hosts() before
// the first request.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "server/http/message.h"
#include "server/http/served_hosts.h"
#include "server/net/front.h"

namespace bide {

class Dispatcher {
 public:
  // Answers or parks. Any number of threads at once.
  using Handler = std::function<void(const http::Request& request, Exchange& exchange)>;

  // `front` must outlive this.
  Dispatcher(Front& front, Handler handler) : front_(front), handler_(std::move(handler)) {}

  // Requests for other hosts are answered with 421. Null: all hosts are served.
  void use_hosts(const ServedHosts* hosts) { hosts_ = hosts; }

  // Sets what the exchange's response depends on, and whose request it is. `peer`: the other end of
  // the connection.
  void begin(const http::Request& request, const ClientAddress& peer, Exchange& exchange) const;
  // Answers or parks. `host`: the one that the request is for; nullopt: it names none.
  void dispatch(const http::Request& request, std::optional<std::string_view> host,
                Exchange& exchange) const;

 private:
  void refuse_host(std::string_view host, Exchange& exchange) const;

  Front& front_;
  const Handler handler_;
  const ServedHosts* hosts_ = nullptr;
};

}  // namespace bide
