#include "core/base/client_address.h"

#include <doctest/doctest.h>

namespace bide {
namespace {

ClientAddress address(std::string_view text) {
  const auto parsed = ClientAddress::parse(text);
  REQUIRE(parsed);
  return *parsed;
}
bool contains(std::string_view range, std::string_view text) {
  const auto parsed = AddressRange::parse(range);
  REQUIRE(parsed);
  return parsed->contains(address(text));
}

}  // namespace

TEST_CASE("client address: texts and back") {
  for (const char* const text :
       {"192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"}) {
    CHECK(address(text).text() == text);
  }
  CHECK(address("2001:DB8:0::1").text() == "2001:db8::1");
  for (const std::string& text :
       {std::string(), std::string("1.2.3"), std::string("1.2.3.4.5"), std::string("256.1.1.1"),
        std::string("01.2.3.4x"), std::string("1.2.3.4:80"), std::string("[::1]"),
        std::string("::1%lo"), std::string("unknown"), std::string(" ::1"), std::string("g::1"),
        std::string("1.2.3.4\0", 8), std::string(200, '1'), std::string(46, ':')}) {
    CAPTURE(text);
    CHECK_FALSE(ClientAddress::parse(text));
  }
}

TEST_CASE("client address: an IPv4-mapped address is the IPv4 address") {
  CHECK(address("::ffff:192.0.2.1") == address("192.0.2.1"));
  CHECK(address("::ffff:c000:201").text() == "192.0.2.1");
  CHECK(address("::ffff:192.0.2.1").client() == address("192.0.2.1").client());
  CHECK(address("::ffff:192.0.2.1").client() != address("::ffff:192.0.2.2").client());
  CHECK(address("::ffff:127.0.0.1").client() != address("::1").client());
  CHECK_FALSE(address("::192.0.2.1").is_v4());
}

TEST_CASE("client address: an IPv6 client is a /64, an IPv4 client one address") {
  CHECK(address("2001:db8::1").client() == address("2001:db8::ffff:1").client());
  CHECK(address("2001:db8::1").client() != address("2001:db8:0:1::1").client());
  CHECK(address("10.0.0.1").client() != address("10.0.0.2").client());
  CHECK(address("::").client() != 0);
}

TEST_CASE("address range: prefixes of any length") {
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  CHECK(contains("10.1.2.3/8", "10.255.0.1"));
  CHECK(contains("192.0.2.128/25", "192.0.2.129"));
  CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
  CHECK(contains("192.0.2.1", "192.0.2.1"));
  CHECK_FALSE(contains("192.0.2.1", "192.0.2.2"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(contains("::1", "::1"));
  CHECK(contains("fd00::/8", "fdff::1"));
}

TEST_CASE("address range: IPv4 is in IPv4 ranges only, however either is written") {
  CHECK(contains("10.0.0.0/8", "::ffff:10.1.1.1"));
  CHECK(contains("::ffff:10.0.0.0/104", "10.1.1.1"));
  CHECK(contains("0.0.0.0/0", "10.1.1.1"));
  CHECK_FALSE(contains("0.0.0.0/0", "::1"));
  CHECK(contains("::/0", "2001:db8::1"));
  CHECK_FALSE(contains("::/0", "10.1.1.1"));
}

TEST_CASE("address range: texts that are no range") {
  for (const char* const text :
       {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/ 8", "::/129",
        "10.0.0/8", "host/8", "[::1]/128", "10.0.0.0/8/8", "10.0.0.0/+8", " 10.0.0.0/8"}) {
    CAPTURE(text);
    CHECK_FALSE(AddressRange::parse(text));
  }
}

}  // namespace bide
