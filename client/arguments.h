// client/arguments.h: A command's words and options, taken apart.
//
// `--name value`, `--name=value`, `-n value`, flags without a value, `--` before words that begin
// with a dash. An option given twice is an error: which one was meant is a guess.
//
// Thread safety: immutable once parsed.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bide {

// The caller's mistake, in one line without a newline. Never holds a secret.
struct Misuse {
  std::string message;
};

struct OptionSpec {
  std::string_view name;        // `--output`
  std::string_view short_name;  // `-o`; empty: none.
  bool takes_value = true;
};

class Arguments {
 public:
  [[nodiscard]] static std::variant<Arguments, Misuse> parse(std::span<const std::string> args,
                                                             std::span<const OptionSpec> specs);

  // What is not an option, in order.
  [[nodiscard]] const std::vector<std::string>& words() const { return words_; }
  // `name` is a spec's. nullopt: not given. A flag's value is empty.
  [[nodiscard]] std::optional<std::string> find(std::string_view name) const;
  [[nodiscard]] bool given(std::string_view name) const { return values_.contains(name); }

 private:
  std::vector<std::string> words_;
  std::map<std::string_view, std::string> values_;
};

}  // namespace bide
