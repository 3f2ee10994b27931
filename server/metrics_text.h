// server/metrics_text.h: Numbers as Prometheus reads them (text format 0.0.4).
//
// Thread safety: one writer, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace bide {

class MetricsText {
 public:
  // Starts a metric; its samples follow. `type` is `counter` or `gauge`.
  void metric(std::string_view name, std::string_view type, std::string_view help);
  // One sample of the current metric, with at most one label. Label values are our own words: they
  // need no escapes.
  void sample(double value, std::string_view label = {}, std::string_view label_value = {});
  void sample(std::uint64_t value, std::string_view label = {}, std::string_view label_value = {});

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void name_and_label(std::string_view label, std::string_view label_value);

  std::string name_;
  std::string text_;
};

}  // namespace bide
