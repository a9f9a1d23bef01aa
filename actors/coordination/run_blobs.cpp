#include "actors/coordination/run_blobs.hpp"

#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

namespace troupe {

void run_blobs::collect(const Value& from, by_holder& into, std::size_t depth) {
  if (depth == 0)
    return; // no link brings a value that is so deep
  if (from.has_blob())
    into[node_from_bytes(from.blob().holder())].push_back(from.blob().sha256());
  for (const auto& item : from.list().items())
    collect(item, into, depth - 1);
  for (const auto& [key, field] : from.map().fields())
    collect(field, into, depth - 1);
}

void run_blobs::began(step_context& context, const address& self, run_id run,
                      const value_map& inputs) {
  by_holder named;
  for (const auto& [key, value] : inputs)
    collect(value, named, limits::held_value_depth_max);
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
