#include "server/net/connection.h"

#include <doctest/doctest.h>

namespace bide {
namespace {

using News = Connection::News;

constexpr News kInput = Connection::kInput;
constexpr News kFin = Connection::kFin;
constexpr News kReset = Connection::kReset;
constexpr News kNone = Connection::kNone;

TEST_CASE("connection: at rest an event takes it, and nobody else can") {
  Connection connection;
  CHECK(connection.rest() == kNone);
  const auto ticket = connection.idle_ticket();
  REQUIRE(ticket);
  CHECK(connection.on_events(connection.life(), kInput));
  CHECK_FALSE(connection.idle_ticket());
  CHECK_FALSE(connection.claim(*ticket));
}

TEST_CASE("connection: an event that finds it owned is handed to the owner when it rests") {
  Connection connection;
  CHECK_FALSE(connection.on_events(connection.life(), kInput));
  CHECK_FALSE(connection.on_events(connection.life(), kFin));
  CHECK(connection.rest() == (kInput | kFin));
  REQUIRE(connection.claim(*connection.idle_ticket()));
  CHECK(connection.rest() == kNone);  // Told once.
}

TEST_CASE("connection: a ticket is good for one turn") {
  Connection connection;
  CHECK(connection.rest() == kNone);
  const auto first = connection.idle_ticket();
  REQUIRE(connection.claim(*first));
  CHECK(connection.rest() == kNone);
  CHECK_FALSE(connection.claim(*first));
  CHECK(connection.claim(*connection.idle_ticket()));
}

TEST_CASE("connection: while parked input waits, a client that leaves does not") {
  Connection connection;
  const Connection::Parked parked = connection.rest_parked();
  CHECK(parked.urgent == kNone);
  CHECK_FALSE(connection.idle_ticket());  // Of no interest to the reaper.
  CHECK_FALSE(connection.on_events(connection.life(), kInput));
  SUBCASE("the answer comes first, then the input is dealt with") {
    REQUIRE(connection.exchange.try_claim());
    CHECK(connection.rest() == kInput);
  }
  SUBCASE("a FIN takes it from its queue") {
    CHECK(connection.on_events(connection.life(), kFin));
    CHECK_FALSE(connection.exchange.try_claim());
  }
  SUBCASE("so does a reset") {
    CHECK(connection.on_events(connection.life(), kReset));
    CHECK_FALSE(connection.claim(parked.ticket));
  }
}

TEST_CASE("connection: a half-closed client has left only when it resets") {
  Connection connection;
  connection.half_closed = true;
  CHECK(connection.rest_parked().urgent == kNone);
  const auto fin_again = static_cast<News>(kInput | kFin);
  CHECK_FALSE(connection.on_events(connection.life(), fin_again));
  CHECK(connection.on_events(connection.life(), kReset));
}

TEST_CASE("connection: a client that left just before its request was parked is reported at once") {
  Connection connection;
  connection.note(kFin);
  CHECK(connection.rest_parked().urgent == kFin);
}

TEST_CASE("connection: an event for an earlier socket of the slot comes to nothing") {
  Connection connection;
  CHECK(connection.rest() == kNone);
  const std::uint32_t life = connection.life();
  const auto ticket = connection.idle_ticket();
  REQUIRE(connection.claim(*ticket));
  connection.end_life();
  CHECK_FALSE(connection.on_events(life, kInput));
  CHECK(connection.rest() == kNone);  // Given to the next socket.
  CHECK_FALSE(connection.on_events(life, kInput));
  CHECK_FALSE(connection.claim(*ticket));
  CHECK(connection.on_events(connection.life(), kInput));
}

}  // namespace
}  // namespace bide
