#include "server/metrics_text.h"

#include <array>
#include <cstdio>

namespace bide {

void MetricsText::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(type).append("\n");
}

void MetricsText::name_and_label(std::string_view label, std::string_view label_value) {
  text_ += name_;
  if (!label.empty())
    text_.append("{").append(label).append("=\"").append(label_value).append("\"}");
  text_ += ' ';
}

void MetricsText::sample(double value, std::string_view label, std::string_view label_value) {
  name_and_label(label, label_value);
  std::array<char, 32> number;
  const int size = std::snprintf(number.data(), number.size(), "%.9g", value);
  text_.append(number.data(), static_cast<std::size_t>(size)).append("\n");
}

void MetricsText::sample(std::uint64_t value, std::string_view label,
                         std::string_view label_value) {
  name_and_label(label, label_value);
  text_.append(std::to_string(value)).append("\n");
}

}  // namespace bide
