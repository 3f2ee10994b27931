// server/net/tls_context.h: The certificate that bide shows, its key, and whose clients it takes:
// what all TLS sessions share.
//
// TLS 1.2 and 1.3; forward secrecy and authenticated encryption only; no compression, no
// renegotiation, no resumption: a handshake costs a millisecond, and a ticket would outlive the
// client's certificate. ALPN (RFC 7301): http/1.1 where the client offers it, else none
// is chosen.
//
// Thread safety: all methods may be called from any thread; reload() by one at a time.
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/mutex.h"
#include "server/net/tls_session.h"

namespace bide {

class TlsContext {
 public:
  struct Files {
    std::filesystem::path certificate;  // PEM: the server's, then those that signed it.
    std::filesystem::path key;          // PEM, not encrypted.
    // PEM: clients must show a certificate that one of these has signed. Empty: they need none.
    std::filesystem::path client_ca;
  };

  // Blocks on the disk. Throws StartError: a file is missing or unreadable or holds no PEM, or the
  // key is another certificate's. That a certificate is out of its time is only logged.
  explicit TlsContext(Files files);

  // Reads the files anew, for sessions that begin from now on. nullopt: done; else why not, in one
  // line, and all stays as it was. Blocks on the disk.
  [[nodiscard]] std::optional<std::string> reload();
  // The files that reload() reads.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

  // A session on an accepted socket, before its handshake. Null: no memory.
  [[nodiscard]] std::unique_ptr<TlsSession> begin(int fd) const;

 private:
  using Context = std::shared_ptr<SSL_CTX>;
  [[nodiscard]] static std::variant<Context, std::string> load(const Files& files);

  const Files files_;
  mutable Mutex mutex_;
  Context context_ GUARDED_BY(mutex_);
};

}  // namespace bide
