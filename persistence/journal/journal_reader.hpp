#pragma once

#include "messages/journal.pb.h"
#include "persistence/journal/journal_store.hpp"
#include "persistence/rocksdb_database.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Where a run's records end.
struct run_tail {
  std::uint64_t records = 0;
  std::uint64_t chain = 0; ///< of the last one
  std::uint64_t token = 0; ///< of its writer
};

/// Reads the rows of a journal, and checks that they belong together. What does not is
/// `bad_message`. Only looks: of a journal that is written, and of one that is inspected.
class journal_reader {
public:
  explicit journal_reader(rocksdb_database& data) : data_(data) {}

  result<std::optional<JournalHead>> head_of(std::string_view run);

  /// Called for each event, in order; false: enough.
  using event_sink = std::function<bool(std::uint64_t number, std::string event)>;
  /// Gives the events after number `after`; null: only checks them. Returns where it came to an
  /// end; if that is the end of the run, it is as its head says.
  result<run_tail> read(std::string_view run, const JournalHead& head, std::uint64_t after,
                        const event_sink& sink);

  /// Looks only at the last record.
  result<run_tail> last_of(std::string_view run, const JournalHead& head);

  /// Calls it for each row with that prefix, in order, with what follows the prefix; false: enough.
  using row_sink = std::function<bool(std::string_view rest, std::string_view value)>;
  result<void> each_row(const std::string& prefix, const row_sink& sink);

  failure damaged(std::string_view run, std::uint64_t number, std::string_view what) const;
  /// What an iterator or a look-up ended with.
  failure unreadable(const rocksdb::Status& status) const;

private:
  result<std::string> event_of(std::string_view run, std::uint64_t number, std::string_view hash);

  rocksdb_database& data_;
};

} // namespace troupe
