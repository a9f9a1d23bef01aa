#include "config/base/count_of.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/payload.hpp"
#include "persistence/hash_sets.hpp"
#include "persistence/journal/torn_manifest.hpp"
#include "persistence/journal/wal_reader.hpp"
#include "persistence/ledger.hpp"
#include "persistence/open_messages.hpp"
#include "persistence/rocksdb_database.hpp"
#include "persistence/state_change.hpp"
#include "persistence/state_rows.hpp"
#include "persistence/state_store.hpp"
#include "persistence/step_rows.hpp"

#include <algorithm>
#include <iterator>

namespace troupe {

namespace {

using namespace state_rows;

class rocksdb_state_store final : public state_store {
public:
  rocksdb_state_store(const std::filesystem::path& folder, state_store_options options)
      : must_exist_(options.must_exist),
        data_(folder, {"the states of the agents", "agents that know nothing"},
              std::move(options.free_space), std::move(options.adjust)) {}

  result<void> open() {
    // A power loss may leave a torn end that RocksDB takes for damage.
    auto number_in = [](std::string_view row) {
      return decode_ledger(row).value_or(ledger{}).writes;
    };
    if (auto mended = mend_logs(data_.folder(), number_in); !mended)
      return mended;
    auto examine = [this](const std::filesystem::path& folder) {
      return rocksdb_state_store{folder, data_}.tables_if_whole();
    };
    if (auto mended = cut_torn_manifest(data_.folder(), number_in, examine); !mended)
      return mended;
    if (auto opened = data_.open(must_exist_); !opened)
      return opened;
    auto checked = data_.guarded<void>([&] { return check_ledger(); });
    if (!checked)
      data_.close();
    return checked;
  }

  result<std::optional<Snapshot>> get(std::string_view agent) override {
    return data_.guarded<std::optional<Snapshot>>([&] { return read(agent); });
  }

  result<std::vector<StepsMade>> open_messages_of(std::string_view agent) override {
    return data_.guarded<std::vector<StepsMade>>([&]() -> result<std::vector<StepsMade>> {
      auto written = steps_.read(data_, agent);
      if (!written || written->empty())
        return written;
      open_messages all;
      for (auto& one : *written)
        all.add(std::move(one));
      return all.all();
    });
  }

  using state_store::put;
  result<std::vector<std::string>> put(std::span<const state_write> many) override {
    return data_.guarded<released>([&]() -> result<released> {
      std::uint64_t size = 0;
      for (const auto& one : many) {
        if (!are_hashes(one.blobs)
            || (one.change
                && !(are_hashes(one.change->blobs_named())
                     && are_hashes(one.change->blobs_forgotten()))))
          return fail(ec::invalid_argument, "a state names a blob by an invalid hash");
        auto bytes = one.steps ? one.steps->ByteSizeLong()
                     : one.change
                         ? one.change->ByteSizeLong()
                         : one.snapshot.ByteSizeLong() + 2 * blob_hash_bytes * one.blobs.size();
        size += 2 * bytes;
      }
      if (auto space = data_.make_room(size, limits::disk_free_bytes_min); !space)
        return unexpected{std::move(space).error()};
      return write(many);
    });
  }

  result<std::uint64_t> count() override { return ledger_.rows; }

  result<bool> names(std::string_view sha256) override {
    return data_.guarded<bool>([&]() -> result<bool> {
      auto first = store_key(named_rows, sha256);
      auto rows = data_.rows();
      rows->Seek(first);
      if (rows->Valid())
        return rows->key().starts_with(first);
      if (!rows->status().ok())
        return unexpected{data_.failed("reading", rows->status().ToString())};
      return false;
    });
  }

  bool knows_names() const override { return knows_names_; }
  result<std::uint64_t> free_bytes() override { return data_.free_bytes(); }
  bool broken() const override { return data_.broken(); }

private:
  using released = std::vector<std::string>;

  /// A copy, to be examined.
  rocksdb_state_store(const std::filesystem::path& folder, const rocksdb_database& as)
      : must_exist_(true), data_(folder, as) {}

  result<std::vector<std::string>> tables_if_whole() {
    if (auto opened = data_.open_to_read(); !opened)
      return unexpected{std::move(opened).error()};
    return data_.guarded<std::vector<std::string>>([&]() -> result<std::vector<std::string>> {
      if (auto checked = check_ledger(); !checked)
        return unexpected{std::move(checked).error()};
      return data_.tables();
    });
  }

  unexpected<failure> failed(std::string_view doing, std::string_view agent,
                             const std::string& why) const {
    return {data_.failed(doing, "the state of " + std::string(agent) + ": " + why)};
  }

