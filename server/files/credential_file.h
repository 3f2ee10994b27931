// server/files/credential_file.h: The text of a file that may hold secrets.
//
// Thread safety: values and pure functions.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <variant>

namespace bide {

// Wiped when it dies. Not copied, so that no second text has to be.
class CredentialText {
 public:
  explicit CredentialText(std::string bytes) : bytes_(std::move(bytes)) {}
  ~CredentialText();
  CredentialText(CredentialText&& other) noexcept = default;
  CredentialText& operator=(CredentialText&&) = delete;
  CredentialText(const CredentialText&) = delete;
  CredentialText& operator=(const CredentialText&) = delete;

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

// The string: why not, beginning with the file's name. Only regular files (links are followed): a
// pipe could not be read a second time, and would be waited for.
[[nodiscard]] std::variant<CredentialText, std::string> read_credential_file(
    const std::filesystem::path& file, std::size_t bytes_max);

}  // namespace bide
