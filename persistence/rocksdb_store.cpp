#include "messages/agents.pb.h"
#include "messages/payload.hpp"
#include "persistence/files.hpp"
#include "persistence/ledger.hpp"
#include "persistence/rocksdb_options.hpp"
#include "persistence/state_store.hpp"
#include "persistence/write_mark.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <exception>

namespace troupe {

namespace {

// Rows: "s" + agent is a snapshot, "n" + agent its note, "l" the ledger of all notes. One write
// changes all three at once.
constexpr char snapshot_rows = 's';
constexpr char note_rows = 'n';
constexpr std::string_view ledger_row = "l";

std::string key_of(char rows, std::string_view agent) { return rows + std::string(agent); }

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

class rocksdb_state_store final : public state_store {
public:
  rocksdb_state_store(std::filesystem::path folder, free_space_source free_space)
      : folder_(std::move(folder)), free_space_(std::move(free_space)),
        mark_(folder_ / "ACKNOWLEDGED") {}

  ~rocksdb_state_store() override { close(); }

  result<void> open() {
    if (auto made = make_folder(folder_); !made)
      return made;
    if (auto space = check_free_space(free_space_, folder_, 0); !space)
      return space;
    auto opened = guarded<void>([&]() -> result<void> {
      rocksdb::DB* made = nullptr;
      auto status = rocksdb::DB::Open(state_store_options(), folder_.string(), &made);
      db_.reset(made);
      if (!status.ok())
        return unexpected{opening_failure(status)};
      return check_ledger();
    });
    if (!opened)
      close();
    return opened;
  }

  result<std::optional<Snapshot>> get(std::string_view agent) override {
    return with_database<std::optional<Snapshot>>([&] { return read(agent); });
  }

  result<void> put(std::string_view agent, const Snapshot& snapshot) override {
    auto bytes = snapshot.SerializeAsString();
    if (auto space = check_free_space(free_space_, folder_, 2 * bytes.size()); !space)
      return space;
    return with_database<void>([&] { return write(agent, bytes); });
  }

  result<std::uint64_t> count() override {
    return with_database<std::uint64_t>([&]() -> result<std::uint64_t> { return ledger_.rows; });
  }

private:
  template <class T, class Work>
  result<T> guarded(Work work) {
    try {
      return work();
    } catch (const std::exception& e) {
      return fail(ec::storage_failed, "the database in " + folder_.string() + ": " + e.what());
    }
  }

  template <class T, class Work>
  result<T> with_database(Work work) {
    if (!db_)
      if (auto opened = open(); !opened)
        return unexpected{std::move(opened).error()};
    return guarded<T>(std::move(work));
  }

  unexpected<failure> failed(std::string_view doing, std::string_view agent,
                             const std::string& why) const {
    return fail(ec::storage_failed, std::string(doing) + " the state of " + std::string(agent)
                                        + " in " + folder_.string() + ": " + why);
  }

  /// Nothing if the agent has no snapshot.
  result<std::optional<row_note>> note_of(std::string_view agent) {
    std::string bytes;
    auto status = db_->Get({}, key_of(note_rows, agent), &bytes);
    if (status.IsNotFound())
      return std::optional<row_note>{};
    if (!status.ok())
      return failed("reading", agent, status.ToString());
    auto note = decode_note(bytes);
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
    std::string bytes;
    auto status = db_->Get({}, key_of(snapshot_rows, agent), &bytes);
    if (!status.ok())
      return failed("reading", agent, status.ToString());
    Snapshot found;
    if (row_note::of((*note)->write, agent, bytes) != **note || !parse_message(found, bytes))
      return failed("reading", agent, "it is damaged");
    return std::optional<Snapshot>(std::move(found));
  }

