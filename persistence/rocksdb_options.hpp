#pragma once

#include <rocksdb/options.h>

namespace troupe {

/// For a small database whose writes are synced: about 20 MiB at most, two background threads.
rocksdb::Options rocksdb_options();

} // namespace troupe
