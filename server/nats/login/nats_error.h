// server/nats/login/nats_error.h: What nats.c says went wrong, in words that help.
//
// Thread safety: any thread; to be called on the one that the library returned the status to.
#pragma once

#include <nats/nats.h>

#include <string>
#include <string_view>

namespace bide {

// The library's text for `status`, and where it has one its own account of the last error.
[[nodiscard]] std::string describe_nats_error(natsStatus status);

// The same of an attempt to connect, with what to look at.
[[nodiscard]] std::string describe_connect_error(natsStatus status);

// The server was reached and does not want us: as whom we came, or without a certificate.
[[nodiscard]] bool is_refusal(natsStatus status_of_connect);

// Of what the server refuses (NatsConnection::denial()): it is a subscription that answers to
// requests come to, without which nothing can be asked.
[[nodiscard]] bool denies_answers(std::string_view denial);

}  // namespace bide
