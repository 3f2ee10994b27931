// core/base/executor.h: Runs tasks on other threads.
//
// Thread safety: may be called from any thread.
#pragma once

#include <functional>

namespace bide {

// Delivers large fan-outs in parts.
class Executor {
 public:
  virtual ~Executor() = default;
  // Does not block. The task runs soon, on another thread.
  virtual void run(std::function<void()> task) = 0;
};

}  // namespace bide
