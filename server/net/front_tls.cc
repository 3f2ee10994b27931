// The part of server/net/front.h that only TLS needs.
#include "server/log/log.h"
#include "server/net/front.h"
#include "server/net/protocol.h"

namespace bide {

// One step of the handshake. It runs as a laborious task, so that a flood of handshakes delays
// nobody else. A client whose step has waited for longer than a handshake may take has given up.
void Front::shake(Connection& connection) {
  if (clock_.now() > connection.deadline) return on_expired(connection);
  if (connection.tls == nullptr) {
    if (!enter_handshake(connection)) return;
    connection.tls = tls_->begin(connection.fd);
  }
  if (connection.tls == nullptr) return close(connection);
  const TlsStream::Step step = connection.tls->shake();
  switch (step) {
    case TlsStream::Step::kPending:
      return rest(connection, Connection::Phase::kShaking, connection.deadline);
    case TlsStream::Step::kDone:
      count(metrics_.tls_handshakes);
      leave_handshake(connection);
      connection.deadline = kEndOfTime;
      connection.phase = Connection::Phase::kReading;
      connection.http2 = connection.tls->speaks_http2();
      connection.expires.store(reaping_of(clock_.now() + limits_.idle), std::memory_order_relaxed);
      return protocol_of(connection).read(connection);
    case TlsStream::Step::kGone:
      return close(connection);
    case TlsStream::Step::kPlainHttp:
      count(metrics_.tls_handshake_failures);
      connection.tls.reset();
      leave_handshake(connection);
      return protocol_of(connection).refuse(connection, 400, "this port speaks HTTPS only");
    case TlsStream::Step::kFailed:
      break;
  }
  count(metrics_.tls_handshake_failures);
  static LogLimit limit;
  const std::string why = connection.tls->trouble();
  log_warn_limited(limit, "a TLS handshake failed", {{"reason", std::string_view(why)}});
  half_close(connection);  // Otherwise the alert, which says what is wrong, may be lost.
}

// Nothing is held for a handshake before it is let in.
bool Front::enter_handshake(Connection& connection) {
  switch (handshakes_.enter(connection.exchange.address.client(), key_of(connection))) {
    case HandshakeGate::Verdict::kIn:
      connection.in_handshake = true;
      connection.deadline = clock_.now() + limits_.head;  // The time that it waited does not count.
      return true;
    case HandshakeGate::Verdict::kWaiting:
      rest(connection, Connection::Phase::kShaking, connection.deadline);
      return false;
    case HandshakeGate::Verdict::kTooMany:
      break;
  }
  count(metrics_.refused(ConnectionRefusal::kClient));
  close(connection);
  return false;
}

void Front::leave_handshake(Connection& connection) {
  if (!connection.in_handshake) return;
  connection.in_handshake = false;
  handshakes_.leave(connection.exchange.address.client());
  if (const auto key = handshakes_.next()) look_again(*key, Connection::kInput);
}

void Front::watch_for_tls(Connection& connection) {
  if (connection.tls == nullptr) return;
  const bool room = connection.tls->wants_room();
  if (room == connection.tls->watched_for_room) return;
  watch_for(connection, room ? kReadEvents | EPOLLOUT : kReadEvents);
}

bool Front::accepts_client(Connection& connection) {
  if (connection.tls == nullptr) return true;
  const auto objection = tls_->find_objection(*connection.tls);
  if (!objection) return true;
  static LogLimit limit;
  log_warn_limited(limit, "a client's certificate is not accepted any more",
                   {{"reason", std::string_view(*objection)}});
  return false;
}

}  // namespace bide
