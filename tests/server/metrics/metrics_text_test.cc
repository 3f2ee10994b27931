#include "server/metrics/metrics_text.h"

#include <doctest/doctest.h>

#include <limits>

namespace bide {
namespace {

using namespace std::chrono_literals;

constexpr BucketBounds<3> kBounds = {50us, 1ms, 2s};

TEST_CASE("metrics text: a metric with its samples") {
  MetricsText text;
  text.metric("jobs", "gauge", "Jobs there are.");
  text.sample(std::uint64_t{18'446'744'073'709'551'615U});
  text.metric("parked", "gauge", "Who waits.");
  text.sample(2.5, {{"kind", "job"}, {"road", "ws"}});
  CHECK(text.take() ==
        "# HELP jobs Jobs there are.\n"
        "# TYPE jobs gauge\n"
        "jobs 18446744073709551615\n"
        "# HELP parked Who waits.\n"
        "# TYPE parked gauge\n"
        "parked{kind=\"job\",road=\"ws\"} 2.5\n");
}

TEST_CASE("metrics text: numbers keep every digit, and infinity has a name") {
  MetricsText text;
  text.metric("start", "gauge", "x");
  text.sample(1769860800.57);
  text.sample(std::numeric_limits<double>::infinity());
  text.sample(-std::numeric_limits<double>::infinity());
  text.sample(std::numeric_limits<double>::quiet_NaN());
  const std::string all = text.take();
  CHECK(all.ends_with("start 1769860800.57\nstart +Inf\nstart -Inf\nstart NaN\n"));
}

TEST_CASE("metrics text: quotes, backslashes and line ends of a label's value are escaped") {
  MetricsText text;
  text.metric("build", "gauge", "x");
  text.sample(std::uint64_t{1}, {{"version", "a\"b\\c\nd{}, ü"}});
  CHECK(text.take().ends_with("build{version=\"a\\\"b\\\\c\\nd{}, ü\"} 1\n"));
}

TEST_CASE("metrics text: a histogram's buckets are cumulated, and the last is the count") {
  Histogram<kBounds> histogram;
  for (const std::chrono::nanoseconds took :
       {std::chrono::nanoseconds(-5), std::chrono::nanoseconds(50us),
        std::chrono::nanoseconds(50us) + 1ns, std::chrono::nanoseconds(2s),
        std::chrono::nanoseconds(3s)}) {
    histogram.observe(took);
  }
  Histogram<kBounds> sum;
  sum.add(histogram);
  MetricsText text;
  text.metric("took_seconds", "histogram", "x");
  text.histogram(sum, {{"to", "request"}});
  CHECK(text.take() ==
        "# HELP took_seconds x\n"
        "# TYPE took_seconds histogram\n"
        "took_seconds_bucket{to=\"request\",le=\"5e-05\"} 2\n"
        "took_seconds_bucket{to=\"request\",le=\"0.001\"} 3\n"
        "took_seconds_bucket{to=\"request\",le=\"2\"} 4\n"
        "took_seconds_bucket{to=\"request\",le=\"+Inf\"} 5\n"
        "took_seconds_sum{to=\"request\"} 5.000100001\n"
        "took_seconds_count{to=\"request\"} 5\n");
}

TEST_CASE("metrics text: a histogram without labels") {
  MetricsText text;
  text.metric("took_seconds", "histogram", "x");
  text.histogram(Histogram<kBounds>{});
  CHECK(text.take().find("took_seconds_bucket{le=\"0.001\"} 0\n") != std::string::npos);
}

}  // namespace
}  // namespace bide
