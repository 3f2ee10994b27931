// client/http_source.h: Asks a bide server about one job, over HTTP.
//
// Thread safety: ask() from one thread at a time; cancel() from any.
#pragma once

#include <string>

#include "client/http_connection.h"
#include "client/reply.h"
#include "client/server_url.h"

namespace bide {

enum class Wanted : std::uint8_t { kStatusWord, kRepresentation };

class HttpSource final : public JobSource {
 public:
  // `token` and `cacert` as for HttpConnection.
  HttpSource(const ServerUrl& server, const std::string& job_id, const std::string& token,
             Wanted wanted, const std::string& cacert = "");

  [[nodiscard]] Reply ask(const Question& question) override;
  void cancel() override { connection_.cancel(); }

 private:
  const std::string path_;
  const std::string accept_;
  HttpConnection connection_;
};

}  // namespace bide
