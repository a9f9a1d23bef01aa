#pragma once

#include "config/base/file_handle.hpp"
#include "nodes/child_process.hpp"
#include "nodes/node_phase.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Between the process that supervises a cluster and other commands of the same user: it tells by a
/// file of the data folder, and is told by signals.
///
/// The file has all its room from the beginning and is overwritten in place: it must be right above
/// all when the disk is full, where no file can be replaced. Readers see a text with its hash, and
/// read again what does not fit together.
namespace troupe {

/// Told to the supervising process, whatever signals it ignores.
inline constexpr int signal_start_missing = 10; ///< SIGUSR1
inline constexpr int signal_stop = 12;          ///< SIGUSR2

struct supervision {
  pid_t pid = 0;           ///< of the supervising process
  std::uint64_t asked = 0; ///< how often it was asked to start what is missing
  std::vector<supervised_node> nodes;
};

std::filesystem::path supervision_path(const std::filesystem::path& data);

/// Writes the file.
class supervision_file {
public:
  /// Makes the file with all its room. Without room it is made again at the next `write`.
  explicit supervision_file(const std::filesystem::path& data);
  void write(const supervision& now);

private:
  bool open();

  std::filesystem::path path_;
  file_handle file_;
};

/// Nothing if there is none, or none of the process that holds the folder's lock.
std::optional<supervision> read_supervision(const std::filesystem::path& data);

/// The process that holds the lock of a data folder, and that the descriptor stands for. Without a
/// descriptor if no cluster runs there.
struct supervisor {
  file_handle pidfd;
  pid_t pid = 0;
};
supervisor find_supervisor(const std::filesystem::path& data);

/// Reads again at each change of the file, until `fits` holds or the supervisor has ended or the
/// time is over: the last it read.
std::optional<supervision> await_supervision(const std::filesystem::path& data,
                                             const supervisor& process,
                                             const std::function<bool(const supervision&)>& fits,
                                             std::chrono::milliseconds at_most, int interrupt_fd);

} // namespace troupe
