#include "server/net/unread_bytes.h"

#include <doctest/doctest.h>

#include "core/table/collection.h"

namespace bide {
namespace {

std::shared_ptr<const Snapshot> job(std::size_t bytes) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->json.bytes = std::string(bytes, 'x');
  return snapshot;
}

std::shared_ptr<const Snapshot> list(std::vector<std::shared_ptr<const Snapshot>> jobs) {
  auto snapshot = std::make_shared<Snapshot>();
  set_items(*snapshot, "[]", 1, std::move(jobs));
  return snapshot;
}

constexpr std::uint64_t kOne = 1;
constexpr std::uint64_t kOther = UINT64_MAX;

}  // namespace

TEST_CASE("unread_bytes: a snapshot counts once for a client's connections, alone or in lists") {
  UnreadBytes unread(1'000'000);
  const auto a = job(1000);
  const auto b = job(2000);
  const auto both = list({a, b});
  const std::size_t of_a = UnreadBytes::bytes_of(*a);
  const std::size_t of_jobs = of_a + UnreadBytes::bytes_of(*b);
  const std::size_t of_list = UnreadBytes::bytes_of(*both);
  CHECK(of_a > 1000);
  CHECK(of_list < 1000);
  for (int i = 0; i < 100; ++i) CHECK(unread.try_add(kOne, a.get(), 0));
  CHECK(unread.bytes() == of_a);
  CHECK(unread.try_add(kOne, both.get(), 0));
  CHECK(unread.bytes() == of_jobs + of_list);
  const auto other_way_round = list({b, a});
  CHECK(unread.try_add(kOne, other_way_round.get(), 0));
  CHECK(unread.bytes() == of_jobs + 2 * of_list);
  CHECK(unread.try_add(kOther, both.get(), 0));
  for (int i = 0; i < 100; ++i) unread.give_back(kOne, a.get(), 0);
  CHECK(unread.bytes() == 2 * of_jobs + 3 * of_list);
  unread.give_back(kOther, both.get(), 0);
  unread.give_back(kOne, other_way_round.get(), 0);
  CHECK(unread.bytes() == of_jobs + of_list);
  unread.give_back(kOne, both.get(), 0);
  CHECK(unread.bytes() == 0);
}

TEST_CASE("unread_bytes: memory that a snapshot has reserved counts") {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->json.bytes.reserve(10'000);
  snapshot->json_line.reserve(20'000);
  CHECK(UnreadBytes::bytes_of(*snapshot) >= 30'000);
}

TEST_CASE("unread_bytes: one client stays within its limit, except for a single answer") {
  UnreadBytes unread(1000);
  const auto large = job(5000);
  const auto small = job(1);
  CHECK(unread.try_add(kOne, large.get(), 20));
  CHECK_FALSE(unread.try_add(kOne, nullptr, 1));
  CHECK_FALSE(unread.try_add(kOne, small.get(), 0));
  CHECK(unread.is_full(kOne, 1));
  CHECK_FALSE(unread.is_full(kOther, 5000));
  CHECK(unread.try_add(kOther, nullptr, 600));
  CHECK_FALSE(unread.try_add(kOther, nullptr, 401));
  CHECK(unread.is_full(kOther, 401));
  CHECK(unread.try_add(kOther, nullptr, 400));
  CHECK(unread.bytes() == UnreadBytes::bytes_of(*large) + 20 + 1000);
  unread.give_back(kOne, large.get(), 20);
  unread.give_back(kOther, nullptr, 600);
  unread.give_back(kOther, nullptr, 400);
  CHECK(unread.bytes() == 0);
  CHECK_FALSE(unread.is_full(kOne, 1000));
}

}  // namespace bide
