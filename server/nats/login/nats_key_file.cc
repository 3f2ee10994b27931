#include "server/nats/login/nats_key_file.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "core/base/mutex.h"
#include "core/base/secret_text.h"
#include "server/files/small_file.h"

namespace bide {
namespace {

constexpr std::string_view kJwtMark = "BEGIN NATS USER JWT";
constexpr std::string_view kSeedMark = "BEGIN USER NKEY SEED";

bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

// The next line of `text`, without blanks around it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  return line;
}

// The content of the file, read for one answer to the server.
struct Contents {
  explicit Contents(const std::string& file) : read(read_small_file(file)) {}

  [[nodiscard]] std::string_view text() const {
    const auto* const found = std::get_if<FileText>(&read);
    return found == nullptr ? "" : found->text();
  }
  // A copy for the library, which frees it.
  [[nodiscard]] char* why_not(const std::string& file) const {
    const auto* const trouble = std::get_if<Unreadable>(&read);
    return ::strdup((file + ": " + (trouble == nullptr ? "holds no key" : trouble->why)).c_str());
  }

  std::variant<FileText, Unreadable> read;
};

// The library's callbacks. `closure` is the file's name; nothing may be thrown through C.
natsStatus give_jwt(char** jwt, char** why, void* closure) noexcept {
  try {
    const auto& file = *static_cast<const std::string*>(closure);
    const Contents contents(file);
    const std::string_view found = find_user_jwt(contents.text());
    if (found.empty()) {
      *why = contents.why_not(file);
      return NATS_ERR;
    }
    *jwt = ::strndup(found.data(), found.size());
    return *jwt == nullptr ? NATS_NO_MEMORY : NATS_OK;
  } catch (...) {
    return NATS_NO_MEMORY;
  }
}

natsStatus sign(char** why, unsigned char** signature, int* size, const char* nonce,
                void* closure) noexcept {
  try {
    const auto& file = *static_cast<const std::string*>(closure);
    const Contents contents(file);
    std::string seed(find_seed(contents.text()));
    if (seed.empty()) {
      *why = contents.why_not(file);
      return NATS_ERR;
    }
    const natsStatus status =
        nats_Sign(seed.c_str(), nonce == nullptr ? "" : nonce, signature, size);
    OPENSSL_cleanse(seed.data(), seed.size());
    return status;
  } catch (...) {
    return NATS_NO_MEMORY;
  }
}

// The library uses the pointer as long as its connection lives, on its own threads. So names are
// never freed. There is one for each file that was ever used, from the settings or a context.
void* kept(const std::filesystem::path& file) {
  static Mutex mutex;
  static auto& files = *new std::set<std::string>;  // Threads may outlive static objects.
  MutexLock lock(mutex);
  return const_cast<std::string*>(&*files.insert(file.string()).first);
}

}  // namespace

std::string_view find_seed(std::string_view text) {
  text = without_byte_order_mark(text);
  // In credentials the seed follows the JWT.
  if (const std::size_t mark = text.find(kSeedMark); mark != std::string_view::npos) {
    text.remove_prefix(mark);
  }
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.size() > 2 && line.front() == 'S' && line.find(' ') == std::string_view::npos) {
      return line;
    }
  }
  return {};
}

std::string_view find_user_jwt(std::string_view text) {
  const std::size_t mark = text.find(kJwtMark);
  if (mark == std::string_view::npos) return {};
  text.remove_prefix(mark);
  (void)take_line(text);
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    return line.front() == '-' ? std::string_view() : line;
  }
  return {};
}

natsStatus use_nkey_file(natsOptions* options, const std::string& public_nkey,
                         const std::filesystem::path& file) {
  return natsOptions_SetNKey(options, public_nkey.c_str(), sign, kept(file));
}

natsStatus use_creds_file(natsOptions* options, const std::filesystem::path& file) {
  return natsOptions_SetUserCredentialsCallbacks(options, give_jwt, kept(file), sign, kept(file));
}

}  // namespace bide
