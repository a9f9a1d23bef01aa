#include "tests/sim/disk.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::sim {

namespace {

class simulated_states final : public state_store {
public:
  explicit simulated_states(disk& on) : disk_(on) {}

  result<std::optional<Snapshot>> get(std::string_view agent) override {
    auto found = disk_.seen().states.find(agent);
    if (found == disk_.seen().states.end())
      return std::optional<Snapshot>{};
    return std::optional<Snapshot>{found->second};
  }
  using state_store::put;
  result<std::vector<std::string>> put(std::span<const state_write> many) override {
    struct row {
      std::string agent;
      Snapshot snapshot;
      std::set<std::string> named;
    };
    std::vector<row> rows;
    std::vector<std::string> released;
    for (const auto& one : many) {
      const auto& now = rows.emplace_back(
          row{std::string{one.agent}, one.snapshot, {one.blobs.begin(), one.blobs.end()}});
      auto before = disk_.seen().named.find(now.agent);
      if (before != disk_.seen().named.end())
        std::set_difference(before->second.begin(), before->second.end(), now.named.begin(),
                            now.named.end(), std::back_inserter(released));
    }
    auto written = disk_.write_safely([rows = std::move(rows)](disk::image& into) {
      for (const auto& one : rows) {
        into.states.insert_or_assign(one.agent, one.snapshot);
        into.named.insert_or_assign(one.agent, one.named);
      }
    });
    if (!written)
      return unexpected{written.error()};
    return released;
  }
  result<std::uint64_t> count() override { return disk_.seen().states.size(); }
  result<bool> names(std::string_view hash) override {
    return std::any_of(disk_.seen().named.begin(), disk_.seen().named.end(),
                       [&](const auto& agent) { return agent.second.contains(std::string{hash}); });
  }
  bool broken() const override { return disk_.broken(); }

private:
  disk& disk_;
};

class simulated_blobs final : public blob_store {
public:
  explicit simulated_blobs(disk& on) : disk_(on) {}

  using blob_store::put;
  result<std::vector<BlobRef>> put(std::span<const std::string_view> many, instant now) override {
    std::vector<BlobRef> made;
    std::vector<std::string> all;
    for (auto bytes : many) {
      auto& ref = made.emplace_back();
      ref.set_sha256(sha256(bytes));
      ref.set_size_bytes(bytes.size());
      all.emplace_back(bytes);
    }
    auto written = disk_.write_safely([=](disk::image& into) {
      for (std::size_t i = 0; i < all.size(); ++i)
        into.blobs.insert_or_assign(made[i].sha256(), disk::blob{all[i], now});
    });
    if (!written)
      return unexpected{written.error()};
    return made;
  }
  result<std::optional<blob_bytes>> get(std::string_view hash) override {
    auto found = disk_.seen().blobs.find(hash);
    if (found == disk_.seen().blobs.end())
      return std::optional<blob_bytes>{};
    return std::optional<blob_bytes>{blob_bytes::copy_of(found->second.bytes)};
  }
  result<std::vector<std::optional<std::uint64_t>>>
  use(std::span<const std::string> hashes, instant now, std::chrono::nanoseconds) override {
    std::vector<std::optional<std::uint64_t>> sizes;
    for (const auto& hash : hashes) {
      auto found = disk_.seen().blobs.find(hash);
      if (found == disk_.seen().blobs.end()) {
        sizes.emplace_back();
        continue;
      }
      sizes.emplace_back(found->second.bytes.size());
      disk_.write([=](disk::image& into) { // not synced
        if (auto used = into.blobs.find(hash); used != into.blobs.end())
          used->second.used = now;
      });
    }
    return sizes;
  }
  result<std::size_t> remove(std::span<const std::string> hashes, instant before) override {
    std::vector<std::string> old;
    for (const auto& hash : hashes)
      if (auto found = disk_.seen().blobs.find(hash);
          found != disk_.seen().blobs.end() && found->second.used < before)
        old.push_back(hash);
    if (!old.empty())
      disk_.write([=](disk::image& into) {
        for (const auto& hash : old)
          into.blobs.erase(hash);
      });
    return old.size();
  }
  result<std::vector<blob_entry>> list(std::string_view after, std::size_t at_most) override {
    const auto& blobs = disk_.seen().blobs;
    std::vector<blob_entry> made;
    for (auto at = blobs.upper_bound(after); at != blobs.end() && made.size() < at_most; ++at)
      made.push_back({at->first, at->second.bytes.size(), at->second.used});
    return made;
  }
  std::uint64_t count() const override { return disk_.seen().blobs.size(); }
  std::uint64_t bytes() const override {
    std::uint64_t sum = 0;
    for (const auto& [hash, known] : disk_.seen().blobs)
      sum += known.bytes.size();
    return sum;
  }
  bool broken() const override { return disk_.broken(); }

private:
  disk& disk_;
};

} // namespace

std::unique_ptr<state_store> disk::open_states() {
  return std::make_unique<simulated_states>(*this);
}

std::unique_ptr<blob_store> disk::open_blobs() { return std::make_unique<simulated_blobs>(*this); }

void disk::write(change what) {
  what(seen_);
  unsynced_.push_back(std::move(what));
}

void disk::sync() {
  for (const auto& what : unsynced_)
    what(safe_);
  unsynced_.clear();
}

result<void> disk::write_safely(change what) {
  if (broken_ || dice_.once_in(faults.refuses_once_in))
    return fail(ec::storage_failed, "the simulated disk is full");
  write(std::move(what));
  if (dice_.once_in(faults.power_lost_once_in))
    throw process_ends{true};
  if (dice_.once_in(faults.fails_once_in)) {
    broken_ = true;
    return fail(ec::outcome_unknown, "the simulated disk has failed");
  }
  sync();
  return {};
}

void disk::stop() {
  auto kept = dice_.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i)
    unsynced_[i](safe_);
  unsynced_.clear();
  seen_ = safe_;
  broken_ = false;
}

} // namespace troupe::sim
