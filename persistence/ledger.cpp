#include "persistence/ledger.hpp"

#include <xxhash.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t field_bytes = 8;

std::uint64_t fingerprint(std::string_view key, const row_note& note) {
  auto bytes = encode(note);
  return XXH3_64bits_withSeed(key.data(), key.size(), XXH3_64bits(bytes.data(), bytes.size()));
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

std::string encode(const row_note& note) {
  return encode_number(note.write) + encode_number(note.hash);
}

std::optional<row_note> decode_note(std::string_view bytes) {
  if (bytes.size() != 2 * field_bytes)
    return std::nullopt;
  return row_note{*decode_number(bytes.substr(0, field_bytes)),
                  *decode_number(bytes.substr(field_bytes))};
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

std::string encode(const ledger& sum) {
  return encode_number(sum.writes) + encode_number(sum.rows) + encode_number(sum.digest)
         + encode_number(sum.names) + encode_number(sum.names_digest);
}

std::optional<ledger> decode_ledger(std::string_view bytes) {
  // The first version had no names: three numbers.
  if (bytes.size() != 3 * field_bytes && bytes.size() != 5 * field_bytes)
    return std::nullopt;
  auto number = [&](std::size_t index) {
    return decode_number(bytes.substr(std::min(index * field_bytes, bytes.size()), field_bytes))
        .value_or(0);
  };
  return ledger{number(0), number(1), number(2), number(3), number(4)};
}

} // namespace troupe
