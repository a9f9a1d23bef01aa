#include "persistence/journal/rocksdb_journal.hpp"

#include "config/limits/storage.hpp"
#include "persistence/journal/journal_event.hpp"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/journal_record.hpp"
#include "persistence/journal/torn_manifest.hpp"
#include "persistence/journal/wal_reader.hpp"
#include "persistence/sha256.hpp"

namespace troupe {

rocksdb_database::words journal_words() {
  return {"the events of durable runs",
          "no runs: what `troupe journal salvage` cannot bring out of it is lost"};
}

rocksdb_database::adjustment journal_adjustment(rocksdb_database::adjustment further) {
  return [further = std::move(further)](rocksdb::Options& options) {
    options.enable_blob_files = true;
    options.min_blob_size = limits::journal_payload_bytes_min;
    options.enable_blob_garbage_collection = true;
    options.blob_garbage_collection_age_cutoff = 0.5;
    // By default RocksDB tries again, without an end, to write a file that could not be written,
    // and writers wait.
    options.max_bgerror_resume_count = 0;
    if (further)
      further(options);
  };
}

namespace {

std::uint64_t write_number_in(std::string_view row) {
  auto state = decode_journal_state(row);
  return state ? state->writes : 0;
}

} // namespace

result<wal_findings> check_closed_journal(const std::filesystem::path& folder,
                                          const wal_mending& mend) {
  if (auto listed = manifest_mark{folder}.check(); !listed)
    return unexpected{std::move(listed).error()};
  auto logs = read_wals(folder, write_number_in);
  if (logs && mend)
    if (auto mended = mend(folder, *logs); !mended)
      return unexpected{std::move(mended).error()};
  if (logs && logs->damage)
    return unexpected{*std::move(logs->damage)};
  return logs;
}

rocksdb_journal::rocksdb_journal(const std::filesystem::path& folder, journal_options options)
    : must_exist_(options.must_exist), data_(folder, journal_words(), std::move(options.free_space),
                                             journal_adjustment(std::move(options.adjust))),
      reader_(data_), manifest_(folder) {}

/// A copy, to be examined.
rocksdb_journal::rocksdb_journal(const std::filesystem::path& folder, const rocksdb_database& as)
    : must_exist_(true), data_(folder, as), reader_(data_), manifest_(folder) {}

result<void> rocksdb_journal::open() {
  auto logs = check_closed_journal(data_.folder(), cut_unacknowledged);
  if (!logs)
    return unexpected{logs.error().code == ec::bad_message ? data_.damaged(logs.error().message)
                                                           : logs.error()};
  // What RocksDB and the mark find, these say where.
  auto placed = [&](failure why) -> unexpected<failure> {
    if (why.code == ec::bad_message && !logs->last_log.empty())
      why.message += ". The log " + logs->last_log.string() + " can be read up to offset "
                     + std::to_string(logs->readable_bytes);
    return unexpected{std::move(why)};
  };
  auto examine = [this](const std::filesystem::path& folder) {
    return rocksdb_journal{folder, data_}.tables_if_whole();
  };
  if (auto mended = cut_torn_manifest(data_.folder(), write_number_in, examine); !mended)
    return mended;
  if (auto opened = data_.open(must_exist_); !opened)
    return placed(opened.error());
  auto checked = data_.guarded<void>([&]() -> result<void> {
    if (auto whole = check(placed); !whole)
      return whole;
    log_bytes_unsynced_max_ = data_.engine().GetOptions().write_buffer_size / 4 * 3;
    if (data_.read_only())
      return {};
    auto ready = prepare_to_write(0);
    return ready ? list_blobs_of_earlier_runs() : ready;
  });
  if (!checked)
    data_.close();
  return checked;
}

/// `placed` adds where the logs end.
result<void> rocksdb_journal::check(const std::function<unexpected<failure>(failure)>& placed) {
  state_ = {};
  auto bytes = data_.get(journal_keys::state);
  if (!bytes)
    return unexpected{data_.damaged(bytes.error().message)};
  if (*bytes) {
    auto read = decode_journal_state(**bytes);
    if (!read)
      return unexpected{data_.damaged("what it says of itself cannot be read by this version")};
    state_ = *read;
  }
  if (auto marked = data_.check_mark(state_.writes); !marked)
    return placed(marked.error());
  return check_open_runs();
}

result<std::vector<std::string>> rocksdb_journal::tables_if_whole() {
  if (auto opened = data_.open_to_read(); !opened)
    return unexpected{std::move(opened).error()};
  return data_.guarded<std::vector<std::string>>([&]() -> result<std::vector<std::string>> {
    auto as_it_is = [](failure why) { return unexpected{std::move(why)}; };
    if (auto whole = check(as_it_is); !whole)
      return unexpected{std::move(whole).error()};
    return data_.tables();
  });
}

result<void> rocksdb_journal::check_open_runs() {
  auto runs = open_runs();
  if (!runs)
    return unexpected{std::move(runs).error()};
  for (const auto& run : *runs) {
    auto head = reader_.head_of(run);
    if (!head)
      return unexpected{std::move(head).error()};
    if (!*head)
      return unexpected{data_.damaged("the head of " + run_text(run) + " is missing")};
    if (auto read = reader_.read(run, **head, 0, {}); !read)
      return unexpected{std::move(read).error()};
  }
  return {};
}

/// Makes room, and takes the token before the first write.
result<void> rocksdb_journal::prepare_to_write(std::uint64_t bytes) {
  if (auto space = data_.make_room(bytes, limits::disk_free_bytes_last); !space)
    return space;
  if (writes_)
    return {};
  batch_draft made;
  made.state = state_;
  if (++made.state.token == 1) // a new journal
    made.batch.Put(slice_of(journal_keys::blobs_listed), "");
  writes_ = true;
  return write(made, journal_write::synced);
}

/// RocksDB begins a new log when the table in memory is full. A power loss may keep the beginning
/// of that one and lose the end of the log before. So what is written last into a log is synced, as
/// far as that is known.
bool rocksdb_journal::may_end_log(const rocksdb::WriteBatch& batch) {
  std::uint64_t in_memory = 0;
  data_.engine().GetIntProperty(rocksdb::DB::Properties::kCurSizeActiveMemTable, &in_memory);
  return in_memory + batch.GetDataSize() > log_bytes_unsynced_max_;
}

result<void> rocksdb_journal::write(batch_draft& made, journal_write how) {
  ++made.state.writes;
  made.batch.Put(slice_of(journal_keys::state), encode(made.state));
  if (how == journal_write::unsynced && may_end_log(made.batch))
    how = journal_write::synced;
  auto written = how == journal_write::synced ? data_.write_synced(made.batch, made.state.writes)
                                              : data_.write_unsynced(made.batch);
  if (!written)
    return written;
  unsynced_ = how == journal_write::unsynced;
  state_ = made.state;
  if (tails_.size() + made.runs.size() > limits::journal_tails_max)
    tails_.clear(); // they are read again
  for (auto& [run, known] : made.runs)
    if (known.over())
      tails_.erase(run);
    else
      tails_.insert_or_assign(run, std::move(known));
  note_files();
  return {};
}

/// The journal is whole without it; only a check of the next start is less sharp.
void rocksdb_journal::note_files() {
  std::uint64_t version = 0;
  if (!data_.engine().GetIntProperty(rocksdb::DB::Properties::kCurrentSuperVersionNumber, &version)
      || version == files_version_)
    return;
  std::vector<std::string> files;
  std::uint64_t bytes = 0;
  if (!data_.engine().GetLiveFiles(files, &bytes, false).ok())
    return;
  for (const auto& file : files)
    if (file.starts_with("/MANIFEST-") && manifest_.note(file.substr(1), bytes))
      files_version_ = version;
}

result<void> rocksdb_journal::sync() {
  return data_.guarded<void>([&]() -> result<void> {
    if (!unsynced_)
      return {};
    auto done = data_.sync(state_.writes);
    unsynced_ = !done;
    return done;
  });
}

result<std::uint64_t> rocksdb_journal::append(std::span<const journal_entry> entries,
                                              journal_write how) {
  return data_.guarded<std::uint64_t>([&]() -> result<std::uint64_t> {
    std::uint64_t bytes = 0;
    for (const auto& entry : entries)
      bytes += 2 * entry.event.size();
    if (auto ready = prepare_to_write(bytes); !ready)
      return unexpected{std::move(ready).error()};
    batch_draft made;
    made.state = state_;
    for (const auto& entry : entries)
      if (auto added = add(made, entry); !added)
        return unexpected{std::move(added).error()};
    if (auto written = write(made, how); !written)
      return unexpected{std::move(written).error()};
    return std::uint64_t{made.batch.GetDataSize()};
  });
}

/// Null: there is no such run.
result<rocksdb_journal::known_run*> rocksdb_journal::run_in(batch_draft& made,
                                                            std::string_view run) {
  if (auto found = made.runs.find(run); found != made.runs.end())
    return &found->second;
  std::string id{run};
  if (auto found = tails_.find(id); found != tails_.end())
    return &made.runs.emplace(std::move(id), found->second).first->second;
  auto head = reader_.head_of(run);
  if (!head)
    return unexpected{std::move(head).error()};
  if (!*head)
    return nullptr;
  known_run known{**std::move(head), {}};
  if (!known.over()) {
    auto tail = reader_.last_of(run, known.head);
    if (!tail)
      return unexpected{std::move(tail).error()};
    known.tail = *tail;
  }
  return &made.runs.emplace(std::move(id), std::move(known)).first->second;
}

result<void> rocksdb_journal::add(batch_draft& made, const journal_entry& entry) {
  auto found = run_in(made, entry.run);
  if (!found)
    return unexpected{std::move(found).error()};
  auto known = *found;
  if (auto fits = check_entry(entry.run, entry.event, known, known && known->over()); !fits)
    return fits;
  auto place = place_of(entry.event);
  if (place == event_place::first) {
    auto began = read_began(entry.event);
    if (!began)
      return unexpected{std::move(began).error()};
    known = &made.runs[std::string{entry.run}];
    begin(made, *known, entry.run, *began);
  }
  if (auto added = add_record(made, *known, entry.event); !added)
    return added;
  if (place != event_place::last)
    return {};
  auto finished = read_finished(entry.event);
  if (!finished)
    return unexpected{std::move(finished).error()};
  end(made, *known, entry.run, std::move(*finished->mutable_summary()));
  return {};
}

void rocksdb_journal::begin(batch_draft& made, known_run& run, std::string_view id,
                            const RunEvent::Began& event) {
  run.head.set_format(1);
  run.head.set_number(made.state.next_run++);
  run.head.set_key(event.key());
  run.head.set_tenant(event.tenant());
  run.head.set_session(event.session());
  run.head.set_submission(event.number());
  run.tail.chain = chain_of(id);
  made.batch.Put(journal_keys::head(id), run.head.SerializeAsString());
  made.batch.Put(journal_keys::open_run(id), "");
  if (!event.key().empty())
    made.batch.Put(journal_keys::key(event.tenant(), event.key()), slice_of(id));
  if (event.session() != 0)
    made.batch.Put(journal_keys::submission(event.session(), event.number()), slice_of(id));
  add_blobs(made, run.head.number(), event);
}

void rocksdb_journal::end(batch_draft& made, known_run& run, std::string_view id,
                          RunSummary summary) {
  auto ended_ms = end_time_of(summary);
  run.head.set_ended_ms(ended_ms);
  run.head.set_records(run.tail.records);
  run.head.set_chain(run.tail.chain);
  summary.set_run(std::string{id});
  made.batch.Put(journal_keys::head(id), run.head.SerializeAsString());
  made.batch.Delete(journal_keys::open_run(id));
  made.batch.Put(journal_keys::end(ended_ms, id), summary.SerializeAsString());
}

result<void> rocksdb_journal::add_record(batch_draft& made, known_run& run,
                                         std::string_view event) {
  journal_record record;
  record.elsewhere = event.size() > limits::journal_payload_bytes_min;
  record.token = made.state.token;
  std::string hash;
  if (record.elsewhere) {
    hash = sha256(event);
    if (auto stored = add_payload(made, run, event, hash); !stored)
      return stored;
  }
  record.body = record.elsewhere ? std::string_view{hash} : event;
  auto number = run.tail.records + 1;
  record.chain = chain_of(record, number, run.tail.chain);
  made.batch.Put(journal_keys::record(run.head.number(), number), encode(record));
  run.tail = {number, record.chain, record.token};
  return {};
}

result<void> rocksdb_journal::add_payload(batch_draft& made, const known_run& run,
                                          std::string_view event, const std::string& hash) {
  constexpr auto& rows = journal_keys::payload_names;
  made.batch.Put(journal_keys::name_of(rows, run.head.number(), hash), "");
  made.batch.Put(journal_keys::named_by(rows, hash, run.head.number()), "");
  if (!made.payloads.insert(hash).second)
    return {};
  bool is_there = false;
  auto looked = reader_.each_row(journal_keys::named(rows, hash), [&](auto, auto) {
    is_there = true;
    return false;
  });
  if (looked && !is_there)
    made.batch.Put(journal_keys::payload(hash), slice_of(event));
  return looked;
}

result<std::unique_ptr<journal_store>> open_journal(const std::filesystem::path& folder,
                                                    journal_options options) {
  auto store = std::make_unique<rocksdb_journal>(folder, std::move(options));
  if (auto opened = store->open(); !opened)
    return unexpected{std::move(opened).error()};
  return std::unique_ptr<journal_store>(std::move(store));
}

} // namespace troupe
