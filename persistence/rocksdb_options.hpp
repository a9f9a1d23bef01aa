#pragma once

#include <rocksdb/options.h>

namespace troupe {

/// For a small database whose every write is synced: about 20 MiB at most, two background threads.
rocksdb::Options state_store_options();

} // namespace troupe
