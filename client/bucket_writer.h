// client/bucket_writer.h: Writes entries to the bucket and waits until they are stored.
//
// Thread safety: none; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "core/job/new_entry.h"
#include "server/nats/login/nats_login.h"

namespace bide {

struct BucketError {
  enum class Kind : std::uint8_t { kFailed, kNotAllowed } kind{};
  std::string message;  // One line without secrets.
};

class BucketWriter {
 public:
  // Connects and looks the bucket up; does not create it. A mirror is an error, and so is a bucket
  // without keys of its own: they cannot be written to. Blocks for at most about 10 s, or until the
  // server refuses something to this account.
  [[nodiscard]] static std::variant<BucketWriter, BucketError> open(const NatsLogin& login,
                                                                    const std::string& bucket);
  BucketWriter(BucketWriter&&) noexcept;
  ~BucketWriter();

  // These block until JetStream has stored the entry, at most 5 s for each
  // round trip. nullopt: stored.
  [[nodiscard]] std::optional<BucketError> put(const NewEntry& entry);
  // Writes only if there was never an entry with this key; otherwise it is the same entry, and
  // stored already. It reads nothing, so it needs no permission to.
  [[nodiscard]] std::optional<BucketError> put_new(const NewEntry& entry);
  // Writes only if the key has no value: it was never written, was deleted, or has expired and left
  // the server's marker. In a bucket with sources, a key of a source counts, too. If another client
  // writes the key at the same time, that is no error. Sets `*written` (may be null) to true if
  // this call wrote the key.
  [[nodiscard]] std::optional<BucketError> put_if_absent(const NewEntry& entry,
                                                         bool* written = nullptr);
  // Marks the job's definition as deleted, then its events and responses, one round trip for each.
  // False: there is nothing to delete. If it fails midway, a repetition deletes the rest.
  [[nodiscard]] std::variant<bool, BucketError> remove(const std::string& job_id);

 private:
  struct Handles;
  explicit BucketWriter(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace bide