  result<void> write(std::string_view agent, std::string_view bytes) {
    auto before = note_of(agent);
    if (!before)
      return unexpected{std::move(before).error()};
    auto sum = ledger_;
    auto note = row_note::of(++sum.writes, agent, bytes);
    if (*before)
      sum.remove(agent, **before);
    sum.add(agent, note);

    rocksdb::WriteBatch batch;
    auto status = batch.Put(key_of(snapshot_rows, agent), slice(bytes));
    if (status.ok())
      status = batch.Put(key_of(note_rows, agent), encode(note));
    if (status.ok())
      status = batch.Put(slice(ledger_row), encode(sum));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    if (status.ok())
      status = db_->Write(synced, &batch);
    if (!status.ok()) {
      close(); // RocksDB takes no more writes after a failed one: the next call opens it anew
      return unknown(agent, status.ToString()); // its log may have it all the same
    }
    ledger_ = sum;
    if (auto marked = mark_.advance(sum.writes); !marked)
      return unknown(agent, marked.error().message);
    return {};
  }

  static result<void> unknown(std::string_view agent, const std::string& why) {
    return fail(ec::outcome_unknown, "writing the state of " + std::string{agent} + ": " + why);
  }

  failure damaged(const std::string& what) const {
    return {ec::bad_message, "the database in " + folder_.string() + " is damaged (" + what
                                 + "): restore the folder from a copy, or remove it to begin with "
                                   "agents that know nothing"};
  }

  failure opening_failure(const rocksdb::Status& status) const {
    // A file that the database's own list names but that is gone is damage too.
    auto missing = status.IsIOError() && status.subcode() == rocksdb::Status::kPathNotFound;
    if (status.IsIOError() && !missing)
      return {ec::storage_failed,
              "opening the database in " + folder_.string() + ": " + status.ToString()};
    return damaged(status.ToString());
  }

  /// RocksDB takes damage at the end of its files for the torn tail of a crash. Two things tell
  /// them apart: rows that do not add up to the ledger (a list of files that was cut), and a ledger
  /// that is behind the last acknowledged write (a log that was cut).
  result<void> check_ledger() {
    ledger_ = {};
    std::string bytes;
    auto status = db_->Get({}, slice(ledger_row), &bytes);
    if (!status.ok() && !status.IsNotFound())
      return unexpected{damaged(status.ToString())};
    if (status.ok()) {
      auto stored = decode_ledger(bytes);
      if (!stored)
        return unexpected{damaged("its ledger cannot be read")};
      ledger_ = *stored;
    }
    auto sum = add_up();
    if (!sum)
      return unexpected{std::move(sum).error()};
    sum->writes = ledger_.writes;
    if (*sum != ledger_)
      return unexpected{damaged("it has " + std::to_string(sum->rows)
                                + " states that do not add up " + "to the "
                                + std::to_string(ledger_.rows) + " written")};
    auto acknowledged = mark_.open();
    if (!acknowledged)
      return unexpected{std::move(acknowledged).error()};
    if (*acknowledged > ledger_.writes)
      return unexpected{damaged("the last " + std::to_string(*acknowledged - ledger_.writes)
                                + " acknowledged writes are missing")};
    return {};
  }

  result<ledger> add_up() {
    ledger sum;
    const auto first = key_of(note_rows, "");
    std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator({}));
    for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next()) {
      auto note = decode_note(rows->value().ToStringView());
      if (!note)
        return unexpected{damaged("a note cannot be read")};
      sum.add(rows->key().ToStringView().substr(1), *note);
    }
    if (!rows->status().ok())
      return unexpected{damaged(rows->status().ToString())};
    return sum;
  }

  void close() noexcept {
    try {
      if (db_)
        (void)db_->Close();
      db_.reset();
    } catch (...) {
      (void)db_.release(); // it could not even be destroyed: leave it
    }
  }

  std::filesystem::path folder_;
  free_space_source free_space_;
  write_mark mark_;
  std::unique_ptr<rocksdb::DB> db_;
  ledger ledger_;
};

} // namespace

result<std::unique_ptr<state_store>> open_state_store(const std::filesystem::path& folder,
                                                      free_space_source free_space) {
  auto store = std::make_unique<rocksdb_state_store>(folder, std::move(free_space));
  if (auto opened = store->open(); !opened)
    return unexpected{std::move(opened).error()};
  return std::unique_ptr<state_store>(std::move(store));
}

} // namespace troupe
