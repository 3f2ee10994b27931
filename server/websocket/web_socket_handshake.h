// server/websocket/web_socket_handshake.h: Whether a request opens a WebSocket: RFC 6455
// section 4.2.
//
// Thread safety: pure function.
#pragma once

#include <string_view>
#include <variant>

#include "server/http/message.h"

namespace bide {

// The one subprotocol there is. A client need not ask for it.
inline constexpr std::string_view kWebSocketProtocol = "bide.v1";

struct UpgradeAccepted {
  // 101 with Upgrade, Connection and Sec-WebSocket-Accept, and Sec-WebSocket-Protocol if bide.v1
  // was offered; never anything else, such as a token that was offered beside it.
  http::Response response;
};

// `request` is for a WebSocket resource, and has whichever of Host, Connection, Upgrade, Origin and
// Sec-WebSocket-* were sent, values trimmed. Refused, as problems, in this order:
//   405  not GET, nor HEAD
//   426  asks for no upgrade to WebSocket: a plain GET, HTTP/1.0, or a field that a proxy dropped
//   426  Sec-WebSocket-Version is not 13; the answer names it
//   400  two versions; not exactly one Sec-WebSocket-Key, of 16 bytes in base64
//   403  an Origin that is not http or https on the same host and port as Host, and is not named.
//        Browsers always send it, and let any page open a socket to 127.0.0.1; section 10.2.
//        Programs send none.
// Extensions are not negotiated: Sec-WebSocket-Extensions is ignored.
[[nodiscard]] std::variant<UpgradeAccepted, http::Response> judge_upgrade(
    const http::Request& request, bool named_origin = false);

}  // namespace bide
