// server/net/trusted_proxies.h: The client's address of a request that trusted proxies passed on
// (--trusted-proxy).
//
// Each proxy on the way appends the address of its own client to `X-Forwarded-For`. The client may
// have invented the addresses further to the left. So the field is read from its right end, and
// only as long as the last address found is a trusted proxy's.
//
// Thread safety: immutable, may be shared.
#pragma once

#include <utility>
#include <vector>

#include "core/base/client_address.h"
#include "server/http/message.h"

namespace bide {

class TrustedProxies {
 public:
  TrustedProxies() = default;
  explicit TrustedProxies(std::vector<AddressRange> ranges) : ranges_(std::move(ranges)) {}

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool trusts(const ClientAddress& address) const;

  // The client of a request that came from `proxy`, which is trusted: the rightmost address of all
  // X-Forwarded-For fields that is not itself trusted. If there is none, or the walk meets
  // something else first (`unknown`, an obfuscated name), the last trusted proxy found.
  //
  // An address may be followed by a port, an IPv6 address may stand in brackets.
  [[nodiscard]] ClientAddress client_of(const ClientAddress& proxy,
                                        const http::Headers& fields) const;

 private:
  std::vector<AddressRange> ranges_;
};

}  // namespace bide
