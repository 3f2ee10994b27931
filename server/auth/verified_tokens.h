// server/auth/verified_tokens.h: What was found out about tokens whose signature is right, so that
// a client that polls does not have the same one verified again and again (RSA: 30 us, a digest: 1
// us).
//
// Only validly signed tokens get in, so nobody without a key can push others out. It lives and dies
// with the keys that verified.
//
// Thread safety: all methods may be called from any thread; the lock is a leaf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/auth/keyed_digest.h"

namespace bide {

// All that does not depend on the time of day.
struct VerifiedToken {
  std::uint64_t client = 0;
  WallTime not_before{};
  WallTime expires{};
  bool is_for_us = false;  // From whom and for whom it must be.
  bool reads_jobs = false;
};

class VerifiedTokens {
 public:
  // About 100 bytes each.
  static constexpr std::size_t kTokensMax = 4096;

  // `token`: its digest under a key that nobody knows.
  [[nodiscard]] std::optional<VerifiedToken> find(const KeyedDigest::Value& token) const
      EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto it = tokens_.find(token);
    return it == tokens_.end() ? std::nullopt : std::optional(it->second);
  }

  // Forgets all others when there are too many: those in use are back within one poll.
  void insert(const KeyedDigest::Value& token, const VerifiedToken& verified) EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (tokens_.size() >= kTokensMax && !tokens_.contains(token)) tokens_.clear();
    tokens_.emplace(token, verified);
  }

 private:
  struct Hash {
    std::size_t operator()(const KeyedDigest::Value& digest) const { return client_of(digest); }
  };

  mutable Mutex mutex_;
  std::unordered_map<KeyedDigest::Value, VerifiedToken, Hash> tokens_ GUARDED_BY(mutex_);
};

}  // namespace bide
