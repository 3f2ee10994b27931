#include "server/files/reloadable.h"

#include <doctest/doctest.h>

#include <string>

using namespace bide;

TEST_CASE("reloadable: the newest object stays, and holders of an older one keep it alive") {
  Reloadable<std::string> texts;
  CHECK(texts.get() == nullptr);
  texts.install(texts.take_turn(), std::make_shared<const std::string>("first"));
  const auto first = texts.get();
  texts.install(texts.take_turn(), std::make_shared<const std::string>("second"));
  CHECK(*first == "first");
  CHECK(first.use_count() == 1);
  CHECK(*texts.get() == "second");
}

TEST_CASE("reloadable: an object read earlier does not replace one read later") {
  Reloadable<std::string> texts;
  const auto slow = texts.take_turn();
  const auto fast = texts.take_turn();
  texts.install(fast, std::make_shared<const std::string>("newer"));
  texts.install(slow, std::make_shared<const std::string>("older"));
  CHECK(*texts.get() == "newer");
}