  /// Nothing if the agent has no snapshot.
  result<std::optional<row_note>> note_of(std::string_view agent) {
    auto bytes = data_.get(store_key(note_rows, agent));
    if (!bytes)
      return failed("reading", agent, bytes.error().message);
    if (!*bytes)
      return std::optional<row_note>{};
    auto note = decode_note(**bytes);
    if (!note)
      return failed("reading", agent, "its note is damaged");
    return note;
  }

  result<std::optional<Snapshot>> read(std::string_view agent) {
    auto note = note_of(agent);
    if (!note)
      return unexpected{std::move(note).error()};
    if (!*note)
      return std::optional<Snapshot>{};
    auto bytes = data_.get(store_key(snapshot_rows, agent));
    if (!bytes)
      return failed("reading", agent, bytes.error().message);
    Snapshot found;
    if (!*bytes || row_note::of((*note)->write, agent, **bytes).hash != (*note)->hash
        || !parse_message(found, **bytes))
      return failed("reading", agent, "it is damaged");
    auto changes = changes_of(agent, **note);
    if (!changes)
      return unexpected{std::move(changes).error()};
    for (const auto& one : *changes)
      if (!apply(one, found))
        return failed("reading", agent, "a change of it is damaged");
    return std::optional<Snapshot>(std::move(found));
  }

  /// Since the snapshot was written.
  result<std::vector<StateChange>> changes_of(std::string_view agent, const row_note& note) {
    std::vector<StateChange> all(note.changes);
    auto sum = note;
    sum.changes = 0;
    for (std::uint64_t i = 0; i < note.changes; ++i) {
      auto bytes = data_.get(change_row(i + 1, agent));
      if (!bytes)
        return failed("reading", agent, bytes.error().message);
      if (!*bytes || !parse_message(all[i], **bytes))
        return failed("reading", agent, "a change of it is damaged");
      sum.add_change(**bytes, all[i].version());
    }
    if (sum != note)
      return failed("reading", agent, "its changes are damaged");
    return all;
  }

  result<released> write(std::span<const state_write> many) {
    auto sum = ledger_;
    ++sum.writes;
    rocksdb::WriteBatch batch; // whatever can fail in it fails in the write
    released all;
    steps_.begin_write();
    for (const auto& one : many) {
      if (one.settled)
        steps_.settle(batch, sum, one.agent, *one.settled);
      if (one.steps) {
        steps_.add(batch, sum, *one.steps);
        continue;
      }
      auto names = one.change ? add_change(batch, sum, one) : add(batch, sum, one);
      if (!names)
        return names;
      std::move(names->begin(), names->end(), std::back_inserter(all));
    }
    batch.Put(slice_of(ledger_row), encode(sum));
    if (knows_names_ && ledger_.writes == 0)
      batch.Put(slice_of(version_row), "1");
    if (auto written = data_.write_synced(batch, sum.writes); !written) {
      auto whose = many.size() == 1 ? "the state of " + std::string{many.front().agent}
                                    : count_of(many.size(), "state");
      return fail(ec::outcome_unknown, whose + ": " + written.error().message);
    }
    ledger_ = sum;
    steps_.is_written();
    return all;
  }

  /// Adds the rows of one agent, and counts them in the ledger.
  result<released> add(rocksdb::WriteBatch& batch, ledger& sum, const state_write& one) {
    auto agent = one.agent;
    auto bytes = one.snapshot.SerializeAsString();
    auto blobs = set_of(one.blobs);
    auto before = note_of(agent);
    if (!before)
      return unexpected{std::move(before).error()};
    auto named_before = data_.get(store_key(names_rows, agent));
    if (!named_before)
      return unexpected{std::move(named_before).error()};
    auto in_snapshot = split_hashes(named_before->value_or(""));
    auto old = in_snapshot;
    if (*before && (*before)->changes > 0) {
      auto changes = changes_of(agent, **before);
      if (!changes)
        return unexpected{std::move(changes).error()};
      for (const auto& change : *changes) {
        old = without(old, set_of(change.blobs_forgotten()));
        old.insert(old.end(), change.blobs_named().begin(), change.blobs_named().end());
        old = set_of(old);
      }
      for (std::uint64_t i = 1; i <= (*before)->changes; ++i)
        batch.Delete(change_row(i, agent));
    }
    auto no_longer = without(old, blobs);
    auto note = row_note::of(sum.writes, agent, bytes);
    if (*before)
      sum.remove(agent, **before);
    sum.add(agent, note);
    batch.Put(store_key(snapshot_rows, agent), slice_of(bytes));
    batch.Put(store_key(note_rows, agent), encode(note));
    for (const auto& hash : no_longer) {
      sum.remove_name(named_row(hash, agent));
      batch.Delete(named_row(hash, agent));
    }
    for (const auto& hash : without(blobs, old)) {
      sum.add_name(named_row(hash, agent));
      batch.Put(named_row(hash, agent), "");
    }
    if (in_snapshot != blobs && blobs.empty())
      batch.Delete(store_key(names_rows, agent));
    else if (in_snapshot != blobs)
      batch.Put(store_key(names_rows, agent), joined_hashes(blobs));
    return no_longer;
  }

