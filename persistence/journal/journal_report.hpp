#pragma once

#include "messages/errors.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Something in a journal that is not as it was written.
struct journal_damage {
  std::string what;
  std::filesystem::path file;          ///< empty: not known
  std::optional<std::uint64_t> offset; ///< in that file
};

/// What is in a journal that nobody has open.
struct journal_report {
  std::uint64_t runs = 0;
  std::uint64_t open = 0; ///< of those: without an end
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;            ///< of their events
  std::uint64_t runs_cut = 0;         ///< of which only a beginning can be read
  std::uint64_t runs_unknown = 0;     ///< there are records of them, and no more
  std::vector<journal_damage> damage; ///< at most `limits::journal_damage_told_max`
};

/// Called for each event that can be read: run by run, in their order.
using event_seen =
    std::function<void(std::string_view run, std::uint64_t number, const std::string& event)>;

/// Reads all of it and changes nothing. Of a run, what comes before the first record that is
/// damaged is told. `not_found`: there is no journal.
result<journal_report> inspect_journal(const std::filesystem::path& folder,
                                       const event_seen& each = {});

/// Brings what can be read into a new journal in `into`, which must not be there or be empty. A run
/// that had ended and of which records are missing ends as its summary says.
result<journal_report> salvage_journal(const std::filesystem::path& folder,
                                       const std::filesystem::path& into);

} // namespace troupe
