#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The row that every write of a journal renews: what the journal knows about itself.
struct journal_state {
  std::uint64_t format = 1;
  std::uint64_t token = 0;    ///< of the last one that opened it for writing
  std::uint64_t writes = 0;   ///< ever
  std::uint64_t next_run = 1; ///< the number of the next run
};

std::string encode(const journal_state& state);
/// Nothing: this version cannot read it.
std::optional<journal_state> decode_journal_state(std::string_view bytes);

} // namespace troupe
