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

namespace bide {

struct BucketError {
  enum class Kind : std::uint8_t { kFailed, kNotAllowed } kind{};
  std::string message;  // One line without secrets.
};

class BucketWriter {
 public:
  // Connects, and looks the bucket up; does not create it. `urls`: one, or a comma list. Blocks for
  // at most about 10 s.
  [[nodiscard]] static std::variant<BucketWriter, BucketError> open(const std::string& urls,
                                                                    const std::string& bucket);
  BucketWriter(BucketWriter&&) noexcept;
  ~BucketWriter();

  // Each blocks until JetStream has stored the entry, at most 5 s a round trip. nullopt: stored.
  [[nodiscard]] std::optional<BucketError> put(const NewEntry& entry);
  // Only where the key has no value. Somebody else writing it at the same time is fine.
  [[nodiscard]] std::optional<BucketError> put_if_absent(const NewEntry& entry);

 private:
  struct Handles;
  explicit BucketWriter(std::unique_ptr<Handles> handles);
  std::unique_ptr<Handles> handles_;
};

}  // namespace bide
