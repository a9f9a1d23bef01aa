#include "persistence/journal/journal_keys.hpp"

#include "persistence/sha256.hpp"

namespace troupe {

namespace {

/// The highest byte first, so that keys are sorted by their numbers.
void append_big(std::string& to, std::uint64_t value, int bytes) {
  for (auto i = bytes; i-- > 0;)
    to += static_cast<char>(value >> (8 * i) & 0xff);
}

constexpr unsigned single_bytes = 248; ///< numbers below are one byte

void append_ordered(std::string& to, std::uint64_t value) {
  if (value < single_bytes) {
    to += static_cast<char>(value);
    return;
  }
  int bytes = 1;
  while (bytes < 8 && value >> (8 * bytes) != 0)
    ++bytes;
  to += static_cast<char>(single_bytes - 1 + static_cast<unsigned>(bytes));
  append_big(to, value, bytes);
}

std::optional<std::uint64_t> take_ordered(std::string_view& from) {
  if (from.empty())
    return std::nullopt;
  auto first = static_cast<unsigned char>(from.front());
  from.remove_prefix(1);
  if (first < single_bytes)
    return first;
  auto bytes = static_cast<std::size_t>(first) - (single_bytes - 1);
  if (from.size() < bytes)
    return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value = value << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(bytes);
  return value;
}

std::string with_prefix(std::string_view prefix, std::string_view rest) {
  return std::string{prefix} += rest;
}

std::string with_number(std::string_view prefix, std::uint64_t number) {
  std::string made{prefix};
  append_ordered(made, number);
  return made;
}

} // namespace

namespace journal_keys {

std::string head(std::string_view run) { return with_prefix(heads, run); }
std::string open_run(std::string_view run) { return with_prefix(open_runs, run); }

std::string records(std::uint64_t number) { return with_number("e", number); }
std::string record(std::uint64_t number, std::uint64_t sequence) {
  auto made = records(number);
  append_ordered(made, sequence);
  return made;
}

std::string end(std::int64_t ended_ms, std::string_view run) {
  std::string made{ends};
  append_big(made, static_cast<std::uint64_t>(ended_ms), 8);
  return made += run;
}

std::string key(std::string_view tenant, std::string_view key) {
  std::string both;
  append_varint(both, tenant.size());
  both += tenant;
  both += key;
  return "k" + sha256(both);
}

std::string submission(std::uint64_t session, std::uint64_t number) {
  std::string made = "s";
  append_big(made, session, 8);
  append_big(made, number, 8);
  return made;
}

std::string payload(std::string_view hash) { return with_prefix(payloads, hash); }
std::string names(const name_rows& rows, std::uint64_t number) {
  return with_number(rows.of_run, number);
}
std::string name_of(const name_rows& rows, std::uint64_t number, std::string_view hash) {
  return names(rows, number) += hash;
}
std::string named(const name_rows& rows, std::string_view hash) {
  return with_prefix(rows.of_name, hash);
}
std::string named_by(const name_rows& rows, std::string_view hash, std::uint64_t number) {
  auto made = named(rows, hash);
  append_ordered(made, number);
  return made;
}

std::optional<record_place> read_record(std::string_view key) {
  if (!key.starts_with('e'))
    return std::nullopt;
  key.remove_prefix(1);
  auto number = take_ordered(key);
  auto sequence = take_ordered(key);
  if (!number || !sequence || !key.empty())
    return std::nullopt;
  return record_place{*number, *sequence};
}

} // namespace journal_keys

void append_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& from) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (from.empty())
      return std::nullopt;
    auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value;
  }
  return std::nullopt;
}

} // namespace troupe
