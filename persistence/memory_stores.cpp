#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "persistence/blob_store.hpp"
#include "persistence/open_messages.hpp"
#include "persistence/state_change.hpp"
#include "persistence/state_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

namespace troupe {

namespace {

class memory_state_store final : public state_store {
public:
  result<std::optional<Snapshot>> get(std::string_view agent) override {
    auto found = snapshots_.find(agent);
    if (found == snapshots_.end())
      return std::optional<Snapshot>{};
    return std::optional<Snapshot>(found->second);
  }
  result<std::vector<StepsMade>> open_messages_of(std::string_view agent) override {
    auto found = open_.find(agent);
    return found == open_.end() ? std::vector<StepsMade>{} : found->second.all();
  }
  using state_store::put;
  result<std::vector<std::string>> put(std::span<const state_write> many) override {
    std::vector<std::string> released;
    for (const auto& one : many) {
      if (one.settled && !one.settled->empty())
        open_[std::string(one.agent)].settle(*one.settled);
      if (one.steps) {
        open_[std::string(one.agent)].add(*one.steps);
        continue;
      }
      if (one.change) {
        if (!change(one.agent, *one.change, released))
          return fail(ec::storage_failed, "a change does not follow on what is there");
        continue;
      }
      snapshots_.insert_or_assign(std::string(one.agent), one.snapshot);
      std::set<std::string> named(one.blobs.begin(), one.blobs.end());
      auto& before = named_[std::string(one.agent)];
      std::set_difference(before.begin(), before.end(), named.begin(), named.end(),
                          std::back_inserter(released));
      before = std::move(named);
    }
    return released;
  }
  result<bool> names(std::string_view hash) override {
    return std::any_of(named_.begin(), named_.end(),
                       [&](const auto& agent) { return agent.second.contains(std::string(hash)); });
  }
  result<std::uint64_t> count() override { return snapshots_.size(); }

private:
  bool change(std::string_view agent, const StateChange& what, std::vector<std::string>& released) {
    auto found = snapshots_.find(agent);
    if (found == snapshots_.end() || !apply(what, found->second))
      return false;
    auto& named = named_[std::string(agent)];
    for (const auto& hash : what.blobs_forgotten())
      if (named.erase(hash) > 0)
        released.push_back(hash);
    named.insert(what.blobs_named().begin(), what.blobs_named().end());
    return true;
  }

  std::map<std::string, Snapshot, std::less<>> snapshots_;
  std::map<std::string, std::set<std::string>> named_;
  std::map<std::string, open_messages, std::less<>> open_;
};

class memory_blob_store final : public blob_store {
public:
  using blob_store::put;
  result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) override {
    std::vector<BlobRef> made;
    for (auto bytes : many) {
      auto& ref = made.emplace_back();
      ref.set_sha256(sha256(bytes));
      ref.set_size_bytes(bytes.size());
      blobs_.insert_or_assign(ref.sha256(), blob{blob_bytes::copy_of(bytes), now});
    }
    return made;
  }
  result<std::optional<blob_bytes>> get(std::string_view hash) override {
    auto found = blobs_.find(hash);
    if (found == blobs_.end())
      return std::optional<blob_bytes>{};
    return std::optional<blob_bytes>(found->second.bytes);
  }
  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds) override {
    std::vector<std::optional<std::uint64_t>> sizes;
    for (const auto& hash : hashes) {
      auto found = blobs_.find(hash);
      if (found == blobs_.end()) {
        sizes.emplace_back();
        continue;
      }
      found->second.used = now;
      sizes.emplace_back(found->second.bytes.size());
    }
    return sizes;
  }
  result<std::size_t> remove(std::span<const std::string> hashes, instant before) override {
    std::size_t removed = 0;
    for (const auto& hash : hashes)
      if (auto found = blobs_.find(hash); found != blobs_.end() && found->second.used < before) {
        blobs_.erase(found);
        ++removed;
      }
    return removed;
  }
  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) override {
    std::vector<blob_entry> made;
    for (auto at = blobs_.upper_bound(after); at != blobs_.end() && made.size() < at_most; ++at)
      made.push_back({at->first, at->second.bytes.size(), at->second.used});
    return made;
  }
  std::uint64_t count() const override { return blobs_.size(); }
  std::uint64_t bytes() const override {
    std::uint64_t sum = 0;
    for (const auto& [hash, known] : blobs_)
      sum += known.bytes.size();
    return sum;
  }

private:
  struct blob {
    blob_bytes bytes;
    instant used;
  };
  std::map<std::string, blob, std::less<>> blobs_;
};

} // namespace

std::unique_ptr<state_store> make_memory_state_store() {
  return std::make_unique<memory_state_store>();
}

std::unique_ptr<blob_store> make_memory_blob_store() {
  return std::make_unique<memory_blob_store>();
}

} // namespace troupe
