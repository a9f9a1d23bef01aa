#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The rows of a journal in RocksDB:
///
///     "h" run                its head (messages/journal.proto): written when it begins and ends
///     "e" number sequence    a record (journal_record.hpp); `number` is the run's in this journal
///     "o" run                nothing: the run has not ended
///     "t" end run            its RunSummary: it ended at that time, in milliseconds since 1970
///     "k" hash               the run with that tenant and key
///     "s" session number     the run of that submission
///     "p" sha256             an event that is too large for its record
///     "n" number sha256      nothing: that run has such an event
///     "b" sha256 number      nothing: the same, from the event to its runs
///     "d" number sha256      nothing: the inputs of that run name this blob
///     "f" sha256 number      nothing: the same, from the blob to its runs
///     "m"                    nothing: "d" and "f" are there for all runs (since version 0.2)
///     "l"                    format, fencing token, writes ever, the next run's number
///
/// Numbers of runs and records are in the fewest bytes that keep their order.
namespace troupe::journal_keys {

inline constexpr std::string_view state = "l";
inline constexpr std::string_view heads = "h", open_runs = "o", ends = "t", payloads = "p";
inline constexpr std::string_view blobs_listed = "m";

/// Two kinds of rows that say the same: from a run to what it has or names, and back.
struct name_rows {
  std::string_view of_run, of_name;
};
inline constexpr name_rows payload_names{"n", "b"}, blob_names{"d", "f"};

std::string head(std::string_view run);
std::string open_run(std::string_view run);
std::string record(std::uint64_t number, std::uint64_t sequence);
/// Before all records of the run.
std::string records(std::uint64_t number);
std::string end(std::int64_t ended_ms, std::string_view run);
std::string key(std::string_view tenant, std::string_view key);
std::string submission(std::uint64_t session, std::uint64_t number);
std::string payload(std::string_view hash);
std::string names(const name_rows& rows, std::uint64_t number);
std::string name_of(const name_rows& rows, std::uint64_t number, std::string_view hash);
std::string named(const name_rows& rows, std::string_view hash);
std::string named_by(const name_rows& rows, std::string_view hash, std::uint64_t number);

/// What follows the prefix, read back. Nothing: it is no such key.
struct record_place {
  std::uint64_t number = 0;
  std::uint64_t sequence = 0;
};
std::optional<record_place> read_record(std::string_view key);

} // namespace troupe::journal_keys

namespace troupe {

/// Seven bits a byte, the lowest first, as in protobuf.
void append_varint(std::string& to, std::uint64_t value);
std::optional<std::uint64_t> take_varint(std::string_view& from);

} // namespace troupe
