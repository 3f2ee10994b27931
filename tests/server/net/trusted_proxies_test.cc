#include "server/net/trusted_proxies.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace bide {
namespace {

const ClientAddress kProxy = *ClientAddress::parse("10.0.0.1");

// The client of a request from 10.0.0.1 with these fields, where 10.0.0.0/8 and ::1 are trusted.
std::string client_of(const std::vector<std::string>& fields) {
  const TrustedProxies proxies({*AddressRange::parse("10.0.0.0/8"), *AddressRange::parse("::1")});
  REQUIRE(proxies.trusts(kProxy));
  http::Headers headers;
  for (const std::string& field : fields) headers.emplace("x-forwarded-for", field);
  return proxies.client_of(kProxy, headers).text();
}

}  // namespace

TEST_CASE("trusted proxies: the rightmost address that is not trusted") {
  CHECK(client_of({"192.0.2.7"}) == "192.0.2.7");
  CHECK(client_of({"6.6.6.6, 192.0.2.7"}) == "192.0.2.7");
  CHECK(client_of({"6.6.6.6,192.0.2.7 ,\t10.0.0.9, ::1"}) == "192.0.2.7");
  CHECK(client_of({"2001:db8::7"}) == "2001:db8::7");
  CHECK(client_of({"::ffff:192.0.2.7, ::ffff:10.0.0.9"}) == "192.0.2.7");
}

TEST_CASE("trusted proxies: all fields are one list") {
  CHECK(client_of({"6.6.6.6", "192.0.2.7"}) == "192.0.2.7");
  CHECK(client_of({"6.6.6.6, 192.0.2.7", "10.0.0.9, 10.0.0.8"}) == "192.0.2.7");
  CHECK(client_of({"192.0.2.7", "", " , ,"}) == "192.0.2.7");
}

TEST_CASE("trusted proxies: ports and brackets") {
  for (const char* const node : {"192.0.2.7:5678", "192.0.2.7:1", "192.0.2.7"}) {
    CHECK(client_of({node}) == "192.0.2.7");
  }
  for (const char* const node : {"[2001:db8::7]:80", "[2001:db8::7]", "2001:db8::7"}) {
    CHECK(client_of({node}) == "2001:db8::7");
  }
  CHECK(client_of({"192.0.2.7, 10.0.0.9:80, [::1]:80"}) == "192.0.2.7");
}

TEST_CASE("trusted proxies: an entry that is no address ends the walk at the last trusted proxy") {
  CHECK(client_of({}) == "10.0.0.1");
  CHECK(client_of({""}) == "10.0.0.1");
  CHECK(client_of({"10.0.0.9"}) == "10.0.0.9");
  for (const char* const node :
       {"unknown", "_hidden", "192.0.2.7:", "192.0.2.7:x", "192.0.2.7:123456", "[192.0.2.7]",
        "[2001:db8::7", "2001:db8::7]", "[2001:db8::7]80", "fe80::1%eth0", "192.0.2",
        "\"192.0.2.7\"", "192.0.2.7 192.0.2.8", "localhost"}) {
    CAPTURE(node);
    CHECK(client_of({node}) == "10.0.0.1");
    CHECK(client_of({std::string("192.0.2.7, ") + node}) == "10.0.0.1");
    CHECK(client_of({std::string("192.0.2.7, ") + node + ", 10.0.0.9"}) == "10.0.0.9");
  }
}

}  // namespace bide
