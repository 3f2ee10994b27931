#include "server/nats/login/nats_login.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "core/base/secret_text.h"
#include "server/files/small_file.h"
#include "server/nats/login/nats_context.h"
#include "server/nats/login/nats_key_file.h"
#include "server/nats/login/nats_url.h"
#include "server/nats/login/nkey.h"

namespace bide {
namespace {

using Fault = std::optional<std::string>;
using Path = std::filesystem::path;

constexpr std::size_t kSecretBytesMax = 4096;

Fault fault(const Path& file, std::string_view what) {
  return file.string() + ": " + std::string(what);
}

// `expected` completes the line `--nats-creds expects a …`.
Fault read(const Path& file, std::string_view expected, FileText& text) {
  auto got = read_small_file(file);
  if (const auto* problem = std::get_if<Unreadable>(&got)) {
    return fault(file, "cannot be read (" + problem->why + "); " + std::string(expected));
  }
  text = std::get<FileText>(std::move(got));
  return std::nullopt;
}

Fault read_secret(const Path& file, std::string_view expected, std::string& secret) {
  FileText text;
  if (Fault problem = read(file, expected, text)) return problem;
  secret = secret_in(text.text());
  if (secret.empty()) return fault(file, "empty; " + std::string(expected));
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' '; };
  if (secret.size() > kSecretBytesMax || std::any_of(secret.begin(), secret.end(), is_control)) {
    return fault(file, "not one line of text; " + std::string(expected));
  }
  return std::nullopt;
}

void mix(std::size_t& hash, std::string_view bytes) {
  hash = hash * 31 + std::hash<std::string_view>{}(bytes);
}

void remember(NatsLogin& login, std::string_view bytes) { mix(login.contents, bytes); }

Fault read_nkey(NatsLogin& login) {
  constexpr std::string_view kExpected =
      "--nats-nkey expects the seed of a user's nkey (SU...), as `nk -gen user` writes it";
  FileText text;
  if (Fault problem = read(login.nkey_file, kExpected, text)) return problem;
  const auto key = public_nkey_of(find_seed(text.text()));
  if (!key) return fault(login.nkey_file, "not a user's seed; " + std::string(kExpected));
  login.public_nkey = *key;
  remember(login, text.text());
  return std::nullopt;
}

Fault read_creds(NatsLogin& login) {
  constexpr std::string_view kExpected =
      "--nats-creds expects a user's JWT and seed, as `nsc generate creds` writes them";
  FileText text;
  if (Fault problem = read(login.creds_file, kExpected, text)) return problem;
  if (find_user_jwt(text.text()).empty()) {
    return fault(login.creds_file, "without a JWT; " + std::string(kExpected));
  }
  if (!public_nkey_of(find_seed(text.text()))) {
    return fault(login.creds_file, "without a user's seed; " + std::string(kExpected));
  }
  remember(login, text.text());
  return std::nullopt;
}

Fault read_pem(NatsLogin& login, const Path& file, std::string_view mark,
               std::string_view expected) {
  FileText text;
  if (Fault problem = read(file, expected, text)) return problem;
  const std::string_view pem = text.text();
  const std::size_t begin = pem.find("-----BEGIN ");
  const bool there = begin != pem.npos && pem.find(mark, begin) != pem.npos;
  if (!there) return fault(file, "not of this kind; " + std::string(expected));
  // Otherwise OpenSSL would ask for the passphrase on the terminal, and wait.
  if (pem.find("ENCRYPTED") != pem.npos) {
    return fault(file, "has a passphrase; " + std::string(expected) + " without one");
  }
  remember(login, text.text());
  return std::nullopt;
}

Fault read_tls(NatsLogin& login) {
  Fault problem;
  if (!login.ca_file.empty()) {
    problem = read_pem(login, login.ca_file, "CERTIFICATE-----",
                       "--nats-ca expects certificates in PEM form");
  }
  if (!problem && !login.cert_file.empty()) {
    problem = read_pem(login, login.cert_file, "CERTIFICATE-----",
                       "--nats-cert expects a certificate in PEM form");
  }
  if (!problem && !login.key_file.empty()) {
    problem = read_pem(login, login.key_file, "PRIVATE KEY-----",
                       "--nats-key expects a private key in PEM form");
  }
  return problem;
}

// The identity comes either from the settings or from the context.
Fault choose_identity(NatsLogin& login, const std::string& urls, const NatsCredentials& given,
                      const NatsContext& context) {
  if (!given.user.empty()) {
    login.user = given.user;
    return read_secret(given.password_file, "--nats-password-file expects a password on one line",
                       login.password);
  }
  if (!given.token_file.empty()) {
    return read_secret(given.token_file, "--nats-token-file expects a token on one line",
                       login.token);
  }
  const bool by_settings =
      !given.nkey_file.empty() || !given.creds_file.empty() || names_user(urls);
  login.nkey_file = by_settings ? given.nkey_file : context.nkey;
  login.creds_file = by_settings ? given.creds_file : context.creds;
  if (!by_settings) {
    login.user = context.user;
    login.password = context.password;
    login.token = context.token;
  }
  if (!login.nkey_file.empty()) return read_nkey(login);
  if (!login.creds_file.empty()) return read_creds(login);
  return std::nullopt;
}

bool says_who(const NatsCredentials& given) {
  return !given.user.empty() || !given.token_file.empty() || !given.nkey_file.empty() ||
         !given.creds_file.empty();
}

void choose_rest(NatsLogin& login, const std::string& urls, const NatsCredentials& given,
                 const NatsContext& context) {
  login.urls = !urls.empty() ? urls : context.url;
  if (urls.empty() && says_who(given)) login.urls = without_users(login.urls);
  login.ca_file = !given.ca_file.empty() ? given.ca_file : context.ca;
  const bool own_pair = !given.cert_file.empty();
  login.cert_file = own_pair ? given.cert_file : context.cert;
  login.key_file = own_pair ? given.key_file : context.key;
  const bool own_js = !given.domain.empty() || !given.js_prefix.empty();
  const std::string& domain = own_js ? given.domain : context.domain;
  login.js_api = domain.empty() ? JsApi(own_js ? given.js_prefix : context.js_prefix)
                                : JsApi::of_domain(domain);
  login.inbox_prefix = !given.inbox_prefix.empty() ? given.inbox_prefix : context.inbox_prefix;
}

}  // namespace

