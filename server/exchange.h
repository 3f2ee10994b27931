// server/exchange.h: One request and its one response, as a handler sees them.
//
// Lives on the stack of the thread that owns the connection, no longer than the handler's call. A
// handler calls exactly one of send(), send_snapshot(), park() that does not say kNotParked.
//
// Thread safety: none; the owner's thread only.
#pragma once

#include <httplib.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/job_table.h"
#include "server/access_logger.h"
#include "server/connection.h"

namespace bide {

class Front;

class Exchange {
 public:
  Exchange(Front& front, Connection& connection, std::string_view rest)
      : front_(front), connection_(connection), rest_(rest) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // What the response depends on; of a parked request also what it waited for.
  [[nodiscard]] RequestFacts& facts() { return connection_.facts; }
  [[nodiscard]] const Waiter::Terms& terms() const { return connection_.terms; }
  [[nodiscard]] const std::string& job_id() const { return connection_.job_id; }

  void send(const httplib::Response& response, LogPath path);
  // A response laid out by the caller: `text` is the head with its empty line, `body` lives in
  // `owner` (both empty for none). `status` and `path` are for metrics and the access log.
  void send_laid_out(int status, std::string_view text,
                     const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                     LogPath path);

  enum class Park : std::uint8_t {
    kParked,     // The exchange is over here; Handler::finish() ends it later, on another thread.
    kNotParked,  // Still ours: answer now, by `parked` (kReady, kFull, kDraining) and `look`.
  };
  // Parks the request for job `id`. The connection's facts must be complete. Where it is not parked
  // the terms are still there: terms().
  [[nodiscard]] Park park(std::string_view id, Waiter::Terms terms, JobTable::Parked& parked,
                          JobTable::Look& look);

  // Nothing more may be done with the connection here: it is parked, or its client is gone.
  [[nodiscard]] bool handed_over() const { return handed_over_; }

 private:
  Front& front_;
  Connection& connection_;
  std::string_view rest_;  // What the client has sent behind this request.
  bool handed_over_ = false;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers or parks. Any number of threads at once.
  virtual void handle(const httplib::Request& request, Exchange& exchange) = 0;
  // Answers a request that was parked. `snapshot` as in Waiter::answer().
  virtual void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& snapshot,
                      Exchange& exchange) = 0;
};

}  // namespace bide
