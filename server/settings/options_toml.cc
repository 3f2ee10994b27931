// Reads the settings of a TOML file. Only this unit includes toml++, which is slow to compile.
#include <toml++/toml.h>
#include <charconv>

#include "server/files/small_file.h"
#include "server/settings/settings.h"

namespace bide {
namespace {

std::string at_line(const std::string& path, const toml::source_region& region) {
  return path + ":" + std::to_string(region.begin.line);
}

std::string text_of(double number) {
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  return {buffer, end};
}

// An array of strings, separated by commas. nullopt: it is empty, or has something else in it.
std::optional<std::string> text_of(const toml::array& array) {
  std::string list;
  for (const toml::node& element : array) {
    if (!element.is_string()) return std::nullopt;
    if (!list.empty()) list += ',';
    list += element.as_string()->get();
  }
  return list.empty() ? std::nullopt : std::optional(std::move(list));
}

// The value in the spelling of the command line. nullopt: the TOML type does not fit.
std::optional<std::string> text_of(const toml::node& value, const Setting& setting) {
  const SettingKind kind = setting.kind;
  if (value.is_array() && setting.repeats) return text_of(*value.as_array());
  const bool may_be_integer = kind == SettingKind::kDuration || kind == SettingKind::kCount ||
                              kind == SettingKind::kFraction;
  if (value.is_string() && (kind == SettingKind::kText || kind == SettingKind::kDuration)) {
    return value.as_string()->get();
  }
  if (value.is_integer() && may_be_integer) return std::to_string(value.as_integer()->get());
  if (value.is_floating_point() && kind == SettingKind::kFraction) {
    return text_of(value.as_floating_point()->get());
  }
  if (value.is_boolean() && kind == SettingKind::kSwitch) {
    return value.as_boolean()->get() ? "true" : "false";
  }
  return std::nullopt;
}

std::string_view type_word(const Setting& setting) {
  if (setting.repeats) return "a string or an array of strings";
  switch (setting.kind) {
    case SettingKind::kText:
    case SettingKind::kDuration:
      return "a string";
    case SettingKind::kCount:
      return "an integer";
    case SettingKind::kFraction:
      return "a float";
    case SettingKind::kSwitch:
      return "a boolean";
  }
  return "";
}

std::variant<std::vector<Assignment>, UsageError> collect(const std::string& path,
                                                          const toml::table& table) {
  std::vector<Assignment> assignments;
  for (const auto& [key, value] : table) {
    const std::string where = at_line(path, key.source()) + ": " + std::string(key.str());
    const ServeSetting* const setting = find_serve_setting(key.str());
    if (setting == nullptr) return no_such_setting(where, key.str(), serve_command());
    std::optional<std::string> text = text_of(value, *setting);
    if (!text) {
      return UsageError{where + ": expected " + std::string(type_word(*setting)) + ": " +
                        std::string(setting->expected)};
    }
    assignments.push_back({setting, where, *std::move(text)});
  }
  return assignments;
}

}  // namespace

std::variant<std::vector<Assignment>, UsageError> read_toml_settings(const std::string& path) {
  const auto file = read_small_file(path);
  if (const auto* trouble = std::get_if<Unreadable>(&file)) {
    return UsageError{path + ": cannot be read (" + trouble->why +
                      "); --config and BIDE_CONFIG expect a TOML file"};
  }
  try {
    return collect(path, toml::parse(std::get<FileText>(file).text(), path));
  } catch (const toml::parse_error& error) {
    return UsageError{at_line(path, error.source()) + ": " + std::string(error.description())};
  }
}

}  // namespace bide