  /// Adds one change beside the snapshot, which stays as it is.
  result<released> add_change(rocksdb::WriteBatch& batch, ledger& sum, const state_write& one) {
    auto agent = one.agent;
    const auto& change = *one.change;
    auto before = note_of(agent);
    if (!before)
      return unexpected{std::move(before).error()};
    auto version = version_of(agent, *before);
    if (!version)
      return unexpected{std::move(version).error()};
    if (!*before || *version + 1 != change.version())
      return failed("writing", agent,
                    "its change to version " + std::to_string(change.version())
                        + " does not follow on version " + std::to_string(*version));
    auto note = **before;
    sum.remove(agent, note);
    auto bytes = change.SerializeAsString();
    note.add_change(bytes, change.version());
    sum.add(agent, note);
    batch.Put(change_row(note.changes, agent), bytes);
    batch.Put(store_key(note_rows, agent), encode(note));
    released no_longer;
    for (const auto& hash : set_of(change.blobs_forgotten())) {
      auto row = named_row(hash, agent);
      auto is_there = data_.get(row);
      if (!is_there)
        return unexpected{std::move(is_there).error()};
      if (!*is_there)
        continue;
      sum.remove_name(row);
      batch.Delete(row);
      no_longer.push_back(hash);
    }
    for (const auto& hash : set_of(change.blobs_named())) {
      auto row = named_row(hash, agent);
      auto is_there = data_.get(row);
      if (!is_there)
        return unexpected{std::move(is_there).error()};
      if (*is_there)
        continue;
      sum.add_name(row);
      batch.Put(row, "");
    }
    return no_longer;
  }

  /// Zero: the agent has no snapshot. The first change has to look into it.
  result<std::uint64_t> version_of(std::string_view agent, const std::optional<row_note>& note) {
    if (note && note->changes > 0)
      return note->version;
    auto found = read(agent);
    if (!found)
      return unexpected{std::move(found).error()};
    return *found ? (*found)->version() : 0;
  }

  /// RocksDB takes damage at the end of its files for the torn tail of a crash. Two things reveal
  /// damage: rows that do not add up to the ledger (the list of files was cut), and a ledger that
  /// is behind the last acknowledged write (the log was cut).
  result<void> check_ledger() {
    ledger_ = {};
    auto bytes = data_.get(ledger_row);
    auto version = data_.get(version_row);
    if (!bytes || !version)
      return unexpected{data_.damaged((bytes ? version : bytes).error().message)};
    if (*bytes) {
      auto stored = decode_ledger(**bytes);
      if (!stored)
        return unexpected{data_.damaged("its ledger cannot be read")};
      ledger_ = *stored;
    }
    knows_names_ = *version || ledger_.writes == 0;
    auto sum = add_up();
    if (!sum)
      return unexpected{std::move(sum).error()};
    sum->writes = ledger_.writes;
    if (*sum != ledger_)
      return unexpected{data_.damaged(
          "it has " + count_of(sum->rows, "state") + " with " + count_of(sum->names, "name")
          + " of blobs, which does not match the " + std::to_string(ledger_.rows) + " and "
          + std::to_string(ledger_.names) + " written, or its steps of messages do not")};
    return data_.check_mark(ledger_.writes);
  }

  result<ledger> add_up() {
    ledger sum;
    auto rows = data_.rows();
    auto first = store_key(note_rows, "");
    for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next()) {
      auto note = decode_note(rows->value().ToStringView());
      if (!note)
        return unexpected{data_.damaged("a note cannot be read")};
      sum.add(rows->key().ToStringView().substr(1), *note);
    }
    first = store_key(named_rows, "");
    for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next())
      sum.add_name(rows->key().ToStringView());
    if (!rows->status().ok())
      return unexpected{data_.damaged(rows->status().ToString())};
    if (auto steps = steps_.add_up(data_, sum); !steps)
      return unexpected{std::move(steps).error()};
    return sum;
  }

  bool must_exist_;
  rocksdb_database data_;
  ledger ledger_;
  step_rows steps_;
  bool knows_names_ = true;
};

} // namespace

result<std::unique_ptr<state_store>> open_state_store(const std::filesystem::path& folder,
                                                      state_store_options options) {
  auto store = std::make_unique<rocksdb_state_store>(folder, std::move(options));
  if (auto opened = store->open(); !opened)
    return unexpected{std::move(opened).error()};
  return std::unique_ptr<state_store>(std::move(store));
}

} // namespace troupe
