// bench/probe/options.h: The options of bide-probe: `--name value` pairs behind the row's name.
//
// Thread safety: immutable value.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace bench {

class Options {
 public:
  // Dies on anything that is not a pair, and on names other than those that text() and number()
  // know.
  Options(int argc, char** argv);
  [[nodiscard]] std::string text(const std::string& name, const std::string& otherwise = "") const;
  [[nodiscard]] int number(const std::string& name, int otherwise) const;
  // `--pids 12,13`.
  [[nodiscard]] std::vector<int> pids() const;

 private:
  std::map<std::string, std::string> given_;
};

}  // namespace bench
