// server/net/trusted_proxies.h: Whose word counts for where a request comes from (--trusted-proxy).
//
// Each proxy on the way appends the address of its own client to `X-Forwarded-For`. What stands
// further to the left may be the client's invention, so the field is read from its right end, and
// only as long as the address that was found last is a trusted proxy's.
//
// Thread safety: immutable, may be shared.
#pragma once

#include <httplib.h>

#include <utility>
#include <vector>

#include "core/base/client_address.h"

namespace bide {

class TrustedProxies {
 public:
  TrustedProxies() = default;
  explicit TrustedProxies(std::vector<AddressRange> ranges) : ranges_(std::move(ranges)) {}

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] bool trusts(const ClientAddress& address) const;

  // The client of a request that came from `proxy`, which is trusted: the rightmost address of all
  // X-Forwarded-For fields that is not itself trusted. Where there is none, or something else
  // stands before it (`unknown`, an obfuscated name), the last trusted proxy on the way.
  //
  // An address may be followed by a port, an IPv6 address may stand in brackets.
  [[nodiscard]] ClientAddress client_of(const ClientAddress& proxy,
                                        const httplib::Headers& fields) const;

 private:
  std::vector<AddressRange> ranges_;
};

}  // namespace bide
