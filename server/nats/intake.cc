#include "server/nats/intake.h"

#include <utility>

#include "server/log/log.h"

namespace bide {

std::optional<Entry> Intake::understand(const RawEntry& raw) {
  auto decoded = decode(raw);
  if (const auto* rejection = std::get_if<Rejection>(&decoded)) {
    reject(raw, *rejection);
    return std::nullopt;
  }
  return std::get<Entry>(std::move(decoded));
}

std::optional<Entry> Intake::key_of(RawEntry raw) {
  raw.deleted = true;
  auto decoded = decode(raw);
  auto* const deletion = std::get_if<Entry>(&decoded);
  return deletion == nullptr ? std::nullopt : std::optional(std::move(*deletion));
}

void Intake::reject(const RawEntry& raw, const Rejection& rejection) {
  constexpr std::size_t kShownKeyBytes = 200;
  static LogLimit limit;
  count(metrics_.entries_rejected[static_cast<std::size_t>(rejection.reason)]);
  log_warn_limited(limit, "entry rejected",
                   {{"reason", word_of(rejection.reason)},
                    {"detail", rejection.detail},
                    {"key", raw.key.substr(0, kShownKeyBytes)},
                    {"revision", raw.revision}});
}

}  // namespace bide
