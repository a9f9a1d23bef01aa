#pragma once

#include "messages/runs.pb.h"
#include "persistence/ledger.hpp"
#include "persistence/rocksdb_database.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// The steps of messages that are not done, as rows of the state store:
///
///     "p" place session number agent     a StepsMade; its place, from 1, in four bytes, among
///                                        those that were written of this agent
///
/// They are few, and most agents have none, so their keys are in memory: whoever reads a state
/// pays nothing for them. The ledger has a fingerprint of each: a lost or changed one is damage.
/// One thread at a time.
class step_rows {
public:
  /// Reads all rows and counts them in the ledger.
  result<void> add_up(rocksdb_database& data, ledger& sum);
  /// What was written of that agent, in order.
  result<std::vector<StepsMade>> read(rocksdb_database& data, std::string_view agent) const;

  /// Adds a row, or deletes those of messages that are settled, with the next write.
  void add(rocksdb::WriteBatch& batch, ledger& sum, const StepsMade& made);
  void settle(rocksdb::WriteBatch& batch, ledger& sum, std::string_view agent,
              const google::protobuf::RepeatedPtrField<MessageKey>& which);
  /// That write begins; whatever came before and was not written does not count.
  void begin_write() { next_.clear(); }
  void is_written();

private:
  struct step_row {
    std::uint32_t place = 0;
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    std::uint64_t fingerprint = 0;
  };
  using rows_by_agent = std::map<std::string, std::vector<step_row>, std::less<>>;
  static std::string key_of(const step_row& row, std::string_view agent);
  std::vector<step_row>& changed(std::string_view agent);

  rows_by_agent rows_;
  rows_by_agent next_; ///< of the agents that the next write changes
};

} // namespace troupe
