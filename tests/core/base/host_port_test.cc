#include "core/base/host_port.h"

#include <doctest/doctest.h>

namespace bide {

TEST_CASE("host_port: host, brackets and port are taken apart") {
  struct Row {
    std::string_view text;
    std::string_view host;
    bool bracketed;
    std::optional<std::string_view> port;
  };
  for (const Row& row :
       {Row{"a", "a", false, {}}, Row{"a:80", "a", false, "80"}, Row{"a:", "a", false, ""},
        Row{"::1", "", false, {}}, Row{"a:1:2", "a", false, "1:2"}, Row{"[::1]", "::1", true, {}},
        Row{"[::1]:80", "::1", true, "80"}, Row{"[::1]:", "::1", true, ""},
        Row{"[::1", "", true, {}}, Row{"[::1]80", "", true, {}}, Row{"[]:80", "", true, {}},
        Row{"", "", false, {}}, Row{":80", "", false, {}}, Row{"[", "", true, {}}}) {
    CAPTURE(row.text);
    const auto parts = split_host_port(row.text);
    CHECK(parts.has_value() == !row.host.empty());
    if (!parts) continue;
    CHECK(parts->host == row.host);
    CHECK(parts->bracketed == row.bracketed);
    CHECK(parts->port == row.port);
  }
}

TEST_CASE("host_port: a port is decimal digits up to 65535") {
  CHECK(parse_port("0") == 0);
  CHECK(parse_port("00080") == 80);
  CHECK(parse_port("65535") == 65535);
  for (const char* const text :
       {"", "65536", "-1", "+1", " 1", "1 ", "80x", "0x50", "99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_port(text));
  }
}

TEST_CASE("host_port: names and addresses") {
  for (const char* const text : {"a", "Jobs-1.example.", "a_b", "192.0.2.1"}) {
    CHECK(is_plain_host(text));
    CHECK_FALSE(is_ipv6_with_zone(text));
  }
  for (const char* const text : {"", "a b", "a/b", "::1", "a%b", "[a", "\xC3\xA4"}) {
    CHECK_FALSE(is_plain_host(text));
  }
  for (const char* const text : {"::1", "fe80::1%eth0", "::ffff:192.0.2.1"}) {
    CHECK(is_ipv6_with_zone(text));
  }
  for (const char* const text : {"::g", "fe80::1%", "fe80::1%a b", "%eth0", "1:2"}) {
    CHECK_FALSE(is_ipv6_with_zone(text));
  }
  CHECK(host_in_url("::1") == "[::1]");
  CHECK(host_in_url("a.example") == "a.example");
}

}  // namespace bide
