#include "client/report.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <random>
#include <utility>

#include "core/base/utf8_text.h"

namespace bide {
namespace {

std::uint64_t random_bits() {
  std::random_device source;  // The kernel's, and never a generator with a seed.
  return (std::uint64_t{source()} << 32U) | source();
}

std::string hexadecimal(std::uint64_t high, std::uint64_t low) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text.data();
}

Report report_now(std::variant<NewDefinition, NewEvent> what) {
  return {std::move(what), std::chrono::system_clock::now(), new_idempotency_key()};
}

}  // namespace

Report report_of(NewDefinition definition) { return report_now(std::move(definition)); }
Report report_of(NewEvent event) { return report_now(std::move(event)); }

NewEntry entry_of(const Report& report) {
  if (const auto* const event = std::get_if<NewEvent>(&report.what)) {
    return event_entry(*event, report.when);
  }
  return definition_entry(std::get<NewDefinition>(report.what), report.when);
}

std::string new_idempotency_key() { return hexadecimal(random_bits(), random_bits()); }

std::string new_job_id(WallTime now) {
  const auto time = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch());
  const std::uint64_t random = random_bits();
  const std::uint64_t high =
      static_cast<std::uint64_t>(time.count()) << 16U | 0x7000U | (random & 0xfffU);
  const std::uint64_t low = (random_bits() & ~(std::uint64_t{3} << 62U)) | std::uint64_t{2} << 62U;
  std::string id = hexadecimal(high, low);
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) id.insert(dash, 1, '-');
  return id;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name.front() == '\0') return "unknown";
  return as_utf8(name.data());
}

}  // namespace bide
