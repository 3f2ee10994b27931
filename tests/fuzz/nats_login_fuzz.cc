// How to come to NATS, by files that people and tools write: contexts, credentials, seeds, secrets,
// and URLs. What is taken can be connected with; what is not is refused in one line that shows no
// secret.
//
// Input: the URLs on the first line, then a context's JSON up to a blank line, then a file that is
// tried as credentials, as a seed, as a password, as a token and as certificates.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/nats/login/nats_key_file.h"
#include "server/nats/login/nats_login.h"
#include "server/nats/login/nats_url.h"
#include "server/nats/login/nkey.h"
#include "tests/fuzz/fuzz_input.h"

using namespace bide;
using namespace bide::fuzz;

namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const fs::path made = [] {
    std::string name = (fs::temp_directory_path() / "bide-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    fs::create_directories(fs::path(name) / "nats" / "context");
    return fs::path(name);
  }();
  return made;
}

void write(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

void check_message(std::string_view message) {
  demand(!message.empty(), "a refusal says why");
  const bool one_line = std::all_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
  demand(one_line, "in one line");
}

void check_urls(std::string_view list) {
  const std::string shown = redacted(list);
  demand(redacted(shown) == shown, "what is redacted stays so");
  if (!is_nats_url_list(list)) return;
  demand(is_nats_url_list(shown), "a list without its secrets is one");
  demand(!names_user(list) || shown.find("***") != std::string::npos, "a user is redacted");
  demand(!names_user(without_users(list)), "a list without users has none");
  demand(is_nats_url_list(without_users(list)), "and is a list");
  demand(!split_nats_urls(list).empty(), "of one URL at least");
  demand(!has_bad_escape(list), "a valid list has no bad escape");
  for (const std::string& url : split_nats_urls(list)) {
    const std::string given = with_user_for_connect(url);
    const std::string user = given.substr(0, given.rfind('@') + 1);
    demand(user.find_first_of("\"%\n") == std::string::npos, "it stays within its JSON string");
    demand(without_users(given) == without_users(url), "the host stays what it was");
  }
}

// Not where the TLS library has to be asked: it reads the system's 140 certificates each time.
bool takes_long(const NatsLogin& login) {
  return !login.ca_file.empty() || !login.cert_file.empty() ||
         login.urls.find("tls://") != std::string::npos;
}

// As `bide` does it before it connects.
void check_login(const std::string& urls, const NatsCredentials& credentials) {
  if (find_contradiction(credentials, urls)) return;
  const auto read = read_nats_login(urls, credentials);
  if (const auto* why = std::get_if<std::string>(&read)) return check_message(*why);
  const auto& login = std::get<NatsLogin>(read);
  demand(is_nats_url_list(login.urls), "one can connect there");
  demand(login.nkey_file.empty() == login.public_nkey.empty(), "a seed has its key");
  if (takes_long(login)) return;
  natsOptions* raw = nullptr;
  demand(natsOptions_Create(&raw) == NATS_OK, "there are options to fill");
  const NatsOptionsPtr options(raw);
  if (const auto fault = fill_options(options.get(), login)) check_message(*fault);
}

void check_keys(std::string_view text) {
  for (const std::string_view key : {find_seed(text), find_user_jwt(text)}) {
    demand(key.find('\n') == std::string_view::npos, "a key is one line");
  }
}

void check_seed(std::string_view text) {
  const auto key = public_nkey_of(text);
  if (!key) return;
  demand(text.size() == 58 && text.starts_with("SU"), "a seed's form");
  demand(key->size() == 56 && key->starts_with('U'), "a key's form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = text_of(data, size);
  const std::string urls(take_until(rest, "\n"));
  const std::string_view context = take_until(rest, "\n\n");
  check_urls(urls);
  check_urls(rest);
  check_keys(rest);
  check_seed(rest);
  check_seed(urls);

  const fs::path file = folder() / "file";
  write(file, rest);
  write(folder() / "nats" / "context" / "ci.json", context);
  write(folder() / "nats" / "context.txt", urls);
  const std::string good = is_nats_url_list(urls) ? urls : "";
  check_login(good, {.context = "ci", .config_dir = folder()});
  check_login(good, {.context = "selected", .config_dir = folder()});
  const std::string known = good.empty() ? "nats://127.0.0.1:4222" : good;
  check_login(known, {.creds_file = file});
  check_login(known, {.nkey_file = file});
  check_login(known, {.user = "u", .password_file = file});
  check_login(known, {.token_file = file});
  check_login(known, {.ca_file = file});
  check_login(known, {.cert_file = file, .key_file = file});
  return 0;
}
