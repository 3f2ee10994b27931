// client/jq_filter.h: A jq program (libjq), run on values from the server.
//
// The program is the user's own and may do whatever jq can. If it uses the processor longer than
// `cpu_max` for one value, the process ends. Signals end the process at any moment.
//
// Thread safety: one thread at a time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "client/arguments.h"

namespace bide {

class JqFilter {
 public:
  static constexpr std::chrono::seconds kCpuMax{10};

  [[nodiscard]] static std::variant<std::shared_ptr<JqFilter>, Misuse> compile(
      const std::string& program, std::chrono::milliseconds cpu_max = kCpuMax);
  ~JqFilter();
  JqFilter(const JqFilter&) = delete;
  JqFilter& operator=(const JqFilter&) = delete;

  // An output of the program: a string's text, or JSON on one line.
  struct Output {
    std::string_view text;
    bool is_string = false;
  };
  // `take` returns false to end the run. nullopt: it went well; else the error, one line.
  [[nodiscard]] std::optional<std::string> run(std::string_view json,
                                               const std::function<bool(const Output&)>& take);

 private:
  class State;  // Hides jq.h.
  explicit JqFilter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace bide
