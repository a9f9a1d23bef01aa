#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Eight bytes, least significant first.
std::string encode_number(std::uint64_t value);
std::optional<std::uint64_t> decode_number(std::string_view bytes);

/// What a store notes beside each row: the number of its write, and a hash of its bytes; and of the
/// changes that lie beside it, if there are any, their number and a hash of all of them in order.
struct row_note {
  std::uint64_t write = 0;
  std::uint64_t hash = 0;
  std::uint64_t changes = 0;
  std::uint64_t changes_hash = 0;
  std::uint64_t version = 0; ///< of the row with its changes

  static row_note of(std::uint64_t write, std::string_view key, std::string_view bytes);
  /// Another change, which makes that version.
  void add_change(std::string_view bytes, std::uint64_t makes);
  friend bool operator==(const row_note&, const row_note&) = default;
};

std::string encode(const row_note& note);
std::optional<row_note> decode_note(std::string_view bytes);

/// What a store knows about all its rows together, written with every row. A database that lost a
/// file, and with it some rows or their latest values, no longer adds up to it.
struct ledger {
  std::uint64_t writes = 0; ///< ever
  std::uint64_t rows = 0;
  std::uint64_t digest = 0; ///< of all notes, in any order
  std::uint64_t names = 0;  ///< rows without a value, whose keys say everything
  std::uint64_t names_digest = 0;
  std::uint64_t steps = 0; ///< rows without a note, by what `step_fingerprint` says of them
  std::uint64_t steps_digest = 0;

  void add(std::string_view key, const row_note& note);
  void remove(std::string_view key, const row_note& note);
  void add_name(std::string_view key);
  void remove_name(std::string_view key);
  void add_step(std::uint64_t fingerprint);
  void remove_step(std::uint64_t fingerprint);
  friend bool operator==(const ledger&, const ledger&) = default;
};

std::uint64_t step_fingerprint(std::string_view key, std::string_view bytes);

std::string encode(const ledger& sum);
std::optional<ledger> decode_ledger(std::string_view bytes);

} // namespace troupe
