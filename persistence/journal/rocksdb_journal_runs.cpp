// Which runs there are, what they hold, and how they go.

#include "config/limits/storage.hpp"
#include "persistence/journal/journal_event.hpp"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/rocksdb_journal.hpp"

#include <algorithm>

namespace troupe {

result<std::vector<std::string>> rocksdb_journal::open_runs() {
  return data_.guarded<std::vector<std::string>>([&]() -> result<std::vector<std::string>> {
    std::vector<std::string> runs;
    auto listed = reader_.each_row(std::string{journal_keys::open_runs}, [&](auto run, auto) {
      runs.emplace_back(run);
      return true;
    });
    if (!listed)
      return unexpected{std::move(listed).error()};
    return runs;
  });
}

result<std::optional<journal_page>> rocksdb_journal::read(std::string_view run, std::uint64_t after,
                                                          std::uint64_t bytes_max) {
  using page = std::optional<journal_page>;
  return data_.guarded<page>([&]() -> result<page> {
    auto head = reader_.head_of(run);
    if (!head)
      return unexpected{std::move(head).error()};
    if (!*head)
      return page{};
    journal_page made;
    made.first = after + 1;
    std::uint64_t bytes = 0;
    auto read = reader_.read(run, **head, after, [&](std::uint64_t, std::string event) {
      if (!made.events.empty() && bytes + event.size() > bytes_max) {
        made.more = true;
        return false;
      }
      bytes += event.size();
      made.events.push_back(std::move(event));
      return true;
    });
    if (!read)
      return unexpected{std::move(read).error()};
    auto known = tails_.find(std::string{run});
    if (!made.more && known != tails_.end() && after <= known->second.tail.records
        && read->records != known->second.tail.records)
      return unexpected{reader_.damaged(run, known->second.tail.records, "is missing")};
    return page{std::move(made)};
  });
}

result<std::optional<std::string>> rocksdb_journal::last(std::string_view run) {
  using event = std::optional<std::string>;
  return data_.guarded<event>([&]() -> result<event> {
    auto head = reader_.head_of(run);
    if (!head)
      return unexpected{std::move(head).error()};
    if (!*head || (*head)->records() == 0)
      return event{};
    event found;
    auto read = reader_.read(run, **head, (*head)->records() - 1, [&](std::uint64_t, auto bytes) {
      found = std::move(bytes);
      return true;
    });
    if (!read)
      return unexpected{std::move(read).error()};
    return found;
  });
}

result<RunsFound> rocksdb_journal::ended(RunPhase phase, std::string_view prefix,
                                         std::size_t at_most) {
  return data_.guarded<RunsFound>([&]() -> result<RunsFound> {
    RunsFound found;
    auto rows = data_.rows();
    std::string first{journal_keys::ends};
    std::string behind(1, static_cast<char>(first.front() + 1));
    std::size_t looked_at = 0;
    for (rows->SeekForPrev(behind); rows->Valid() && rows->key().starts_with(first); rows->Prev()) {
      RunSummary summary;
      auto value = rows->value();
      if (!summary.ParseFromArray(value.data(), static_cast<int>(value.size())))
        return unexpected{data_.damaged("the summary of a run cannot be read")};
      bool wanted = is_asked_for(summary, phase, prefix);
      if (++looked_at > limits::journal_list_looked_at_max
          || (wanted && static_cast<std::size_t>(found.runs_size()) >= at_most)) {
        found.set_more(true);
        return found;
      }
      if (wanted)
        *found.add_runs() = std::move(summary);
    }
    if (!rows->status().ok())
      return unexpected{reader_.unreadable(rows->status())};
    return found;
  });
}

result<std::optional<std::string>> rocksdb_journal::row_that_names_run(const std::string& key) {
  return data_.guarded<std::optional<std::string>>([&] { return data_.get(key); });
}

result<std::optional<std::string>> rocksdb_journal::find(std::string_view tenant,
                                                         std::string_view key) {
  return row_that_names_run(journal_keys::key(tenant, key));
}

result<std::optional<std::string>> rocksdb_journal::find(std::uint64_t session,
                                                         std::uint64_t number) {
  return row_that_names_run(journal_keys::submission(session, number));
}

/// Adds the removal of all rows of the run.
result<void> rocksdb_journal::add_removal(rocksdb::WriteBatch& batch, removal_draft& gone,
                                          std::string_view run, const JournalHead& head) {
  auto number = head.number();
  batch.DeleteRange(journal_keys::records(number), journal_keys::records(number + 1));
  batch.Delete(journal_keys::head(run));
  batch.Delete(journal_keys::end(head.ended_ms(), run));
  auto forget = [&](const std::string& key) -> result<void> {
    auto named = data_.get(key);
    if (!named)
      return unexpected{std::move(named).error()};
    if (*named && **named == run) // a later run may have taken it over
      batch.Delete(key);
    return {};
  };
  if (!head.key().empty())
    if (auto done = forget(journal_keys::key(head.tenant(), head.key())); !done)
      return done;
  if (head.session() != 0)
    if (auto done = forget(journal_keys::submission(head.session(), head.submission())); !done)
      return done;
  if (auto done =
          add_removal_of_names(batch, gone, journal_keys::payload_names, number, gone.payloads);
      !done)
    return done;
  return add_removal_of_names(batch, gone, journal_keys::blob_names, number, gone.blobs);
}

/// `unnamed` gets what nobody has or names any more once the batch, which may remove several runs,
/// is written.
result<void> rocksdb_journal::add_removal_of_names(rocksdb::WriteBatch& batch, removal_draft& gone,
                                                   const journal_keys::name_rows& rows,
                                                   std::uint64_t number,
                                                   std::set<std::string>& unnamed) {
  std::vector<std::string> hashes;
  auto listed = reader_.each_row(journal_keys::names(rows, number), [&](auto hash, auto) {
    hashes.emplace_back(hash);
    return true;
  });
  if (!listed)
    return listed;
  for (const auto& hash : hashes) {
    batch.Delete(journal_keys::name_of(rows, number, hash));
    auto name = journal_keys::named_by(rows, hash, number);
    batch.Delete(name);
    gone.names.insert(name);
    bool is_needed = false;
    auto prefix = journal_keys::named(rows, hash);
    auto looked = reader_.each_row(prefix, [&](auto rest, auto) {
      is_needed = !gone.names.contains(prefix + std::string{rest});
      return !is_needed;
    });
    if (!looked)
      return looked;
    if (!is_needed)
      unnamed.insert(hash);
  }
  return {};
}

result<void> rocksdb_journal::write_removal(batch_draft& made, removal_draft& gone,
                                            journal_write how) {
  for (const auto& hash : gone.payloads)
    made.batch.Delete(journal_keys::payload(hash));
  auto written = write(made, how);
  if (written)
    released_.insert(released_.end(), gone.blobs.begin(), gone.blobs.end());
  return written;
}

result<journal_removal> rocksdb_journal::remove(std::string_view run) {
  return data_.guarded<journal_removal>([&]() -> result<journal_removal> {
    auto head = reader_.head_of(run);
    if (!head)
      return unexpected{std::move(head).error()};
    if (!*head)
      return journal_removal::not_found;
    if ((*head)->records() == 0)
      return journal_removal::goes_on;
    if (auto ready = prepare_to_write(0); !ready)
      return unexpected{std::move(ready).error()};
    batch_draft made;
    made.state = state_;
    removal_draft gone;
    if (auto added = add_removal(made.batch, gone, run, **head); !added)
      return unexpected{std::move(added).error()};
    if (auto written = write_removal(made, gone, journal_write::synced); !written)
      return unexpected{std::move(written).error()};
    return journal_removal::removed;
  });
}

result<std::size_t> rocksdb_journal::cut(std::int64_t before_ms, std::size_t at_most) {
  return data_.guarded<std::size_t>([&]() -> result<std::size_t> {
    std::vector<std::string> runs;
    auto behind = journal_keys::end(std::max<std::int64_t>(before_ms, 0), "");
    auto ends_of = std::string{journal_keys::ends};
    auto time_bytes = behind.size() - ends_of.size();
    auto listed = reader_.each_row(ends_of, [&](std::string_view rest, auto) {
      if (runs.size() >= at_most || ends_of + std::string{rest} >= behind)
        return false;
      runs.emplace_back(rest.substr(std::min(rest.size(), time_bytes)));
      return true;
    });
    if (!listed)
      return unexpected{std::move(listed).error()};
    if (runs.empty())
      return std::size_t{0};
    if (auto ready = prepare_to_write(0); !ready)
      return unexpected{std::move(ready).error()};
    batch_draft made;
    made.state = state_;
    removal_draft gone;
    for (const auto& run : runs) {
      auto head = reader_.head_of(run);
      if (head && !*head)
        return unexpected{data_.damaged("the head of " + run_text(run) + " is missing")};
      auto added = head ? add_removal(made.batch, gone, run, **head)
                        : result<void>{unexpected{head.error()}};
      if (!added)
        return unexpected{std::move(added).error()};
    }
    if (auto written = write_removal(made, gone, journal_write::unsynced); !written)
      return unexpected{std::move(written).error()};
    return runs.size();
  });
}

} // namespace troupe
