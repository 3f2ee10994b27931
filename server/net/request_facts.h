// server/net/request_facts.h: What the response to a request depends on, besides its target.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/clock.h"

namespace bide {

// Kept small: a parked request carries one for as long as it is held.
struct RequestFacts {
  static constexpr std::uint32_t kWaitMsMax = (1U << 22U) - 1;  // Over an hour.
  static constexpr std::uint32_t kPlacesMax = (1U << 10U) - 1;  // Of one request.
  TimePoint received{};                                         // When the request was complete.
  std::uint32_t wait_ms : 22 = 0;        // The wait that was granted; 0: none.
  std::uint32_t places : 10 = 0;         // Held of its client's (ClientAccounts).
  bool head : 1 = false;                 // HEAD: the headers of GET, no body.
  std::uint8_t method_number : 3 = 0;    // See method(). g++ 12 resets no bit-field of an enum.
  bool close : 1 = false;                // Close after this response.
  bool http10 : 1 = false;               // HTTP/1.0: keep-alive must be stated.
  bool http2 : 1 = false;                // For metrics and the access log.
  bool held : 1 = false;                 // Asked to wait.
  bool clamped : 1 = false;              // Asked for more than --max-wait.
  bool preferred : 1 = false;            // Asked by Prefer: wait, answered by Preference-Applied.
  bool max_stale : 1 = false;            // Cache-Control: max-stale.
  bool waits_for_job : 1 = false;        // Held, and for a job that does not exist, too.
  bool caught_up : 1 = false;            // The table shows what the stream held at `received`.
  bool over_rate : 1 = false;            // Beyond what one client may ask in a second.
  bool by_token : 1 = false;             // The wait ends early, with the token.
  bool created : 1 = false;              // The request has stored something: 201.
  bool minimal : 1 = false;              // Prefer: return=minimal.
  bool named_origin : 1 = false;         // From a page of an origin that may read (CrossOrigin).
  std::uint16_t admission = 0;           // See Admission::outdated().
  TimePoint token_expires = kEndOfTime;  // When the request's token expires.
  // The client by its token's subject; 0: the client is known by its address (Exchange::client()).
  std::uint64_t client = 0;
  // Further field lines of the response (CrossOrigin); null: kSameOriginOnly.
  const std::string* cross_origin = nullptr;

  // kOther: none of these, or refused before that was known.
  enum class Method : std::uint8_t { kOther, kGet, kHead, kPost, kPut, kDelete };
  [[nodiscard]] Method method() const { return static_cast<Method>(method_number); }
  [[nodiscard]] bool writes() const {
    return method() == Method::kPost || method() == Method::kPut;
  }
};

}  // namespace bide
