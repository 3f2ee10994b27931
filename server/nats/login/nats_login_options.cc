// Sets the options of nats.c for a login.
#include "server/nats/login/nats_key_file.h"
#include "server/nats/login/nats_login.h"
#include "server/nats/login/nats_url.h"

#include <vector>

namespace bide {
namespace {

natsStatus set_servers(natsOptions* options, const NatsLogin& login) {
  std::vector<std::string> urls = split_nats_urls(login.urls);
  std::vector<const char*> pointers;
  bool tls = !login.ca_file.empty() || !login.cert_file.empty();
  for (std::string& url : urls) {
    url = with_user_for_connect(url);
    pointers.push_back(url.c_str());
    tls = tls || url.starts_with("tls://");
  }
  natsStatus status =
      natsOptions_SetServers(options, pointers.data(), static_cast<int>(pointers.size()));
  // nats.c ignores the scheme. Without this, tls:// would fall back to plain text.
  if (status == NATS_OK && tls) status = natsOptions_SetSecure(options, true);
  return status;
}

natsStatus set_identity(natsOptions* options, const NatsLogin& login) {
  if (!login.user.empty()) {
    return natsOptions_SetUserInfo(options, escaped_for_connect(login.user).c_str(),
                                   escaped_for_connect(login.password).c_str());
  }
  if (!login.token.empty()) {
    return natsOptions_SetToken(options, escaped_for_connect(login.token).c_str());
  }
  if (!login.nkey_file.empty()) {
    return use_nkey_file(options, login.public_nkey, login.nkey_file);
  }
  if (!login.creds_file.empty()) return use_creds_file(options, login.creds_file);
  return NATS_OK;
}

}  // namespace

std::optional<std::string> fill_options(natsOptions* options, const NatsLogin& login) {
  natsStatus status = set_servers(options, login);
  if (status == NATS_OK) status = set_identity(options, login);
  if (status != NATS_OK) return std::string(natsStatus_GetText(status));
  if (!login.inbox_prefix.empty() &&
      natsOptions_SetCustomInboxPrefix(options, login.inbox_prefix.c_str()) != NATS_OK) {
    return std::string("the inbox prefix is no subject without wildcards, such as _INBOX_ci");
  }
  if (!login.ca_file.empty() &&
      natsOptions_LoadCATrustedCertificates(options, login.ca_file.c_str()) != NATS_OK) {
    return login.ca_file.string() + ": damaged; --nats-ca expects certificates in PEM form";
  }
  if (!login.cert_file.empty() &&
      natsOptions_LoadCertificatesChain(options, login.cert_file.c_str(), login.key_file.c_str()) !=
          NATS_OK) {
    return login.cert_file.string() + ": damaged, or not the certificate of the key in " +
           login.key_file.string() +
           "; --nats-cert and --nats-key expect a pair without a passphrase";
  }
  return std::nullopt;
}

}  // namespace bide
