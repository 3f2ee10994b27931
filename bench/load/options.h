// bench/load/options.h: The options of bide-load.
//
// Thread safety: values; read_options() reads the environment and one file, from the main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "bench/load/job_ref.h"

namespace bench::load {

struct Options {
  std::string server = "127.0.0.1:8080";  // Numeric, without a scheme.
  std::string nats_urls;                  // As JobBucket has them. May carry secrets.
  std::string nats_url_file;              // Where it was read from, if it was.
  std::string bucket = "job-queue";
  std::string scenario = "steady";
  Audience audience = {.clients = 1000};
  std::string road = "long-poll";
  std::chrono::milliseconds every{2'000};  // Between two polls.
  std::chrono::milliseconds wait{25'000};  // How long a request may be held.
  std::uint32_t rate = 100;                // Events a second.
  std::chrono::milliseconds duration{30'000};
  std::string token;  // Empty: none is sent.
  bool json = false;

  [[nodiscard]] bool is_story() const { return scenario == "story"; }
};

// Returned instead of options: the text to print, and the exit code. With 0 (--help) it goes to
// stdout.
struct Ending {
  int exit_code;
  std::string text;
};

[[nodiscard]] std::variant<Options, Ending> read_options(std::span<char* const> arguments);

}  // namespace bench::load
