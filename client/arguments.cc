#include "client/arguments.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "core/base/printable.h"
#include "server/settings/options.h"

namespace bide {

std::variant<Arguments, UsageError> Arguments::parse(std::span<const std::string> args,
                                                     const Command& command) {
  auto read = read_command_line(args, command);
  if (auto* end = std::get_if<UsageError>(&read)) return std::move(*end);
  Arguments arguments(command);
  arguments.line_ = std::get<CommandLine>(std::move(read));
  for (const Setting* const setting : command.settings) {
    if (!setting->has_variable || arguments.given(setting->name)) continue;
    std::string variable = variable_of(*setting);
    const char* const text = std::getenv(variable.c_str());
    if (text == nullptr || *text == '\0') continue;
    arguments.line_.assignments.push_back({setting, std::move(variable), text});
  }
  arguments.warn_of_unknown_variables();
  return arguments;
}

void Arguments::warn_of_unknown_variables() const {
  const bool reads_any = std::ranges::any_of(command_->settings, &Setting::has_variable);
  if (!reads_any || (find_setting(*command_, "quiet") != nullptr && given("quiet"))) return;
  for (const std::string& complaint : complaints_about_variables(process_environment())) {
    std::cerr << std::string(command_->name) + ": warning: " + printable(complaint, "?") + "\n";
  }
}

const Assignment* Arguments::find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      line_.assignments, [&](const Assignment& a) { return a.setting->name == name; });
  return found == line_.assignments.end() ? nullptr : &*found;
}

std::string Arguments::value(std::string_view name) const {
  if (const Assignment* const given = find(name)) return given->text;
  return std::string(find_setting(*command_, name)->default_text);
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  std::vector<std::string> all;
  for (const Assignment& given : line_.assignments) {
    if (given.setting->name == name) all.push_back(given.text);
  }
  return all;
}

Misuse Arguments::unexpected(std::string_view name) const {
  const Assignment* const given = find(name);
  return {bide::unexpected(given->where, *given->setting, given->text).message};
}

}  // namespace bide
