// server/api/admission.h: Decides whether a request may read or write, and for which client: the
// HTTP side of server/auth/authority.h.
//
// RFC 6750 section 3: 401 with `WWW-Authenticate: Bearer`, without an error where no token was
// presented; 403 insufficient_scope for a token that does not permit reading. RFC 9110 section 11.
//
// Thread safety: all methods may be called from any thread and never block.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/client_address.h"
#include "core/base/clock.h"
#include "core/job/job_id.h"
#include "server/auth/authority.h"
#include "server/http/message.h"
#include "server/net/client_rates.h"
#include "server/net/request_facts.h"

namespace bide {

class Admission {
 public:
  // One address may present this many bad tokens within a minute. After that its tokens are not
  // verified, and only those that are known to be good are accepted: other clients may share the
  // address.
  static constexpr std::size_t kFailuresMax = 20;

  // `authority`: null lets every client read, and write from this machine; else it must outlive
  // this. `cookie`: see bearer.h.
  Admission(Clock& clock, const Authority* authority, std::string cookie)
      : clock_(clock), authority_(authority), cookie_(std::move(cookie)) {}

  struct Wish {
    bool writes = false;
    // The path's. null: other jobs, too, or none; then the jobs are those of the parameters `id`.
    const JobId* job = nullptr;
  };
  // nullopt: it may, and `facts` get the client and the end of its token; facts.received must be
  // set. Else the response that refuses it: 400, 401, 403 or 429.
  [[nodiscard]] std::optional<http::Response> judge(const http::Request& request, const Wish& wish,
                                                    const ClientAddress& address,
                                                    RequestFacts& facts);
  // The client of a WebSocket presents a new token. `job`: null for the statistics. False: the
  // token may not read that, and `facts` are unchanged.
  [[nodiscard]] bool renew(std::string_view token, const JobId* job, std::uint64_t address,
                           RequestFacts& facts);

  // The authority has read its files anew. Requests that were admitted before are outdated() from
  // now on: streams have to present their token again, because it may have been revoked.
  void on_reloaded() { generation_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] bool outdated(const RequestFacts& facts) const {
    return facts.admission !=
           static_cast<std::uint16_t>(generation_.load(std::memory_order_relaxed));
  }

 private:
  // The authority's verdict. nullopt: the address has presented too many bad tokens lately, and
  // this one would have to be verified.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> verdict_on(std::string_view token,
                                                                       std::uint64_t address,
                                                                       WallTime now);
  // `now` and `wall_now` are the same moment.
  static void admit(const Permit& permit, TimePoint now, WallTime wall_now, RequestFacts& facts);

  Clock& clock_;
  const Authority* const authority_;
  const std::string cookie_;
  std::atomic<std::uint32_t> generation_{0};
  // To verify a bad token costs up to 0.2 ms.
  ClientRates failures_{{.count = kFailuresMax, .per = std::chrono::minutes(1)}};
};

}  // namespace bide
