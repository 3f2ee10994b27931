#include "server/http/served_hosts.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace bide {
namespace {

struct Row {
  const char* listen;
  std::vector<std::string> allowed;
  std::vector<const char*> served;
  std::vector<const char*> foreign;
};

// Whatever is listened to.
const std::vector<const char*> kLoopback = {
    "localhost",  "localhost:8080",    "LocalHost.",         "bide.localhost",    "a.b.LOCALHOST:1",
    "127.0.0.1",  "127.0.0.1:8080",    "127.0.0.1:",         "127.255.3.4:80",    "[::1]",
    "[::1]:8080", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:2]:80"};
const std::vector<const char*> kNever = {"",
                                         ":80",
                                         ".",
                                         "evil.example",
                                         "evil.example:8080",
                                         "localhost.evil.example",
                                         "127.0.0.1.evil.example",
                                         "evil-localhost",
                                         "xlocalhost",
                                         "localhost..",
                                         "127.1",
                                         "127.0.0.01",
                                         "2130706433",
                                         "0x7f000001",
                                         "%6cocalhost",
                                         "localhost%2e",
                                         "[v1.localhost]"};

}  // namespace

TEST_CASE("served_hosts: loopback, the host of --listen, and those that are named") {
  const std::vector<Row> rows = {
      {"127.0.0.1", {}, {}, {"192.0.2.1", "[2001:db8::1]", "0.0.0.0", "[::]", "8.8.8.8:80"}},
      {"localhost", {}, {}, {"192.0.2.1"}},
      {"::1", {}, {}, {"192.0.2.1", "[::2]"}},
      {"127.0.0.1",
       {"Jobs.Example", "192.0.2.1", "2001:DB8::1", "[2001:db8::2]"},
       {"jobs.example", "JOBS.example.:8080", "192.0.2.1:80", "[::ffff:192.0.2.1]",
        "[2001:db8:0::1]:80", "[2001:db8::2]"},
       {"jobs.example.evil", "x.jobs.example", "192.0.2.2", "[2001:db8::3]"}},
      {"192.0.2.7", {}, {"192.0.2.7", "192.0.2.7:8080"}, {"192.0.2.8", "jobs.example"}},
      {"fe80::1%eth0", {}, {"[fe80::1]", "[fe80::1]:80"}, {"[fe80::2]"}},
      // Every address, for none can be rebound.
      {"0.0.0.0", {}, {"192.0.2.1", "10.1.2.3:8080", "[2001:db8::1]", "0.0.0.0"}, {"jobs.example"}},
      {"::", {"jobs.example"}, {"192.0.2.1", "[2001:db8::1]", "[::]", "jobs.example"}, {"a"}},
      {"jobs.example", {}, {"jobs.example", "Jobs.Example:1", "192.0.2.1"}, {"example"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.listen);
    // A Unix socket beside it changes nothing.
    const ServedHosts hosts({{.path = "/run/bide.sock"}, {.host = row.listen}}, row.allowed);
    CHECK(hosts.serves(std::nullopt));
    for (const auto* list : {&kLoopback, &row.served}) {
      for (const char* const host : *list) {
        CAPTURE(host);
        CHECK(hosts.serves(host));
      }
    }
    for (const auto* list : {&kNever, &row.foreign}) {
      for (const char* const host : *list) {
        CAPTURE(host);
        CHECK_FALSE(hosts.serves(host));
      }
    }
  }
}

TEST_CASE("served_hosts: several addresses, and a Unix socket alone") {
  const ServedHosts several({{.host = "127.0.0.1"}, {.host = "192.0.2.7"}}, {});
  CHECK(several.serves("192.0.2.7:80"));
  CHECK_FALSE(several.serves("192.0.2.8"));
  for (const auto& [one, other] : {std::pair{"127.0.0.1", "::"}, std::pair{"::", "127.0.0.1"}}) {
    const ServedHosts all({{.host = one}, {.host = other}}, {});
    CHECK(all.serves("192.0.2.8"));
  }
  const ServedHosts unix({{.path = "/run/bide.sock"}}, {});
  CHECK(unix.serves("localhost"));
  CHECK_FALSE(unix.serves("evil.example"));
  CHECK_FALSE(unix.serves("192.0.2.7"));
}

TEST_CASE("served_hosts: what may be named") {
  for (const char* const good :
       {"a", "jobs.example", "Jobs-1.Example.", "a_b", "192.0.2.1", "::1", "[2001:db8::1]"}) {
    CAPTURE(good);
    CHECK(is_host_name(good));
  }
  for (const std::string bad : {"", "a:80", "a/b", "http://a", "*", "*.example", "a b", "a,b", "[a",
                                "u@a", "[::1]:80", "\xC3\xA4"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_host_name(bad));
  }
  CHECK_FALSE(is_host_name(std::string(254, 'a')));
}

}  // namespace bide
