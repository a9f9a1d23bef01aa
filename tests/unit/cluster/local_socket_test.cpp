#include "actors/cluster/acceptor.hpp"
#include "actors/cluster/local_socket.hpp"
#include "config/base/file_handle.hpp"
#include "config/limits/links.hpp"
#include "tests/unit/persistence/temporary_folder.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

class a_local_socket : public with_folder {
protected:
  fs::path file() const { return folder / local_socket_name; }

  /// Expects that bytes pass from a client to the acceptor.
  static void expect_works(const local_socket& listening, const fs::path& place) {
    auto client = connect_locally(place, 1s);
    ASSERT_TRUE(client) << client.error().message;
    pollfd ready{listening.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 5'000), 1);
    file_handle accepted{::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    ASSERT_TRUE(accepted);
    EXPECT_TRUE(is_from_this_user(accepted.get()));
    ASSERT_EQ(::send(client->get(), "hello", 5, 0), 5);
    char bytes[5];
    EXPECT_EQ(::recv(accepted.get(), bytes, sizeof bytes, MSG_WAITALL), 5);
    EXPECT_NE(::fcntl(client->get(), F_GETFL) & O_NONBLOCK, 0);
  }

  /// Leaves a socket behind, like a killed process.
  void leave_stale() {
    auto child = ::fork();
    if (child == 0) {
      auto listening = local_socket::listen_in(folder);
      ::_exit(listening ? (new local_socket(std::move(*listening)), 0) : 1); // no destructor
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    ASSERT_TRUE(fs::is_socket(file()));
  }
};

} // namespace

TEST_F(a_local_socket, takes_connections_and_is_gone_with_its_end) {
  {
    auto listening = local_socket::listen_in(folder);
    ASSERT_TRUE(listening) << listening.error().message;
    expect_works(*listening, folder);
    struct stat about {};
    ASSERT_EQ(::lstat(file().c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(fs::exists(fs::symlink_status(file())));
  auto late = connect_locally(folder, 1s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ec::unavailable);
}

TEST_F(a_local_socket, works_where_the_path_is_longer_than_a_socket_address_holds) {
  auto deep = folder / std::string(120, 'a') / std::string(120, 'b');
  fs::create_directories(deep);
  auto listening = local_socket::listen_in(deep);
  ASSERT_TRUE(listening) << listening.error().message;
  EXPECT_TRUE(fs::is_socket(deep / local_socket_name));
  expect_works(*listening, deep);
}

TEST_F(a_local_socket, takes_the_place_of_one_whose_process_was_killed) {
  leave_stale();
  auto nobody = connect_locally(folder, 1s);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().code, ec::unavailable);
  auto listening = local_socket::listen_in(folder);
  ASSERT_TRUE(listening) << listening.error().message;
  expect_works(*listening, folder);
}

TEST_F(a_local_socket, does_not_take_the_place_of_a_living_one) {
  auto first = local_socket::listen_in(folder);
  ASSERT_TRUE(first);
  {
    auto second = local_socket::listen_in(folder);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ec::refused);
  }
  file_handle knocked{::accept4(first->get(), nullptr, nullptr, SOCK_CLOEXEC)};
  ASSERT_TRUE(knocked);
  expect_works(*first, folder);
}

TEST_F(a_local_socket, removes_only_the_file_that_it_made) {
  {
    auto listening = local_socket::listen_in(folder);
    ASSERT_TRUE(listening);
    fs::remove(file());
    write(file(), "somebody's");
  }
  EXPECT_EQ(bytes_of(file()), "somebody's");
}

TEST_F(a_local_socket, refuses_what_somebody_has_put_in_its_place) {
  auto planted = [this] {
    auto listening = local_socket::listen_in(folder);
    auto why = listening ? failure{} : listening.error();
    EXPECT_EQ(why.code, ec::refused) << why.message;
    EXPECT_NE(why.message.find(file().string()), std::string::npos) << why.message;
  };
  write(folder / "precious", "kept");
  fs::create_symlink(folder / "precious", file());
  planted();
  EXPECT_EQ(bytes_of(folder / "precious"), "kept");
  fs::remove(file());
  write(file(), "a file");
  planted();
  fs::remove(file());
  fs::create_directory(file());
  planted();
}

TEST_F(a_local_socket, refuses_the_socket_of_another_user) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "run it as root: only root can give a socket to another user";
  leave_stale();
  ASSERT_EQ(::lchown(file().c_str(), 65534, 65534), 0);
  auto listening = local_socket::listen_in(folder);
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, ec::refused);
}

TEST_F(a_local_socket, is_not_followed_through_a_link_to_the_folder) {
  auto listening = local_socket::listen_in(folder);
  ASSERT_TRUE(listening);
  auto other = folder / "other";
  fs::create_directory_symlink(folder, other);
  EXPECT_FALSE(connect_locally(other, 1s));
}

TEST_F(a_local_socket, of_another_users_process_is_refused_by_the_client) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "run it as root: only root can become another user, who listens here";
  fs::permissions(folder, fs::perms::all);
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  auto child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0)
      ::_exit(1);
    auto listening = local_socket::listen_in(folder);
    char byte = listening ? 'y' : 'n';
    (void)!::write(ready[1], &byte, 1);
    ::close(done[1]);
    (void)!::read(done[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  auto client = connect_locally(folder, 1s);
  EXPECT_FALSE(client) << "who listens is neither this user, nor root, nor the folder's owner";
  if (!client) {
    EXPECT_EQ(client.error().code, ec::refused);
  }
  ASSERT_EQ(::chown(folder.c_str(), 65534, 65534), 0);
  EXPECT_TRUE(connect_locally(folder, 1s)) << "root may use the cluster of the folder's owner";
  for (int fd : {ready[0], ready[1], done[0], done[1]})
    ::close(fd);
  ::waitpid(child, nullptr, 0);
}

TEST(strangers_max, is_bound_by_the_descriptors_of_the_process) {
  EXPECT_EQ(strangers_max(1'048'576, 128), 128u);
  EXPECT_EQ(strangers_max(limits::descriptors_min, 128), 8u);
  EXPECT_EQ(strangers_max(24, 128), 4u);
}

} // namespace troupe
