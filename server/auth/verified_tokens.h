// server/auth/verified_tokens.h: A cache of tokens whose signature is valid, so that the token of a
// polling client is not verified for each request (an RSA signature takes 30 us, a digest 1 us).
//
// Only tokens with a valid signature are added, so nobody without a key can push others out. The
// cache belongs to a set of keys and is dropped with it.
//
// Thread safety: all methods may be called from any thread; the lock is a leaf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/auth/authority.h"
#include "server/auth/keyed_digest.h"

namespace bide {

// Everything about a token that does not depend on the current time.
struct VerifiedToken {
  std::uint64_t client = 0;
  WallTime not_before{};
  WallTime expires{};
  bool is_for_us = false;  // Its issuer and audience are the configured ones.
  bool reads_jobs = false;
  bool writes_jobs = false;
  std::shared_ptr<const JobScope> jobs{};  // Null: all.
};

class VerifiedTokens {
 public:
  // About 100 bytes each.
  static constexpr std::size_t kTokensMax = 4096;

  // `token`: its digest (KeyedDigest::random()).
  [[nodiscard]] std::optional<VerifiedToken> find(const KeyedDigest::Value& token) const
      EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    const auto it = tokens_.find(token);
    return it == tokens_.end() ? std::nullopt : std::optional(it->second);
  }

  // When full, forgets all other tokens. Those in use come back with the next poll.
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
