#include "server/nats/ack_subject.h"

#include <doctest/doctest.h>

#include <string>

namespace bide {
namespace {

const std::string kShort = "$JS.ACK.KV_job-queue.Xk3.1.70.7.1769860800123456789.42";
const std::string kLong = "$JS.ACK.hub.AbC9.KV_job-queue.Xk3.1.70.7.1769860800123456789.42";

TEST_CASE("ack_subject: both layouts tell the same") {
  for (const std::string& subject : {kShort, kLong, kLong + ".r4nd0m", kLong + ".r4nd0m.more"}) {
    INFO(subject);
    const auto ack = parse_ack_subject(subject);
    REQUIRE(ack);
    CHECK(ack->stream_seq == 70);
    CHECK(ack->consumer_seq == 7);
    CHECK(ack->time.time_since_epoch().count() == 1'769'860'800'123'456'789);
    CHECK(ack->pending == 42);
  }
}

TEST_CASE("ack_subject: a cut subject is no delivery") {
  const std::size_t last_digits = 2;  // `4` instead of `42` is a number, too.
  for (std::size_t size = 0; size + last_digits < kShort.size(); ++size) {
    INFO(kShort.substr(0, size));
    CHECK_FALSE(parse_ack_subject(std::string_view(kShort).substr(0, size)));
  }
}

TEST_CASE("ack_subject: other subjects and odd numbers are no delivery") {
  for (const char* subject :
       {"", "_INBOX.x", "$JS.ACK", "$JS.FC.s.c.r", "$JS.ACK.s.c.1.-70.7.1.42",
        "$JS.ACK.s.c.1.70.7.1.42x", "$JS.ACK.s.c.1.70.7..42", "$JS.ACK.s.c.1.0x1.7.1.42",
        "$JS.ACK.s.c.1.99999999999999999999.7.1.42", "$JS.ACK.d.s.c.1.70.7.1.42",
        "$JS.ACK.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r"}) {
    INFO(subject);
    CHECK_FALSE(parse_ack_subject(subject));
  }
}

}  // namespace
}  // namespace bide
