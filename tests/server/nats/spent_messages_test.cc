#include "server/nats/spent_messages.h"

#include <doctest/doctest.h>

#include <string>

namespace bide {
namespace {

NatsMsgPtr message_of(std::size_t bytes) {
  const std::string data(bytes, 'x');
  natsMsg* raw = nullptr;
  REQUIRE(natsMsg_Create(&raw, "s", nullptr, data.data(), static_cast<int>(bytes)) == NATS_OK);
  return NatsMsgPtr(raw);
}

}  // namespace

TEST_CASE("spent messages: time to free some hundreds, or a megabyte") {
  REQUIRE(nats_Open(-1) == NATS_OK);  // Starts the thread that frees messages.
  SpentMessages spent;
  for (int i = 0; i < 255; ++i) spent.add(message_of(10));
  spent.add(nullptr);
  CHECK_FALSE(spent.full());
  spent.add(message_of(0));
  CHECK(spent.full());
  spent.free();
  CHECK_FALSE(spent.full());
  spent.add(message_of((1 << 20) - 1));
  CHECK_FALSE(spent.full());
  spent.add(message_of(1));
  CHECK(spent.full());
  spent.free();
  CHECK_FALSE(spent.full());
}

}  // namespace bide
