// tests/server/auth/fake_authority.h: An authority whose verdicts the test sets.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/base/mutex.h"
#include "server/auth/authority.h"

namespace bide::testing {

class FakeAuthority final : public Authority {
 public:
  [[nodiscard]] std::variant<Permit, Denial> judge(std::string_view token,
                                                   WallTime now) const override {
    const MutexLock lock(mutex_);
    const auto found = tokens_.find(std::string(token));
    if (found == tokens_.end()) return Denial::kInvalid;
    const auto* const permit = std::get_if<Permit>(&found->second);
    if (permit != nullptr && permit->expires <= now) return Denial::kExpired;
    return found->second;
  }
  [[nodiscard]] std::optional<std::variant<Permit, Denial>> recall(std::string_view token,
                                                                   WallTime now) const override {
    {
      const MutexLock lock(mutex_);
      if (!known_.contains(std::string(token))) return std::nullopt;
    }
    return judge(token, now);
  }
  [[nodiscard]] std::optional<std::string> reload() override { return std::nullopt; }
  [[nodiscard]] std::vector<std::filesystem::path> files() const override { return {}; }

  // The token was verified before.
  void know(const std::string& token) {
    const MutexLock lock(mutex_);
    known_.insert(token);
  }
  // `client`: one for all tokens of the same subject, not 0.
  void permit(const std::string& token, std::uint64_t client,
              std::chrono::milliseconds lasts = std::chrono::hours(1)) {
    set(token, Permit{client, system_clock().wall_now() + lasts});
  }
  void permit_all(const std::string& token, const Permit& permit) { set(token, permit); }
  void forbid(const std::string& token) { set(token, Denial::kForbidden); }
  void revoke(const std::string& token) { set(token, Denial::kInvalid); }

 private:
  void set(const std::string& token, std::variant<Permit, Denial> verdict) {
    const MutexLock lock(mutex_);
    tokens_[token] = verdict;
  }

  mutable Mutex mutex_;
  std::map<std::string, std::variant<Permit, Denial>> tokens_ GUARDED_BY(mutex_);
  std::set<std::string> known_ GUARDED_BY(mutex_);
};

}  // namespace bide::testing
