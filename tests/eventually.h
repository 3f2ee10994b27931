// tests/eventually.h: Waiting for what other threads and processes do, with an end to it.
#pragma once

#include <chrono>

#include "core/base/stop_signal.h"

namespace bide::testing {

// Asks until `holds()` says true, or until `patience` is over: false.
template <typename Predicate>
[[nodiscard]] bool eventually(Predicate&& holds,
                              std::chrono::seconds patience = std::chrono::seconds(20)) {
  StopSignal never;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    never.wait_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace bide::testing
