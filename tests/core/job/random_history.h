// tests/core/job/random_history.h: What may happen to a job, at random.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/job/entries.h"

namespace bide::testing {

// Entries at revisions 1, 2, …, with few keys and agents, so that they collide.
inline std::vector<Entry> random_history(std::mt19937& random, std::size_t length) {
  const auto below = [&](unsigned n) {
    return std::uniform_int_distribution<unsigned>(0, n - 1)(random);
  };
  using Names = std::vector<std::string>;
  const decltype(Definition::expected_agents) expectations[] = {{}, {}, 2U, Names{"a", "c"}};
  const std::string_view subjects[] = {"", "x._all", "x.host.a"};
  const std::string_view agents[] = {"a", "b", "c", "_api"};
  std::vector<Entry> history;
  for (Revision revision = 1; revision <= length; ++revision) {
    Response response;
    response.status = std::to_string(revision);
    const unsigned what = below(14);
    Entry entry = defined("j", revision, about(subjects[below(3)], expectations[below(4)]));
    if (what >= 1) {
      const auto kind = static_cast<EventKind>(below(7));
      const std::string_view agent = agents[below(4)];
      entry = what < 10   ? happened("j", below(4), kind, agent, below(2) == 0 ? "e" : "")
              : what < 12 ? responded("j", below(4), agent, response)
                          : progressed("j", below(4), agent, std::to_string(revision % 101));
      entry.revision = revision;
    }
    if (below(6) == 0) entry.what = Deletion{};
    history.push_back(std::move(entry));
  }
  return history;
}

}  // namespace bide::testing
