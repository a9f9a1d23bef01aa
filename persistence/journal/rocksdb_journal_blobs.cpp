// Which blobs the inputs of runs name: these are kept as long as the journal has one of the runs.

#include "config/limits/storage.hpp"
#include "messages/value_blobs.hpp"
#include "persistence/journal/journal_event.hpp"
#include "persistence/journal/journal_keys.hpp"
#include "persistence/journal/rocksdb_journal.hpp"

#include <optional>
#include <string>
#include <utility>

namespace troupe {

void rocksdb_journal::add_blobs(batch_draft& made, std::uint64_t number,
                                const RunEvent::Began& event) {
  constexpr auto& rows = journal_keys::blob_names;
  each_blob_of(event.inputs(), [&](const BlobRef& blob) {
    made.batch.Put(journal_keys::name_of(rows, number, blob.sha256()), "");
    made.batch.Put(journal_keys::named_by(rows, blob.sha256(), number), "");
    return true;
  });
}

/// Version 0.1 did not list them. Runs that this version cannot read are left out: they are judged
/// when somebody reads them.
result<void> rocksdb_journal::list_blobs_of_earlier_runs() {
  auto done = data_.get(std::string{journal_keys::blobs_listed});
  if (!done)
    return unexpected{std::move(done).error()};
  if (*done)
    return {};
  batch_draft made;
  made.state = state_;
  std::optional<failure> why;
  auto add_run = [&](std::string_view run) -> result<void> {
    auto head = reader_.head_of(run);
    if (!head || !*head)
      return head ? result<void>{} : result<void>{unexpected{std::move(head).error()}};
    auto read = reader_.read(run, **head, 0, [&](std::uint64_t, const std::string& first) {
      if (auto began = read_began(first))
        add_blobs(made, (*head)->number(), *began);
      return false;
    });
    if (!read && read.error().code != ec::bad_message)
      return unexpected{std::move(read).error()};
    if (made.batch.GetDataSize() < limits::journal_batch_bytes_max)
      return {};
    auto written = write(made, journal_write::unsynced);
    made = batch_draft();
    made.state = state_;
    return written;
  };
  auto listed = reader_.each_row(std::string{journal_keys::heads}, [&](auto run, auto) {
    if (auto added = add_run(run); !added)
      why = std::move(added).error();
    return !why;
  });
  if (why)
    return unexpected{*std::move(why)};
  if (!listed)
    return listed;
  made.batch.Put(slice_of(journal_keys::blobs_listed), "");
  return write(made, journal_write::synced);
}

result<bool> rocksdb_journal::names_blob(std::string_view sha256) {
  return data_.guarded<bool>([&]() -> result<bool> {
    bool is_named = false;
    auto looked =
        reader_.each_row(journal_keys::named(journal_keys::blob_names, sha256), [&](auto, auto) {
          is_named = true;
          return false;
        });
    if (!looked)
      return unexpected{std::move(looked).error()};
    return is_named;
  });
}

} // namespace troupe
