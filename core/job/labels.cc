#include "core/job/labels.h"

#include <algorithm>

#include "core/base/utf8_text.h"

namespace bide {
namespace {

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '/' ||
         c == '-';
}

}  // namespace

bool Labels::is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameBytesMax &&
         std::all_of(text.begin(), text.end(), is_name_byte);
}

bool Labels::is_value(std::string_view text) {
  return text.size() <= kValueBytesMax && text.find('\0') == std::string_view::npos &&
         is_utf8(text);
}

Labels::Labels(const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += static_cast<char>(name.size() + 1 + value.size());
    text.append(name).append("=").append(value);
  }
  if (!text.empty()) packed_ = PackedText({text});
}

std::optional<Labels> Labels::of_text(std::string_view text) {
  std::map<std::string, std::string> labels;
  for (std::string_view rest = text; !rest.empty();) {
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest.front()));
    const std::string_view label = rest.substr(1, size);
    const std::size_t equals = label.find('=');
    if (label.size() != size || equals == std::string_view::npos) return std::nullopt;
    const std::string_view name = label.substr(0, equals);
    const std::string_view value = label.substr(equals + 1);
    if (!is_name(name) || !is_value(value) || labels.size() == kLabelsMax) return std::nullopt;
    labels.emplace(name, value);
    rest.remove_prefix(1 + size);
  }
  Labels made(labels);
  if (made.text() != text) return std::nullopt;  // Out of order, or one twice.
  return made;
}

bool Labels::contains(std::string_view label) const {
  bool found = false;
  for_each([&](std::string_view one) { found = found || one == label; });
  return found;
}

bool Selection::takes(const Labels& of_job) const {
  return std::all_of(labels.begin(), labels.end(),
                     [&](const std::string& label) { return of_job.contains(label); });
}

std::size_t Labels::count() const {
  std::size_t count = 0;
  for_each([&](std::string_view) { ++count; });
  return count;
}

}  // namespace bide
