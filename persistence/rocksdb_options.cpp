#include "persistence/rocksdb_options.hpp"

#include "config/limits/storage.hpp"
#include "config/limits/units.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace troupe {

rocksdb::Options rocksdb_options() {
  rocksdb::Options o;
  o.create_if_missing = true;
  o.paranoid_checks = true;

  // The default stops at the first damaged record and silently drops those after it.
  // kAbsoluteConsistency refuses the torn tail that every crash leaves.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;

  o.write_buffer_size = limits::store_buffer_bytes;
  o.max_write_buffer_number = 2;
  o.arena_block_size = 256 * limits::kib;
  o.max_total_wal_size = 2 * limits::store_buffer_bytes;
  o.target_file_size_base = 2 * limits::store_buffer_bytes;
  o.max_manifest_file_size = limits::mib;
  o.max_open_files = 256;
  o.max_file_opening_threads = 1;
  o.max_background_jobs = 2;
  o.compression = rocksdb::kNoCompression;
  o.skip_stats_update_on_db_open = true;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(limits::store_cache_bytes, 2);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));

  // RocksDB's own log: warnings, in one small file.
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  o.max_log_file_size = limits::mib;
  o.keep_log_file_num = 2;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  return o;
}

} // namespace troupe
