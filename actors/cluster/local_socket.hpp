#pragma once

#include "config/base/file_handle.hpp"
#include "persistence/files.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>

/// The Unix socket in a node's data folder, by which the clients of this machine come in. The
/// problem: a TCP port on loopback is open to every user of the machine, who can fill it or, when
/// its node is dead, take its place; and an address outlives the cluster it belonged to. A socket
/// in a folder is reached through that folder only, and the kernel says who is at its other end.
///
/// The path of a socket has at most 107 bytes. Longer ones are reached through the folder's
/// descriptor (`/proc/self/fd/N/socket`), which also makes sure that nobody exchanges the folder
/// meanwhile. No call here waits, but for `connect_locally`.
namespace troupe {

inline constexpr std::string_view local_socket_name = "socket";

/// A listening socket in a folder; its file is removed with it, if it is still the one made here.
class local_socket {
public:
  /// Takes the place of a socket that a dead process has left. `refused`: somebody listens there,
  /// or what stands there is no socket of this user's (a planted link or file); `unavailable`: the
  /// file system or the kernel does not do it. The caller owns the folder
  /// (persistence/identity.hpp) so that two nodes do not both think the other dead.
  static result<local_socket> listen_in(const std::filesystem::path& folder);

  local_socket(local_socket&&) noexcept = default;
  local_socket& operator=(local_socket&&) = delete;
  ~local_socket();

  int get() const noexcept { return listening_.get(); }
  /// Another descriptor of the same socket, for who accepts.
  file_handle share() const;

private:
  local_socket(file_handle folder, file_handle listening, ino_t file)
      : folder_(std::move(folder)), listening_(std::move(listening)), file_(file) {}

  file_handle folder_;
  file_handle listening_;
  ino_t file_ = 0;
};

/// Connects to the node whose data folder that is. The process that listens must belong to this
/// user, to root or to the folder's owner: `refused` if not. `unavailable`: no node listens there;
/// then it is not running, whoever has its address by now. Waits at most `at_most`, and only while
/// the node's queue of connections is full.
result<file_handle> connect_locally(const std::filesystem::path& folder,
                                    std::chrono::milliseconds at_most);

/// Whether the process at the other end belongs to this user or to root.
bool is_from_this_user(int socket);

} // namespace troupe