std::size_t NatsLogin::hash() const {
  std::size_t hash = contents;
  for (const std::string* text :
       {&urls, &user, &password, &token, &public_nkey, &inbox_prefix, &js_api.prefix()}) {
    mix(hash, *text);
  }
  for (const Path* path : {&nkey_file, &creds_file, &ca_file, &cert_file, &key_file}) {
    mix(hash, path->string());
  }
  return hash;
}

std::variant<NatsLogin, std::string> read_nats_login(const std::string& urls,
                                                     const NatsCredentials& credentials) {
  NatsContext context;
  if (!credentials.context.empty()) {
    auto found = read_nats_context(credentials.config_dir, credentials.context);
    if (auto* error = std::get_if<std::string>(&found)) return std::move(*error);
    context = std::get<NatsContext>(std::move(found));
  }
  NatsLogin login;
  choose_rest(login, urls, credentials, context);
  if (Fault problem = choose_identity(login, urls, credentials, context)) return *problem;
  if (Fault problem = read_tls(login)) return *problem;
  return login;
}

natsStatus connect_to_nats(natsConnection** connection, natsOptions* options,
                           const NatsLogin& login) {
  const natsStatus status = natsConnection_Connect(connection, options);
  const bool tls = !login.ca_file.empty() || !login.cert_file.empty() ||
                   login.urls.find("tls://") != std::string::npos;
  return tls && status == NATS_CONNECTION_CLOSED ? NATS_PROTOCOL_ERROR : status;
}

std::optional<std::string> find_login_fault(const std::string& urls,
                                            const NatsCredentials& credentials) {
  const auto login = read_nats_login(urls, credentials);
  if (const auto* error = std::get_if<std::string>(&login)) return *error;
  natsOptions* raw = nullptr;
  if (natsOptions_Create(&raw) != NATS_OK) return std::nullopt;
  const NatsOptionsPtr options(raw);
  return fill_options(options.get(), std::get<NatsLogin>(login));
}

}  // namespace bide
