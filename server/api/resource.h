// server/api/resource.h: Something that a path names and GET and HEAD read.
//
// Thread safety: all methods may be called from any thread.
#pragma once

#include <httplib.h>

#include <string_view>

#include "server/net/exchange.h"

namespace bide {

class Resource : public Holder {
 public:
  // Answers or parks a GET or HEAD. `key`: what the path says beyond the resource, as a job's id.
  virtual void handle(std::string_view key, const httplib::Request& request,
                      Exchange& exchange) = 0;
};

}  // namespace bide
