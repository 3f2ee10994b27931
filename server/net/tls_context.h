// server/net/tls_context.h: What all TLS connections share: bide's certificate and key, and which
// clients' certificates are accepted.
//
// TLS 1.2 and 1.3; forward secrecy and authenticated encryption only; no compression, no
// renegotiation, no resumption: a handshake costs a millisecond, and a ticket would outlive the
// client's certificate. ALPN (RFC 7301): h2 where the client offers it, else http/1.1, else none is
// chosen.
//
// Each reload() starts a generation. A connection belongs to the generation that accepted its
// client last, and find_objection() judges the client anew when there is a newer one.
//
// Thread safety: all methods may be called from any thread; reload() by one at a time.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/mutex.h"
#include "server/net/tls_stream.h"

namespace bide {

class TlsContext {
 public:
  struct Files {
    std::filesystem::path certificate;  // PEM: the server's, then those that signed it.
    std::filesystem::path key;          // PEM, not encrypted.
    // PEM: clients must show a certificate that one of these has signed. Empty: they need none.
    std::filesystem::path client_ca;
    // PEM: the certificates that were revoked, from each authority that signs clients' (RFC 5280
    // section 5). Empty: none is looked for. Needs client_ca.
    std::filesystem::path client_crl;
  };

  // Blocks on the disk. Throws StartError: a file is missing or unreadable or holds no PEM, or the
  // key is another certificate's. A certificate or list that has expired, or is not valid yet, is
  // only logged; but with such a list no certificate of its authority is accepted. `http2`: whether
  // h2 is offered.
  explicit TlsContext(Files files, bool http2 = true);

  // Reads the files anew, for connections that begin from now on, and for find_objection().
  // nullopt: done. Else one line that says why not; then everything stays as it was. Blocks on the
  // disk.
  [[nodiscard]] std::optional<std::string> reload();
  // The files that reload() reads.
  [[nodiscard]] std::vector<std::filesystem::path> files() const;

  // On an accepted socket, before its handshake. Null: out of memory.
  [[nodiscard]] std::unique_ptr<TlsStream> begin(int fd) const;

  // Judges the client of `stream`, whose handshake is over, by the current files. nullopt: it is
  // accepted. Else one line that says why not. Costs one atomic load unless there was a reload
  // since the last call for this stream. The caller owns the connection.
  [[nodiscard]] std::optional<std::string> find_objection(TlsStream& stream) const;

 private:
  using Context = std::shared_ptr<SSL_CTX>;
  struct InForce {
    Context context;
    std::uint32_t generation;
  };
  [[nodiscard]] static std::variant<Context, std::string> load(const Files& files, bool http2);

  [[nodiscard]] InForce in_force() const;

  const Files files_;
  const bool http2_;
  std::atomic<std::uint32_t> generation_{0};  // Changes with context_.
  mutable Mutex mutex_;
  Context context_ GUARDED_BY(mutex_);
};

}  // namespace bide
