// States of agents on a disk that loses its power: a state is there with its reply, or neither is.

#include "persistence/sha256.hpp"
#include "persistence/state_change.hpp"
#include "persistence/state_store.hpp"

#include "tests/unit/journal/bad_disks.hpp"

#include <array>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

using namespace troupe;

namespace {

constexpr unsigned agents = 4;
constexpr std::uint64_t session = 7;

std::string agent_called(unsigned number) { return "keeper/" + std::to_string(number); }

/// The blob that an agent's state names in that version, and in no other.
std::string blob_of(unsigned agent, std::uint64_t version) {
  return sha256(agent_called(agent) + " " + std::to_string(version));
}

/// Each version has the reply of the message that made it.
SessionReplies replied(std::uint64_t version) {
  SessionReplies made;
  made.set_session(session);
  made.set_floor(version - 1);
  auto& reply = *made.add_replies();
  reply.set_number(version);
  return made;
}

/// What one agent writes, and what must come of it.
class keeper {
public:
  explicit keeper(unsigned number) : number_(number), called_(agent_called(number)) {}

  /// The next version, whole or as a change.
  struct write {
    Snapshot snapshot;
    StateChange change;
    std::vector<std::string> blobs;
    bool is_whole = false;
  };
  write next(std::mt19937_64& random) {
    write made;
    auto now = versions_.empty() ? Snapshot{} : versions_.back();
    auto version = now.version() + 1;
    made.is_whole = version == 1 || random() % 4 == 0;
    if (made.is_whole) {
      now.set_role("keeper");
      now.set_state(std::string(random() % 4'000, static_cast<char>('a' + version % 26)));
      now.set_version(version);
      *now.add_sessions() = replied(version);
      while (now.sessions_size() > 1)
        now.mutable_sessions()->DeleteSubrange(0, 1);
      made.snapshot = now;
      made.blobs = {blob_of(number_, version)};
    } else {
      auto& change = made.change;
      change.set_version(version);
      change.set_offset(random() % (now.state().size() + 1));
      change.set_removed((now.state().size() - change.offset()) / 2);
      change.set_inserted("version " + std::to_string(version));
      change.add_blobs_named(blob_of(number_, version));
      change.add_blobs_forgotten(blob_of(number_, version - 1));
      *change.mutable_replied() = replied(version);
      EXPECT_TRUE(apply(change, now));
    }
    versions_.push_back(std::move(now));
    return made;
  }
  void is_acknowledged() { acknowledged_ = versions_.size(); }
  const std::string& called() const { return called_; }

  /// It has what was acknowledged, or more of what was written, and goes on from there.
  void check(state_store& store) {
    auto found = store.get(called_);
    ASSERT_TRUE(found) << called_ << ": " << found.error().message;
    std::size_t version = *found ? (*found)->version() : 0;
    ASSERT_GE(version, acknowledged_) << called_;
    ASSERT_LE(version, versions_.size()) << called_;
    if (version > 0)
      ASSERT_EQ((*found)->SerializeAsString(), versions_[version - 1].SerializeAsString())
          << called_ << ", version " << version;
    for (auto named : {version, version + 1, version - 1})
      if (named > 0 && named <= versions_.size())
        ASSERT_EQ(*store.names(blob_of(number_, named)), named == version)
            << called_ << ", version " << version << ", the blob of version " << named;
    versions_.resize(version);
    acknowledged_ = version;
  }
  std::size_t version() const { return acknowledged_; }

private:
  unsigned number_;
  std::string called_;
  std::vector<Snapshot> versions_; ///< that were written, from 1
  std::size_t acknowledged_ = 0;
};

class states_on_bad_disks : public stores_on_bad_disks {
protected:
  void begin() {
    std::filesystem::remove_all(folder / "state");
    marks_.clear();
    together_.clear();
    keepers_.clear();
    for (unsigned number = 0; number < agents; ++number)
      keepers_.emplace_back(number);
  }

  /// Writes states, several at once, until all are written or the power is gone.
  void write_on(std::uint64_t at, std::uint64_t seed, int batches) {
    auto& disk = new_disk(unreliable_disk::end::power_lost, at);
    std::mt19937_64 random(seed);
    state_store_options options;
    options.adjust = [&](rocksdb::Options& made) {
      make_small(made);
      made.env = disk.env();
    };
    auto store = open_state_store(folder / "state", options);
    for (int i = 0; store && i < batches && !(*store)->broken(); ++i)
      write_some(**store, random);
    was_lost = disk.reached();
    disk.lose_power(); // a process that ended writes nothing more
    if (store)
      store->reset();
    disk.take_unsynced(random);
    take_mark(random);
  }

  void write_some(state_store& store, std::mt19937_64& random) {
    std::deque<keeper::write> made; // the store is told where they are
    std::vector<state_write> many;
    std::vector<std::pair<unsigned, std::size_t>> versions;
    for (unsigned number = 0; number < agents; ++number) {
      if (random() % 2 == 0 && !(number + 1 == agents && many.empty()))
        continue;
      auto& one = made.emplace_back(keepers_[number].next(random));
      many.push_back({keepers_[number].called(), one.snapshot, one.blobs,
                      one.is_whole ? nullptr : &one.change});
      versions.emplace_back(number, one.is_whole ? one.snapshot.version() : one.change.version());
    }
    auto done = store.put(std::span<const state_write>{many});
    ASSERT_TRUE(done || done.error().code == ec::outcome_unknown) << done.error().message;
    if (done)
      for (auto [number, version] : versions)
        keepers_[number].is_acknowledged();
    together_.push_back(std::move(versions));
    if (random() % 4 == 0)
      marks_.push_back(bytes_of(folder / "state" / "ACKNOWLEDGED"));
  }

  /// The mark is never synced: after a power loss it may be what it was at any time before.
  void take_mark(std::mt19937_64& random) {
    auto path = folder / "state" / "ACKNOWLEDGED";
    auto which = random() % (marks_.size() + 2);
    if (which < marks_.size())
      write(path, marks_[which]);
    else if (which == marks_.size())
      std::filesystem::remove(path);
  }

  void check(const std::string& where) {
    SCOPED_TRACE(where);
    state_store_options options;
    options.adjust = make_small;
    auto store = open_state_store(folder / "state", options);
    ASSERT_TRUE(store) << store.error().message;
    for (auto& one : keepers_)
      ASSERT_NO_FATAL_FAILURE(one.check(**store));
    // What was written at once is there, or none of it.
    for (const auto& versions : together_) {
      bool first = has(versions.front());
      for (const auto& one : versions)
        ASSERT_EQ(has(one), first) << "a part of what was written at once";
    }
    std::erase_if(together_, [this](const auto& versions) { return !has(versions.front()); });
  }
  bool has(std::pair<unsigned, std::size_t> written) const {
    return keepers_[written.first].version() >= written.second;
  }

  bool was_lost = false;

private:
  std::vector<std::string> marks_; ///< as they were
  std::vector<keeper> keepers_;
  std::vector<std::vector<std::pair<unsigned, std::size_t>>> together_; ///< agents and versions
};

} // namespace

TEST_F(states_on_bad_disks, a_power_loss_at_any_point_takes_no_state_and_no_reply_that_was_told) {
  std::uint64_t points = 0;
  was_lost = true;
  for (std::uint64_t at = 1; was_lost; ++at, ++points) {
    begin();
    write_on(at, 5 + at % 3, 30);
    ASSERT_NO_FATAL_FAILURE(check("operation " + std::to_string(at)));
    ASSERT_LT(at, 2'000u);
  }
  EXPECT_GT(points, 60u);
}

TEST_F(states_on_bad_disks, a_power_loss_takes_nothing_from_stores_of_many_files) {
  std::uint64_t lost = 0, versions = 0;
  for (std::uint64_t seed = 1; seed <= seeds(100); ++seed) {
    std::mt19937_64 random(seed);
    begin();
    // Some several times: the next life meets what the one before has left.
    for (auto lives = 1 + seed % 3; lives > 0; --lives) {
      write_on(20 + random() % 250, random(), 120);
      ASSERT_NO_FATAL_FAILURE(check("seed " + std::to_string(seed)));
      lost += was_lost;
    }
    versions += has({0, 2});
  }
  EXPECT_GT(lost, seeds(100)) << "the power has to go while it is written";
  EXPECT_GT(versions, seeds(100) / 2);
}
