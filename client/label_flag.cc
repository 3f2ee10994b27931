#include "client/label_flag.h"

#include <map>

#include "client/job_page.h"
#include "core/base/json_text.h"
#include "core/job/labels.h"

namespace bide {

namespace {

using LabelMap = std::map<std::string, std::string>;

std::variant<LabelMap, Misuse> label_map_in(const Arguments& arguments) {
  LabelMap labels;
  for (const std::string& text : arguments.values(kLabelSetting.name)) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || !Labels::is_name(text.substr(0, equals)) ||
        !Labels::is_value(text.substr(equals + 1))) {
      return arguments.unexpected(kLabelSetting.name);
    }
    if (!labels.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return Misuse{"--label: two values for " + text.substr(0, equals)};
    }
  }
  if (labels.size() > Labels::kLabelsMax) {
    return Misuse{"--label: at most " + std::to_string(Labels::kLabelsMax) + " labels"};
  }
  return labels;
}

}  // namespace

std::variant<std::string, Misuse> labels_in(const Arguments& arguments) {
  const auto found = label_map_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&found)) return *error;
  const auto& labels = std::get<LabelMap>(found);
  if (labels.empty()) return std::string();
  JsonText json;
  json.begin_object();
  for (const auto& [name, value] : labels) json.member(name, value);
  json.end_object();
  return json.take();
}

std::variant<std::string, Misuse> label_query_in(const Arguments& arguments) {
  const auto found = label_map_in(arguments);
  if (const auto* error = std::get_if<Misuse>(&found)) return *error;
  std::string query;
  for (const auto& [name, value] : std::get<LabelMap>(found)) {
    query += "&label=";
    query += percent_encoded(std::string(name).append("=").append(value));
  }
  return query;
}

}  // namespace bide
