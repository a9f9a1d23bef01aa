#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Eight bytes, least significant first.
std::string encode_number(std::uint64_t value);
std::optional<std::uint64_t> decode_number(std::string_view bytes);

/// What a store notes beside each row: the number of its write, and a hash of its bytes.
struct row_note {
  std::uint64_t write = 0;
  std::uint64_t hash = 0;

  static row_note of(std::uint64_t write, std::string_view key, std::string_view bytes);
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

  void add(std::string_view key, const row_note& note);
  void remove(std::string_view key, const row_note& note);
  void add_name(std::string_view key);
  void remove_name(std::string_view key);
  friend bool operator==(const ledger&, const ledger&) = default;
};

std::string encode(const ledger& sum);
std::optional<ledger> decode_ledger(std::string_view bytes);

} // namespace troupe
