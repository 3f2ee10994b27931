// core/base/start_error.h: Why the server cannot start. Thrown while starting, caught once in main,
// which prints what() as one line on stderr and exits with 1.
#pragma once

#include <stdexcept>

namespace bide {

class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace bide
