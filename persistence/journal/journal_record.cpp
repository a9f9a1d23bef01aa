#include "persistence/journal/journal_record.hpp"

#include "persistence/journal/journal_keys.hpp"
#include "persistence/ledger.hpp"

#include <xxhash.h>

namespace troupe {

namespace {

constexpr char format_whole = 1;
constexpr char format_elsewhere = 2;
constexpr std::size_t chain_bytes = 8;

char format_of(const journal_record& record) {
  return record.elsewhere ? format_elsewhere : format_whole;
}

} // namespace

std::uint64_t chain_of(std::string_view run) { return XXH3_64bits(run.data(), run.size()); }

std::uint64_t chain_of(const journal_record& record, std::uint64_t number, std::uint64_t before) {
  auto head = format_of(record) + encode_number(record.token) + encode_number(number);
  auto seed = XXH3_64bits_withSeed(head.data(), head.size(), before);
  return XXH3_64bits_withSeed(record.body.data(), record.body.size(), seed);
}

std::string encode(const journal_record& record) {
  std::string made(1, format_of(record));
  append_varint(made, record.token);
  made += encode_number(record.chain);
  made += record.body;
  return made;
}

std::optional<journal_record> decode_record(std::string_view bytes) {
  if (bytes.empty() || (bytes.front() != format_whole && bytes.front() != format_elsewhere))
    return std::nullopt;
  journal_record made;
  made.elsewhere = bytes.front() == format_elsewhere;
  bytes.remove_prefix(1);
  auto token = take_varint(bytes);
  if (!token || bytes.size() < chain_bytes)
    return std::nullopt;
  made.token = *token;
  made.chain = *decode_number(bytes.substr(0, chain_bytes));
  made.body = bytes.substr(chain_bytes);
  return made;
}

} // namespace troupe
