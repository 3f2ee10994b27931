// client/bucket_writer.h: Writes entries to the bucket and waits until they are stored.
//
// Thread safety: none; one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "client/new_entry.h"
#include "server/nats/login/nats_login.h"

namespace bide {

struct BucketError {
  enum class Kind : std::uint8_t { kFailed, kNotAllowed } kind{};
  std::string message;  // One line without secrets.
};

class BucketWriter {
 public:
  // Connects, and looks the bucket up; does not create it. A mirror and a bucket without keys of
  // its own are errors: they cannot be written to. Blocks for at most about 10 s, where the server
  // refuses something to this account only until it says so.
  [[nodiscard]] static std::variant<BucketWriter, BucketError> open(const NatsLogin& login,
                                                                    const std::string& bucket);
  BucketWriter(BucketWriter&&) noexcept;
  ~BucketWriter();

  // Each blocks until JetStream has stored the entry, at most 5 s a round trip. nullopt: stored.
  [[nodiscard]] std::optional<BucketError> put(const NewEntry& entry);
  // Only where the key has no value: none was written, or it was deleted, or it has expired and a
  // server's marker stands in its place. In a bucket with sources, a key of a source counts, too.
  // If another client writes the key at the same time, that is no error. `written` (may be null)
  // becomes true if this call wrote it.
  [[nodiscard]] std::optional<BucketError> put_if_absent(const NewEntry& entry,
                                                         bool* written = nullptr);

 private:
  struct Handles;
  explicit BucketWriter(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace bide
