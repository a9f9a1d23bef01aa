#pragma once

#include "messages/errors.hpp"
#include "persistence/journal/wal_reader.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace troupe {

/// Opens the database in that folder for reading, checks that it is whole, and gives the names of
/// the tables that its list has ("000012.sst").
using examine_database =
    std::function<result<std::vector<std::string>>(const std::filesystem::path& folder)>;

/// A power loss may leave garbage after what was synced of RocksDB's list of its files, the
/// MANIFEST, and RocksDB takes that for damage. Nothing relies on what a list said that was never
/// synced, so this cuts the garbage off. But it may also be the damaged end of what was synced, and
/// RocksDB deletes tables that no list has. So a copy without it, of links, is examined first, and
/// nothing is cut if it is not whole, or if a table that it does not list has writes that no log
/// has: then whoever opens the database says what is wrong.
///
/// The database is closed, and nobody else may use its folder. Errors are those of files.
result<void> cut_torn_manifest(const std::filesystem::path& folder, const write_number& number_in,
                               const examine_database& examine);

} // namespace troupe
