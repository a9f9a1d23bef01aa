#include "actors/cluster/local_socket.hpp"

#include "config/limits/links.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace troupe {

namespace fs = std::filesystem;

namespace {

unexpected<failure> no_socket(ec code, const char* doing, const fs::path& folder, int error) {
  return fail(code, std::string{doing} + " " + (folder / local_socket_name).string() + ": "
                        + std::strerror(error));
}

file_handle open_folder(const fs::path& folder) {
  return file_handle{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// The socket's name within an open folder: short, and bound to that very folder.
sockaddr_un place_in(const file_handle& folder) {
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  auto path =
      "/proc/self/fd/" + std::to_string(folder.get()) + "/" + std::string{local_socket_name};
  std::memcpy(place.sun_path, path.c_str(), path.size() + 1);
  return place;
}

file_handle make_socket(int more_flags) {
  return file_handle{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | more_flags, 0)};
}

int connect_to(const file_handle& socket, const file_handle& folder) {
  auto place = place_in(folder);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0
             ? 0
             : errno;
}

std::optional<uid_t> user_of_peer(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return std::nullopt;
  return peer.uid;
}

bool is_trusted(uid_t user) { return user == ::geteuid() || user == 0; }

struct stat about_entry(const file_handle& folder, bool& there) {
  struct stat about {};
  std::string name{local_socket_name};
  there = ::fstatat(folder.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
  return about;
}

void remove_entry(const file_handle& folder) {
  ::unlinkat(folder.get(), std::string{local_socket_name}.c_str(), 0);
}

/// Removes what a dead node has left, and nothing else.
result<void> clear_place(const file_handle& folder, const fs::path& shown) {
  bool there = false;
  auto about = about_entry(folder, there);
  if (!there)
    return {};
  auto path = (shown / local_socket_name).string();
  if (!S_ISSOCK(about.st_mode) || !is_trusted(about.st_uid))
    return fail(ec::refused, path
                                 + " is not a socket of this user's: somebody else has put it "
                                   "there; remove it and start the node again");
  auto probe = make_socket(SOCK_NONBLOCK);
  auto error = probe ? connect_to(probe, folder) : errno;
  if (error != ECONNREFUSED && error != ENOENT)
    return fail(ec::refused, "somebody listens at " + path
                                 + ": stop the other node, or choose another data folder");
  remove_entry(folder);
  return {};
}

} // namespace

result<local_socket> local_socket::listen_in(const fs::path& shown) {
  auto folder = open_folder(shown);
  if (!folder)
    return no_socket(ec::unavailable, "opening the folder of", shown, errno);
  if (auto cleared = clear_place(folder, shown); !cleared)
    return unexpected{cleared.error()};
  auto made = make_socket(SOCK_NONBLOCK);
  if (!made)
    return no_socket(ec::unavailable, "making", shown, errno);
  auto place = place_in(folder);
  if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0)
    return no_socket(ec::unavailable, "making", shown, errno);
  bool there = false;
  auto about = about_entry(folder, there);
  local_socket done{std::move(folder), std::move(made), about.st_ino};
  // Nobody can connect before `listen`, so nobody slips in before the mode is set.
  std::string name{local_socket_name};
  if (!there || ::fchmodat(done.folder_.get(), name.c_str(), 0600, 0) != 0
      || ::listen(done.get(), limits::listen_backlog) != 0)
    return no_socket(ec::unavailable, "listening at", shown, errno);
  return done;
}

file_handle local_socket::share() const {
  return file_handle{::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0)};
}

local_socket::~local_socket() {
  if (!listening_)
    return;
  bool there = false;
  auto about = about_entry(folder_, there);
  if (there && S_ISSOCK(about.st_mode) && about.st_ino == file_)
    remove_entry(folder_);
}

result<file_handle> connect_locally(const fs::path& shown, std::chrono::milliseconds at_most) {
  auto folder = open_folder(shown);
  struct stat about {};
  if (!folder || ::fstat(folder.get(), &about) != 0)
    return no_socket(ec::unavailable, "opening the folder of", shown, errno);
  auto socket = make_socket(0);
  if (!socket)
    return no_socket(ec::unavailable, "no socket for", shown, errno);
  timeval patience{};
  patience.tv_sec = at_most.count() / 1000;
  patience.tv_usec = static_cast<suseconds_t>(at_most.count() % 1000 * 1000) + 1; // 0: for ever
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (auto error = connect_to(socket, folder); error != 0)
    return error == EAGAIN
               ? fail(ec::unavailable, "the node in " + shown.string() + " does not answer")
               : no_socket(ec::unavailable, "nobody answers at", shown, error);
  auto user = user_of_peer(socket.get());
  if (!user || (!is_trusted(*user) && *user != about.st_uid))
    return fail(ec::refused, "who listens at " + (shown / local_socket_name).string()
                                 + " is another user (" + (user ? std::to_string(*user) : "unknown")
                                 + "), not the cluster's owner");
  ::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  return socket;
}

bool is_from_this_user(int socket) {
  auto user = user_of_peer(socket);
  return user && is_trusted(*user);
}

} // namespace troupe
