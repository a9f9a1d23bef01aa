#include "actors/coordination/run_blobs.hpp"

#include "messages/agents.pb.h"
#include "messages/value_blobs.hpp"

namespace troupe {

void run_blobs::began(step_context& context, const address& self, run_id run,
                      const value_map& inputs) {
  by_holder named;
  each_blob_of(inputs, [&](const BlobRef& blob) {
    named[node_from_bytes(blob.holder())].push_back(blob.sha256());
    return true;
  });
  if (named.empty())
    return;
  tell(context, self, named);
  if (runs_.empty())
    context.out.arm(timer_, every_);
  runs_.emplace(run, std::move(named));
}

void run_blobs::ended(step_context& context, const address& self, run_id run) {
  auto found = runs_.find(run);
  if (found == runs_.end())
    return;
  tell(context, self, found->second);
  runs_.erase(found);
  if (runs_.empty())
    context.out.arm(timer_, {});
}

void run_blobs::renew(step_context& context, const address& self) {
  for (const auto& [run, blobs] : runs_)
    tell(context, self, blobs);
  if (!runs_.empty())
    context.out.arm(timer_, every_);
}

void run_blobs::tell(step_context& context, const address& self, const by_holder& blobs) {
  for (const auto& [holder, hashes] : blobs) {
    BlobsHeld held;
    for (const auto& hash : hashes)
      held.add_sha256(hash);
    auto message =
        make_envelope(message_kind::event, address::of(service::blobs, holder), std::move(held));
    message.sender = self;
    context.out.send(std::move(message));
  }
}

} // namespace troupe
