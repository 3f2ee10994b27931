// server/metrics/metrics_text.h: Writes metrics in Prometheus' text format 0.0.4.
//
// Thread safety: none; one thread uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "server/metrics/histogram.h"

namespace bide {

class MetricsText {
 public:
  struct Label {
    std::string_view name;
    std::string_view value;  // Any text; it is escaped.
  };
  using Labels = std::initializer_list<Label>;

  // Starts a metric; its samples follow. `type`: `counter`, `gauge` or `histogram`. `help`: one
  // sentence.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  // One sample of the current metric. Infinity is written as `+Inf` or `-Inf`.
  void sample(double value, Labels labels = {});
  void sample(std::uint64_t value, Labels labels = {});
  // All samples of a histogram: cumulative buckets, bounds and sum in seconds.
  template <const auto& kBounds>
  void histogram(const Histogram<kBounds>& sum, Labels labels = {}) {
    histogram(kBounds, sum.buckets(), sum.sum_ns(), labels);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void histogram(std::span<const std::chrono::nanoseconds> bounds, std::span<const Tally> buckets,
                 std::uint64_t sum_ns, Labels labels);
  // `more`: one more label behind the others, if it has a name.
  void begin_sample(std::string_view suffix, Labels labels, const Label& more = {});
  void append_label(const Label& label);
  void end_sample(double value);
  void end_sample(std::uint64_t value);

  std::string name_;
  std::string text_;
};

}  // namespace bide
