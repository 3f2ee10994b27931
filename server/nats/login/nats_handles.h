// server/nats/login/nats_handles.h: Owning pointers for objects of nats.c.
//
// Thread safety: as std::unique_ptr.
#pragma once

#include <nats/nats.h>

#include "core/base/c_handle.h"

namespace bide {

using NatsOptionsPtr = CHandle<natsOptions, natsOptions_Destroy>;
using NatsMsgPtr = CHandle<natsMsg, natsMsg_Destroy>;
using JsContextPtr = CHandle<jsCtx, jsCtx_Destroy>;
using StreamInfoPtr = CHandle<jsStreamInfo, jsStreamInfo_Destroy>;
using KvStorePtr = CHandle<kvStore, kvStore_Destroy>;
using NatsConnectionPtr = CHandle<natsConnection, natsConnection_Destroy>;
using NatsStatisticsPtr = CHandle<natsStatistics, natsStatistics_Destroy>;

}  // namespace bide
