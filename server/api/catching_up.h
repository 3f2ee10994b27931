// server/api/catching_up.h: Who holds a request until the table has applied what the stream held
// when it came (core/table/catch_up.h), and gives it back to its resource then, to be judged from
// the start.
//
// Each resource has one. A request is parked here once at most (RequestFacts::caught_up).
//
// Thread safety: as Holder.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "core/table/catch_up.h"
#include "server/net/exchange.h"

namespace bide {

class CatchingUp final : public Holder {
 public:
  // How long a request is held that did not ask to wait, and one that is about to get a 404.
  static constexpr std::chrono::milliseconds kPatience{2000};

  // A resource that lets its requests be held here.
  class Resumed {
   public:
    // The request as it was parked: its key, terms and facts. kChanged: the table has caught up.
    // Any other outcome says why it is held no longer though nobody knows.
    virtual void resume(Outcome outcome, Exchange& exchange) = 0;

   protected:
    ~Resumed() = default;
  };

  // `resource` and `lot` must outlive this; `holder` is the resource, too.
  CatchingUp(CatchUp& lot, const Holder& holder, Resumed& resource)
      : lot_(lot), holder_(holder), resource_(resource) {}

  // nullopt: the exchange is over here. Else it is as if resumed, not caught up: there is no room
  // (kShed), or the server is draining (kDrain). Terms::deadline is what bounds it, whatever the
  // request may wait for later.
  [[nodiscard]] std::optional<Outcome> hold(std::string_view key, Waiter::Terms terms,
                                            Exchange& exchange) {
    Lot::Parked parked{};
    Lot::Look nothing;
    const auto held = exchange.park(*this, key, std::move(terms), parked, nothing);
    if (held == Exchange::Park::kParked) return std::nullopt;
    return parked == Lot::Parked::kDraining ? Outcome::kDrain : Outcome::kShed;
  }

  [[nodiscard]] Lot& lot() override { return lot_; }
  [[nodiscard]] LogPath log_path(std::string_view key) const override {
    return holder_.log_path(key);
  }
  [[nodiscard]] ParkedOn parked_on(std::string_view key) const override {
    return holder_.parked_on(key);
  }
  void finish(Outcome outcome, const std::shared_ptr<const Snapshot>& /*none*/,
              Exchange& exchange) override {
    if (outcome == Outcome::kChanged) {
      exchange.facts().caught_up = true;
      lot_.forget_foreign(exchange.terms().seen);
    }
    resource_.resume(outcome, exchange);
  }

 private:
  CatchUp& lot_;
  const Holder& holder_;
  Resumed& resource_;
};

}  // namespace bide
