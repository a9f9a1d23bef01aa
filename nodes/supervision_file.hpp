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

/// How the process that supervises a cluster and other commands of the same user communicate. The
/// supervisor reports through a file in the data folder; the commands send it signals.
///
/// The file has its full size from the start and is overwritten in place, because it matters most
/// when the disk is full and no file can be replaced. The text has a hash in front. If the hash
/// does not match, readers read again.
namespace troupe {

/// Signals for the supervising process. It handles them even if it ignores others.
inline constexpr int signal_start_missing = 10; ///< SIGUSR1
inline constexpr int signal_stop = 12;          ///< SIGUSR2

struct supervision {
  pid_t pid = 0;           ///< the supervising process
  std::uint64_t asked = 0; ///< how often it was asked to start missing nodes
  std::vector<supervised_node> nodes;
};

std::filesystem::path supervision_path(const std::filesystem::path& data);

/// Writes the file.
class supervision_file {
public:
  /// Creates the file with its full size. If the disk has no room, the next `write` tries again.
  explicit supervision_file(const std::filesystem::path& data);
  void write(const supervision& now);

private:
  bool open();

  std::filesystem::path path_;
  file_handle file_;
};

/// Reads the file. Returns nothing if there is none, or if it is not from the process that holds
/// the folder's lock.
std::optional<supervision> read_supervision(const std::filesystem::path& data);

/// The process that holds the lock of a data folder. It has no descriptor if no cluster runs there.
struct supervisor {
  file_handle pidfd;
  pid_t pid = 0;
};
supervisor find_supervisor(const std::filesystem::path& data);

/// Reads the file at each change until `fits` returns true, the supervisor ends, `interrupt_fd`
/// becomes readable or the time is over. Returns what it read last.
std::optional<supervision> await_supervision(const std::filesystem::path& data,
                                             const supervisor& process,
                                             const std::function<bool(const supervision&)>& fits,
                                             std::chrono::milliseconds at_most, int interrupt_fd);

} // namespace troupe
