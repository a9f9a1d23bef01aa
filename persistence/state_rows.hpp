#pragma once

#include "persistence/ledger.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The rows of a store of states:
///
///     "s" agent            a snapshot
///     "c" number agent     a change since then, by its number from 1 in four bytes
///     "n" agent            its note (ledger.hpp)
///     "r" agent            the hashes of the blobs that the snapshot names, sorted
///     "b" hash agent       nothing: that agent names that blob, with its changes
///     "p" ...              a step of a message that is not done (step_rows.hpp)
///     "l"                  the ledger of all notes, names and steps
///     "v"                  the store knows what its states name: it was begun by a version that
///                          writes "r" and "b"
///
/// One write changes all rows of its agents at once.
namespace troupe::state_rows {

inline constexpr char snapshot_rows = 's';
inline constexpr char change_rows = 'c';
inline constexpr char note_rows = 'n';
inline constexpr char names_rows = 'r';
inline constexpr char named_rows = 'b';
inline constexpr std::string_view ledger_row = "l";
inline constexpr std::string_view version_row = "v";

inline std::string store_key(char rows, std::string_view rest) { return rows + std::string(rest); }

inline std::string named_row(std::string_view hash, std::string_view agent) {
  return store_key(named_rows, hash) + std::string(agent);
}

inline std::string change_row(std::uint64_t number, std::string_view agent) {
  return store_key(change_rows, encode_number(number).substr(0, 4)) + std::string(agent);
}

} // namespace troupe::state_rows
