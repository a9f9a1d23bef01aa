#pragma once

#include "actors/storage/blob_timers.hpp"
#include "actors/storage/blobs_logic.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/storage.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"

#include "tests/unit/storage/stage.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

inline constexpr node_id node_a{1, 1}, node_b{2, 2}, node_c{3, 3};

/// A store that fails on demand and counts its writes.
class fragile_blobs final : public blob_store {
public:
  struct faults {
    bool full = false;
    bool broken = false;
    std::uint64_t free = std::uint64_t{1} << 40;
    std::string refused; ///< bytes that cannot be stored
    std::size_t writes = 0;
  };
  explicit fragile_blobs(faults& given) : given_(given) {}
  result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) override {
    ++given_.writes;
    if (given_.broken)
      return fail(ec::outcome_unknown, "the sync failed");
    if (given_.full)
      return fail(ec::storage_failed, "full");
    for (auto bytes : many)
      if (!given_.refused.empty() && bytes == given_.refused)
        return fail(ec::storage_failed, "this one not");
    return store_->put(many, now);
  }
  result<std::optional<blob_bytes>> get(std::string_view hash) override {
    return given_.full ? fail(ec::storage_failed, "damaged") : store_->get(hash);
  }
  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds grain) override {
    return store_->use(hashes, now, grain);
  }
  result<std::size_t> remove(std::span<const std::string> hashes, instant before) override {
    return store_->remove(hashes, before);
  }
  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) override {
    return store_->list(after, at_most);
  }
  std::uint64_t count() const override { return store_->count(); }
  std::uint64_t bytes() const override { return store_->bytes(); }
  result<std::uint64_t> free_bytes() override { return given_.free; }
  bool broken() const override { return given_.broken; }

private:
  faults& given_;
  std::unique_ptr<blob_store> store_ = make_memory_blob_store();
};

/// service::blobs of two nodes, stepped by hand: `a`, whose disk fails on demand, and `b`.
class blobs : public testing::Test {
protected:
  static BlobPut put(std::string bytes, std::string label = "text") {
    BlobPut made;
    made.set_bytes(std::move(bytes));
    made.set_name(std::move(label));
    return made;
  }
  static BlobGet get(const BlobRef& blob) {
    BlobGet made;
    *made.mutable_blob() = blob;
    return made;
  }
  static BlobRef ref(std::string_view bytes, node_id holder) {
    BlobRef made;
    made.set_sha256(sha256(bytes));
    made.set_size_bytes(bytes.size());
    made.set_holder(to_bytes(holder));
    made.set_name("text");
    return made;
  }
  static std::string bytes_of(std::optional<envelope> reply) {
    auto data = reply ? reply->body.as<BlobData>() : nullptr;
    EXPECT_TRUE(data) << "no data";
    return data ? data->bytes() : std::string{};
  }
  /// A copy of the only message to another node, as it would arrive there.
  static envelope only_question(stage& node) {
    auto sends = node.take();
    EXPECT_EQ(sends.size(), 1u);
    EXPECT_FALSE(sends.empty());
    return sends.empty() ? envelope{} : std::move(sends.front());
  }
  static envelope data(const envelope& question, std::string bytes) {
    BlobData made;
    made.set_bytes(std::move(bytes));
    return reply_to(question, std::move(made));
  }
  static envelope only_reply(stage& node) { return only_question(node); }
  /// Ends the time for gathering.
  static void flush(stage& node) { node.step(timer_fired{go_on_timer}); }
  static std::uint64_t store(stage& node, std::string bytes, std::string label = "text") {
    auto asked = node.ask(put(std::move(bytes), std::move(label)));
    flush(node);
    return asked;
  }
  static BlobsKeep keep(const std::vector<BlobRef>& blobs) {
    BlobsKeep made;
    for (const auto& blob : blobs)
      *made.add_blobs() = blob;
    return made;
  }
  static std::vector<BlobRef> kept_in(std::optional<envelope> reply) {
    auto done = reply ? reply->body.as<BlobsStored>() : nullptr;
    EXPECT_TRUE(done) << "not kept";
    return done ? std::vector<BlobRef>(done->blobs().begin(), done->blobs().end())
                : std::vector<BlobRef>{};
  }
  bool has(stage& node, std::string_view bytes) {
    auto reply = node.reply_to_client(node.ask(get(ref(bytes, node.self().node))));
    return code_of(std::move(reply)) == ec::none;
  }
  blobs_logic::options made_with(std::chrono::nanoseconds keep_time = limits::blob_keep) {
    blobs_logic::options options;
    options.keep = keep_time;
    options.disk_failed = [this](const failure&) { ++disk_failures; };
    return options;
  }

  fragile_blobs::faults faults;
  bool& full = faults.full;
  std::size_t disk_failures = 0;
  metrics counted;
  stage a{
      std::make_unique<blobs_logic>(std::make_unique<fragile_blobs>(faults), counted, made_with()),
      address::of(service::blobs, node_a), 1};
  metrics counted_of_b;
  stage b{std::make_unique<blobs_logic>(make_memory_blob_store(), counted_of_b, made_with()),
          address::of(service::blobs, node_b), 2};
};

} // namespace troupe
