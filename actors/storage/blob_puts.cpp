// How blobs are stored: many with one write to the disk.

#include "actors/storage/blob_checks.hpp"
#include "actors/storage/blobs_logic.hpp"
#include "config/limits/messages.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe {

void blobs_logic::gather(step_context& context, gathered one) {
  gathered_bytes_ += one.fetched.size();
  for (auto put : puts_in(one.request))
    gathered_bytes_ += put->bytes().size();
  gathered_.push_back(std::move(one));
  if (gathered_bytes_ >= limits::blob_batch_bytes_max)
    flush(context);
  else
    go_on_later(context);
}

void blobs_logic::flush(step_context& context) {
  auto all = std::exchange(gathered_, {});
  gathered_bytes_ = 0;
  if (all.empty())
    return;
  if (auto done = store(context, all); !done && still_sound(done.error()) && all.size() > 1) {
    // A blob that cannot be stored must not keep out the others.
    for (auto& one : all)
      if (auto alone = store(context, {&one, 1}); !alone)
        not_stored(context, one, alone.error());
  } else if (!done) {
    for (auto& one : all)
      not_stored(context, one, done.error());
  }
  collector_.used(context);
  count();
}

result<void> blobs_logic::store(step_context& context, std::span<gathered> some) {
  std::vector<std::string_view> bytes;
  std::vector<std::size_t> counts;
  for (auto& one : some) {
    auto before = bytes.size();
    for (auto put : puts_in(one.request))
      bytes.push_back(put->bytes());
    if (one.request.body.empty())
      bytes.push_back(one.fetched.view());
    counts.push_back(bytes.size() - before);
  }
  auto refs = store_->put(bytes, context.now);
  if (!refs)
    return unexpected{std::move(refs).error()};
  std::span<BlobRef> rest(*refs);
  for (std::size_t i = 0; i < some.size(); ++i) {
    stored(context, some[i], rest.first(counts[i]));
    rest = rest.subspan(counts[i]);
  }
  return {};
}

void blobs_logic::stored(step_context& context, gathered& one, std::span<BlobRef> refs) {
  for (auto number : one.keeps)
    keeps_.arrived(context, number);
  if (one.request.body.empty())
    return;
  auto puts = puts_in(one.request);
  context.out.debug(
      component,
      [&] {
        return "has stored " + std::to_string(refs.size()) + " of " + to_string(one.request.sender)
               + (refs.empty() ? "" : ": " + label_of(refs.front()))
               + (refs.size() > 1 ? " and others" : "");
      },
      one.request.trace.trace);
  BlobsStored done;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    auto added = done.add_blobs();
    *added = std::move(refs[i]);
    added->set_name(puts[i]->name());
    added->set_holder(to_bytes(self_.node));
  }
  if (one.request.body.kind() == payload_kind::BlobPuts)
    return context.out.send(reply_to(one.request, std::move(done)));
  BlobStored single;
  single.mutable_blob()->Swap(done.mutable_blobs(0));
  context.out.send(reply_to(one.request, std::move(single)));
}

void blobs_logic::not_stored(step_context& context, gathered& one, const failure& why) {
  context.out.log(log_level::error, component, why.message, one.request.trace.trace);
  for (std::size_t i = 0; i < one.keeps.size(); ++i)
    keeps_.failed(context, one.keeps[i], one.kept[i], why);
  if (!one.request.body.empty())
    context.out.send(reply_failure(one.request, why));
}

/// False: the state of the disk is no longer known.
bool blobs_logic::still_sound(const failure& why) {
  if (!store_->broken())
    return true;
  if (options_.disk_failed)
    options_.disk_failed(why);
  return false;
}

} // namespace troupe
