#include "server/exchange.h"

#include <utility>

#include "server/front.h"
#include "server/response_writer.h"

namespace bide {

void Exchange::send(const httplib::Response& response, LogPath path) {
  const RequestFacts& asked = connection_.facts;
  std::string text;
  append_response(text, response,
                  {.head_only = asked.head, .http_1_0 = asked.http10, .close = asked.close});
  send_laid_out(response.status, text, nullptr, {}, path);
}

void Exchange::send_laid_out(int status, std::string_view text,
                             const std::shared_ptr<const Snapshot>& owner, std::string_view body,
                             LogPath path) {
  count(front_.metrics_.responses[static_cast<std::size_t>(status / 100)]);
  front_.access_logger_.response(connection_, status, text.size() + body.size(), path);
  front_.send(connection_, text, owner, body);
}

Exchange::Park Exchange::park(std::string_view id, Waiter::Terms terms, JobTable::Parked& parked,
                              JobTable::Look& look) {
  parked = front_.park(connection_, rest_, id, std::move(terms), look);
  handed_over_ = parked == JobTable::Parked::kParked || parked == JobTable::Parked::kGone;
  return handed_over_ ? Park::kParked : Park::kNotParked;
}

}  // namespace bide
