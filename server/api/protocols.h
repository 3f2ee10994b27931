// server/api/protocols.h: The protocols that bide speaks, put together on one front and one table.
//
// Thread safety: as Protocol; use_hosts() before the first request.
#pragma once

#include <utility>

#include "server/http1/http1.h"
#include "server/http2/http2.h"
#include "server/net/dispatcher.h"
#include "server/net/front.h"
#include "server/net/parker.h"

namespace bide {

class Protocols {
 public:
  // All must outlive this. `handler`: answers or parks.
  Protocols(Front& front, JobTable& table, Dispatcher::Handler handler)
      : dispatcher_(front, std::move(handler)),
        parker_(front, table),
        http1_(front, parker_, dispatcher_),
        http2_(front, parker_, dispatcher_) {}

  // Requests for other hosts are answered with 421. Null: all hosts are served.
  void use_hosts(const ServedHosts* hosts) { dispatcher_.use_hosts(hosts); }
  // For Front::start().
  [[nodiscard]] Front::Protocols all() { return {http1_, http2_}; }

 private:
  Dispatcher dispatcher_;
  Parker parker_;
  Http1 http1_;
  Http2 http2_;
};

}  // namespace bide
