#include "persistence/ledger.hpp"

#include <xxhash.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t field_bytes = 8;

std::uint64_t fingerprint(std::string_view key, const row_note& note) {
  return step_fingerprint(key, encode(note));
}

} // namespace

std::string encode_number(std::uint64_t value) {
  std::string bytes(field_bytes, '\0');
  for (auto& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

std::optional<std::uint64_t> decode_number(std::string_view bytes) {
  if (bytes.size() != field_bytes)
    return std::nullopt;
  std::uint64_t value = 0;
  for (auto i = field_bytes; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

row_note row_note::of(std::uint64_t write, std::string_view key, std::string_view bytes) {
  auto seed = XXH3_64bits_withSeed(key.data(), key.size(), write);
  return {write, XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed)};
}

void row_note::add_change(std::string_view bytes, std::uint64_t makes) {
  auto before = changes == 0 ? hash : changes_hash;
  changes_hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), before);
  ++changes;
  version = makes;
}

std::string encode(const row_note& note) {
  auto bytes = encode_number(note.write) + encode_number(note.hash);
  if (note.changes > 0)
    bytes += encode_number(note.changes) + encode_number(note.changes_hash)
             + encode_number(note.version);
  return bytes;
}

std::optional<row_note> decode_note(std::string_view bytes) {
  bool has_changes = bytes.size() == 5 * field_bytes;
  if (bytes.size() != 2 * field_bytes && !has_changes)
    return std::nullopt;
  auto number = [&](std::size_t index) {
    return *decode_number(bytes.substr(index * field_bytes, field_bytes));
  };
  row_note note{number(0), number(1)};
  if (has_changes) {
    note.changes = number(2);
    note.changes_hash = number(3);
    note.version = number(4);
  }
  return note;
}

void ledger::add(std::string_view key, const row_note& note) {
  ++rows;
  digest ^= fingerprint(key, note);
}

void ledger::remove(std::string_view key, const row_note& note) {
  --rows;
  digest ^= fingerprint(key, note);
}

void ledger::add_name(std::string_view key) {
  ++names;
  names_digest ^= XXH3_64bits(key.data(), key.size());
}

void ledger::remove_name(std::string_view key) {
  --names;
  names_digest ^= XXH3_64bits(key.data(), key.size());
}

void ledger::add_step(std::uint64_t fingerprint) {
  ++steps;
  steps_digest ^= fingerprint;
}

void ledger::remove_step(std::uint64_t fingerprint) {
  --steps;
  steps_digest ^= fingerprint;
}

std::uint64_t step_fingerprint(std::string_view key, std::string_view bytes) {
  return XXH3_64bits_withSeed(key.data(), key.size(), XXH3_64bits(bytes.data(), bytes.size()));
}

std::string encode(const ledger& sum) {
  auto bytes = encode_number(sum.writes) + encode_number(sum.rows) + encode_number(sum.digest)
               + encode_number(sum.names) + encode_number(sum.names_digest);
  if (sum.steps > 0)
    bytes += encode_number(sum.steps) + encode_number(sum.steps_digest);
  return bytes;
}

std::optional<ledger> decode_ledger(std::string_view bytes) {
  // The first version had no names, and most of the time there are no steps.
  if (bytes.size() != 3 * field_bytes && bytes.size() != 5 * field_bytes
      && bytes.size() != 7 * field_bytes)
    return std::nullopt;
  auto number = [&](std::size_t index) {
    return decode_number(bytes.substr(std::min(index * field_bytes, bytes.size()), field_bytes))
        .value_or(0);
  };
  return ledger{number(0), number(1), number(2), number(3), number(4), number(5), number(6)};
}

} // namespace troupe
