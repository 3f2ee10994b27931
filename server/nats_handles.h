// server/nats_handles.h: Owners for the objects that nats.c hands out.
//
// Thread safety: as std::unique_ptr.
#pragma once

#include <nats/nats.h>

#include <memory>

namespace bide {

template <auto kDestroy>
struct NatsDestroy {
  template <typename T>
  void operator()(T* object) const noexcept {
    kDestroy(object);
  }
};

using NatsOptionsPtr = std::unique_ptr<natsOptions, NatsDestroy<natsOptions_Destroy>>;
using NatsMsgPtr = std::unique_ptr<natsMsg, NatsDestroy<natsMsg_Destroy>>;
using JsContextPtr = std::unique_ptr<jsCtx, NatsDestroy<jsCtx_Destroy>>;
using StreamInfoPtr = std::unique_ptr<jsStreamInfo, NatsDestroy<jsStreamInfo_Destroy>>;
using ConsumerInfoPtr = std::unique_ptr<jsConsumerInfo, NatsDestroy<jsConsumerInfo_Destroy>>;
using KvStorePtr = std::unique_ptr<kvStore, NatsDestroy<kvStore_Destroy>>;

}  // namespace bide
