#pragma once

#include "config/base/file_handle.hpp"
#include "persistence/files.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

/// The Unix socket in a node's data folder. Clients on this machine connect through it. The
/// problem: a TCP port on loopback is open to every user of the machine. Any of them can fill it
/// or, when its node is dead, take its place; and an address outlives its cluster. A socket in a
/// folder can be reached only through that folder, and the kernel says who is at the other end.
///
/// The path of a socket has at most 107 bytes. A longer path is reached through the folder's
/// descriptor (`/proc/self/fd/N/socket`), which also ensures that nobody exchanges the folder
/// meanwhile. No call here waits except `connect_locally`.
namespace troupe {

inline constexpr std::string_view local_socket_name = "socket";

/// A listening socket in a folder. Its file is removed with it, if the file is still the one made
/// here.
class local_socket {
public:
  /// Replaces a socket that a dead process has left. `refused`: somebody listens there, or the
  /// entry there is not a socket of this user (a planted link or file); `unavailable`: the file
  /// system or the kernel does not do it. The caller owns the folder (persistence/identity.hpp), so
  /// two nodes cannot each think the other dead.
  static result<local_socket> listen_in(const std::filesystem::path& folder);

  local_socket(local_socket&&) noexcept = default;
  local_socket& operator=(local_socket&&) = delete;
  ~local_socket();

  int get() const noexcept { return listening_.get(); }
  /// Another descriptor of the same socket, for the acceptor.
  file_handle share() const;

private:
  local_socket(file_handle folder, file_handle listening, ino_t file)
      : folder_(std::move(folder)), listening_(std::move(listening)), file_(file) {}

  file_handle folder_;
  file_handle listening_;
  ino_t file_ = 0;
};

/// Connects to the node with that data folder. The listening process must belong to this user, to
/// root or to the folder's owner; otherwise `refused`. `unavailable`: no node listens there. Then
/// the node is not running, even if somebody has its address by now. Waits at most `at_most`, and
/// only while the node's queue of connections is full.
result<file_handle> connect_locally(const std::filesystem::path& folder,
                                    std::chrono::milliseconds at_most);

/// Whether the process at the other end belongs to this user or to root.
bool is_from_this_user(int socket);

} // namespace troupe
