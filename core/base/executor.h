// core/base/executor.h: Other threads that help.
#pragma once

#include <functional>

namespace bide {

// Runs tasks on other threads, soon; used to split large fan-outs.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void run(std::function<void()> task) = 0;
};

}  // namespace bide
