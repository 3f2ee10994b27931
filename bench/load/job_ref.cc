#include "bench/load/job_ref.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace bench::load {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::string make_prefix() {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "load-%d-%llx-", static_cast<int>(::getpid()),
                static_cast<unsigned long long>(std::time(nullptr)));
  return text.data();
}

}  // namespace

void append_job_name(std::string& out, JobRef job) {
  static const std::string prefix = make_prefix();
  out += prefix;
  append_number(out, job.client);
  out += '-';
  append_number(out, job.turn);
}

std::string job_name(JobRef job) {
  std::string name;
  append_job_name(name, job);
  return name;
}

std::string_view word_of(Deed deed) {
  switch (deed) {
    case Deed::kDefined:
      return {};
    case Deed::kAcknowledged:
      return "acknowledged";
    case Deed::kStarted:
      return "started";
    case Deed::kCompleted:
      return "completed";
  }
  return {};
}

}  // namespace bench::load
