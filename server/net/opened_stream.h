// server/net/opened_stream.h: A request as a stream, and the head that says so, before it is sent.
#pragma once

#include <httplib.h>

#include <memory>

#include "server/http/stream.h"

namespace bide {

struct OpenedStream {
  std::unique_ptr<Stream> stream;
  httplib::Response head;
};

}  // namespace bide
