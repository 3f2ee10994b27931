// server/api/admission.h: Whether a request may read, and as whom: the HTTP side of
// server/auth/authority.h.
//
// RFC 6750 section 3: 401 with `WWW-Authenticate: Bearer`, without an error where no token was
// presented; 403 insufficient_scope for a token that does not permit reading. RFC 9110 section 11.
//
// Thread safety: all methods may be called from any thread and never block.
#pragma once

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/clock.h"
#include "server/auth/authority.h"
#include "server/net/client_rates.h"
#include "server/net/request_facts.h"

namespace bide {

class Admission {
 public:
  // Tokens of one address that are found bad within a minute. Further ones are not looked at,
  // except such as are known to be good: others may share the address.
  static constexpr std::size_t kFailuresMax = 20;

  // `authority`: null lets everybody read; else it must outlive this. `cookie`: see bearer.h.
  Admission(Clock& clock, const Authority* authority, std::string cookie)
      : clock_(clock), authority_(authority), cookie_(std::move(cookie)) {}

  // nullopt: it may; `facts`, which know when the request was received, say as whom and until when.
  // Else the response that refuses: 400, 401, 403 or 429. `address`: ClientAddress::client() of the
  // client's.
  [[nodiscard]] std::optional<httplib::Response> judge(const httplib::Request& request,
                                                       std::uint64_t address, RequestFacts& facts);
  // A token that a WebSocket's client presents in place of the one it opened it with. False: it is
  // none that may read; `facts` are as they were.
  [[nodiscard]] bool renew(std::string_view token, std::uint64_t address, RequestFacts& facts);

  // The authority has read its files anew. What was admitted before is outdated() from now on:
  // streams have to present their token again, for it may have been revoked.
  void on_reloaded() { generation_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] bool outdated(const RequestFacts& facts) const {
    return facts.admission !=
           static_cast<std::uint16_t>(generation_.load(std::memory_order_relaxed));
  }

 private:
  // `now` and `wall_now` are the same moment.
  // The authority's verdict. nullopt: the address has presented too many bad tokens lately, and
  // this one would have to be verified.
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> verdict_on(std::string_view token,
                                                                       std::uint64_t address,
                                                                       WallTime now);
  static void admit(const Permit& permit, TimePoint now, WallTime wall_now, RequestFacts& facts);

  Clock& clock_;
  const Authority* const authority_;
  const std::string cookie_;
  std::atomic<std::uint32_t> generation_{0};
  // To verify a bad token costs up to 0.2 ms.
  ClientRates failures_{{.count = kFailuresMax, .per = std::chrono::minutes(1)}};
};

}  // namespace bide
