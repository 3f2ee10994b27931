#include "server/metrics/metrics_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace bide {
namespace {

// The shortest text that reads back as the same number.
std::string text_of(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value)) return "NaN";
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

double seconds_of(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// Written as by Prometheus' own libraries, because the bound is a label, and labels are compared as
// text.
std::string bound_of(std::chrono::nanoseconds bound) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", seconds_of(bound));
  return text.data();
}

}  // namespace

void MetricsText::metric(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
  text_.append(name).append(" ").append(type).append("\n");
}

void MetricsText::append_label(const Label& label) {
  text_.append(label.name).append("=\"");
  for (const char byte : label.value) {
    if (byte == '\n') {
      text_ += "\\n";
      continue;
    }
    if (byte == '"' || byte == '\\') text_ += '\\';
    text_ += byte;
  }
  text_ += '"';
}

void MetricsText::begin_sample(std::string_view suffix, Labels labels, const Label& more) {
  text_.append(name_).append(suffix);
  char separator = '{';
  const auto append = [&](const Label& label) {
    text_ += std::exchange(separator, ',');
    append_label(label);
  };
  for (const Label& label : labels) append(label);
  if (!more.name.empty()) append(more);
  if (separator == ',') text_ += '}';
  text_ += ' ';
}

void MetricsText::end_sample(double value) { text_.append(text_of(value)).append("\n"); }
void MetricsText::end_sample(std::uint64_t value) {
  text_.append(std::to_string(value)).append("\n");
}

void MetricsText::sample(double value, Labels labels) {
  begin_sample("", labels);
  end_sample(value);
}

void MetricsText::sample(std::uint64_t value, Labels labels) {
  begin_sample("", labels);
  end_sample(value);
}

void MetricsText::histogram(std::span<const std::chrono::nanoseconds> bounds,
                            std::span<const Tally> buckets, std::uint64_t sum_ns, Labels labels) {
  std::uint64_t so_far = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    so_far += buckets[i].load();
    const std::string bound = i < bounds.size() ? bound_of(bounds[i]) : "+Inf";
    begin_sample("_bucket", labels, {"le", bound});
    end_sample(so_far);
  }
  begin_sample("_sum", labels);
  end_sample(seconds_of(std::chrono::nanoseconds(sum_ns)));
  begin_sample("_count", labels);
  end_sample(so_far);
}

}  // namespace bide
