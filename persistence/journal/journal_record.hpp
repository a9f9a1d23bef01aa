#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// A record of a run:
///
///     +--------+---------+----------------+---------------------------------+
///     | format | token   | chain          | 1: the bytes of a RunEvent      |
///     | 1 byte | varint  | 8 bytes        | 2: the SHA-256 of those bytes   |
///     +--------+---------+----------------+---------------------------------+
///
/// `token` is the fencing token of its writer: it never goes down within a run. `chain` is a hash
/// of the rest of the record, its number, and the chain of the record before (of the first one: of
/// the run's id): a record that is changed, missing, doubled or another run's does not fit.
struct journal_record {
  bool elsewhere = false; ///< the body is the hash of the event, which is a row of its own
  std::uint64_t token = 0;
  std::uint64_t chain = 0;
  std::string_view body; ///< within the bytes that were decoded
};

/// The chain before the first record.
std::uint64_t chain_of(std::string_view run);
/// The chain of a record, from that of the one before. Does not look at `record.chain`.
std::uint64_t chain_of(const journal_record& record, std::uint64_t number, std::uint64_t before);

std::string encode(const journal_record& record);
/// Nothing: this version cannot read it.
std::optional<journal_record> decode_record(std::string_view bytes);

} // namespace troupe
