#include "tests/sim/disk.hpp"

#include "persistence/state_change.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

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
  result<std::vector<StepsMade>> open_messages_of(std::string_view agent) override {
    auto found = disk_.seen().open.find(agent);
    return found == disk_.seen().open.end() ? std::vector<StepsMade>{} : found->second.all();
  }
  using state_store::put;
  result<std::vector<std::string>> put(std::span<const state_write> many) override {
    struct row {
      std::string agent;
      Snapshot snapshot;
      std::set<std::string> named;
      google::protobuf::RepeatedPtrField<MessageKey> settled;
      std::optional<StepsMade> steps; ///< instead of a state
    };
    std::vector<row> rows;
    std::vector<std::string> released;
    for (const auto& one : many) {
      rows.push_back(
          {std::string{one.agent}, one.snapshot, {one.blobs.begin(), one.blobs.end()}, {}, {}});
      auto& now = rows.back();
      if (one.settled)
        now.settled = *one.settled;
      if (one.steps) {
        now.steps = *one.steps;
        continue;
      }
      if (one.change && !change(now.agent, *one.change, now.snapshot, now.named))
        return fail(ec::storage_failed, "a change does not follow on what is there");
      auto before = disk_.seen().named.find(now.agent);
      if (before != disk_.seen().named.end())
        std::set_difference(before->second.begin(), before->second.end(), now.named.begin(),
                            now.named.end(), std::back_inserter(released));
    }
    auto written = disk_.write_safely([rows = std::move(rows)](disk::image& into) {
      for (const auto& one : rows) {
        if (!one.settled.empty())
          into.open[one.agent].settle(one.settled);
        if (one.steps) {
          into.open[one.agent].add(*one.steps);
          continue;
        }
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
  bool change(const std::string& agent, const StateChange& what, Snapshot& snapshot,
              std::set<std::string>& named) const {
    auto found = disk_.seen().states.find(agent);
    if (found == disk_.seen().states.end())
      return false;
    snapshot = found->second;
    if (auto known = disk_.seen().named.find(agent); known != disk_.seen().named.end())
      named = known->second;
    for (const auto& hash : what.blobs_forgotten())
      named.erase(hash);
    named.insert(what.blobs_named().begin(), what.blobs_named().end());
    return apply(what, snapshot);
  }

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

class simulated_journal final : public journal_store {
public:
  /// RocksDB writes what is in its log into files, and syncs them, when it is opened.
  explicit simulated_journal(disk& on) : disk_(on) {
    disk_.write([](disk::image& into) { ++into.journal.token; });
    disk_.sync();
  }

  result<std::uint64_t> append(std::span<const journal_entry> entries, journal_write how) override {
    if (auto fits = rows().check(entries); !fits)
      return unexpected{std::move(fits).error()};
    std::vector<std::pair<std::string, std::string>> kept;
    std::uint64_t bytes = 0;
    for (const auto& entry : entries) {
      kept.emplace_back(entry.run, entry.event);
      bytes += entry.event.size();
    }
    auto change = [kept = std::move(kept)](disk::image& into) {
      for (const auto& [run, event] : kept) {
        journal_entry one{run, event};
        into.journal.add({&one, 1});
      }
    };
    auto written = how == journal_write::synced ? disk_.write_safely(std::move(change))
                                                : disk_.write_unsynced(std::move(change));
    if (!written)
      return unexpected{written.error()};
    return bytes;
  }
  result<void> sync() override {
    return disk_.write_safely([](disk::image&) {});
  }
  result<std::vector<std::string>> open_runs() override { return rows().open_runs(); }
  result<std::optional<journal_page>> read(std::string_view run, std::uint64_t after,
                                           std::uint64_t bytes_max) override {
    return rows().read(run, after, bytes_max);
  }
  result<std::optional<std::string>> last(std::string_view run) override {
    return rows().last(run);
  }
  result<RunsFound> ended(RunPhase phase, std::string_view prefix, std::size_t at_most) override {
    return rows().ended(phase, prefix, at_most);
  }
  result<std::optional<std::string>> find(std::string_view tenant, std::string_view key) override {
    return rows().find(tenant, key);
  }
  result<std::optional<std::string>> find(std::uint64_t session, std::uint64_t number) override {
    return rows().find(session, number);
  }
  result<journal_removal> remove(std::string_view run) override {
    auto can = rows().can_remove(run);
    if (can != journal_removal::removed)
      return can;
    auto blobs = rows().blobs_of_only(std::vector{std::string{run}});
    auto written = disk_.write_safely(
        [run = std::string{run}](disk::image& into) { into.journal.remove(run); });
    if (!written)
      return unexpected{written.error()};
    release(blobs);
    return can;
  }
  result<std::size_t> cut(std::int64_t before_ms, std::size_t at_most) override {
    auto old = rows().older_than(before_ms, at_most);
    release(rows().blobs_of_only(old));
    if (!old.empty())
      disk_.write([old](disk::image& into) {
        for (const auto& run : old)
          into.journal.remove(run);
      });
    return old.size();
  }
  result<bool> names_blob(std::string_view sha256) override { return rows().names_blob(sha256); }
  std::vector<std::string> take_released_blobs() override { return std::exchange(released_, {}); }
  result<std::uint64_t> free_bytes() override { return std::numeric_limits<std::uint64_t>::max(); }
  bool broken() const override { return disk_.broken(); }

private:
  const journal_rows& rows() const { return disk_.seen().journal; }
  void release(const std::vector<std::string>& blobs) {
    released_.insert(released_.end(), blobs.begin(), blobs.end());
  }
  disk& disk_;
  std::vector<std::string> released_;
};

} // namespace

std::unique_ptr<state_store> disk::open_states() {
  return std::make_unique<simulated_states>(*this);
}

std::unique_ptr<blob_store> disk::open_blobs() { return std::make_unique<simulated_blobs>(*this); }

std::unique_ptr<journal_store> disk::open_journal() {
  return std::make_unique<simulated_journal>(*this);
}

void disk::write(change what) {
  what(seen_);
  unsynced_.push_back(std::move(what));
}

void disk::sync() {
  for (const auto& what : unsynced_)
    what(safe_);
  unsynced_.clear();
  note_unsynced_time({});
}

void disk::note_unsynced_time(std::optional<instant> from_now_on) {
  if (unsynced_since_)
    unsynced_max_ = std::max(unsynced_max_, when_.now() - *unsynced_since_);
  unsynced_since_ = from_now_on;
}

result<void> disk::write_safely(change what) {
  if (broken_ || dice_.once_in(faults.refuses_once_in)) {
    if (unsynced_since_)
      note_unsynced_time(when_.now());
    return fail(ec::storage_failed, "the simulated disk is full");
  }
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

result<void> disk::write_unsynced(change what) {
  if (broken_ || dice_.once_in(faults.refuses_once_in))
    return fail(ec::storage_failed, "the simulated disk is full");
  write(std::move(what));
  if (!unsynced_since_)
    unsynced_since_ = when_.now();
  return {};
}

void disk::stop() {
  note_unsynced_time({});
  auto kept = dice_.below(unsynced_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i)
    unsynced_[i](safe_);
  unsynced_.clear();
  seen_ = safe_;
  broken_ = false;
}

} // namespace troupe::sim
