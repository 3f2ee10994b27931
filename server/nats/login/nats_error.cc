#include "server/nats/login/nats_error.h"

#include <string_view>

namespace bide {

std::string describe_nats_error(natsStatus status) {
  std::string text = natsStatus_GetText(status);
  natsStatus last = NATS_OK;
  const char* const last_error = nats_GetLastError(&last);
  if (last != status || last_error == nullptr) return text;
  // The text begins with a place in the library's source: `(conn.c:2088): No server available…`.
  std::string_view detail = last_error;
  const std::size_t place = detail.starts_with('(') ? detail.find("): ") : std::string_view::npos;
  if (place != std::string_view::npos) detail.remove_prefix(place + 3);
  if (!detail.empty() && detail != text) text.append(": ").append(detail);
  return text;
}

std::string describe_connect_error(natsStatus status) {
  switch (status) {
    case NATS_SSL_ERROR:
      return "the server's certificate is not trusted (see --nats-ca) or not for this host: " +
             describe_nats_error(status);
    case NATS_PROTOCOL_ERROR:
      // A TLS 1.3 client finishes its handshake before the server has checked its certificate. It
      // learns of a refusal only when the connection ends.
      return "the server ended the connection; it may want a certificate that it knows "
             "(see --nats-cert)";
    case NATS_SECURE_CONNECTION_WANTED:
      return "the server offers no TLS, which tls://, --nats-ca and --nats-cert ask for";
    default:
      return describe_nats_error(status);
  }
}

// `Permissions Violation for Subscription to "_INBOX.x.*"`. bide subscribes to nothing else except
// advisories.
bool denies_answers(std::string_view denial) {
  return denial.find("Subscription") != std::string_view::npos &&
         denial.find("$JS.EVENT.ADVISORY.") == std::string_view::npos;
}

bool is_refusal(natsStatus status_of_connect) {
  return status_of_connect == NATS_CONNECTION_AUTH_FAILED ||
         status_of_connect == NATS_PROTOCOL_ERROR;
}

}  // namespace bide
