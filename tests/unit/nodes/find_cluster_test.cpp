#include "config/base/file_handle.hpp"
#include "nodes/cli/find_cluster.hpp"
#include "nodes/cluster_files.hpp"
#include "persistence/identity.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace troupe::cli {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

class find_cluster : public testing::Test {
protected:
  find_cluster() {
    auto pattern = (fs::temp_directory_path() / "troupe-find-XXXXXX").string();
    data_ = ::mkdtemp(pattern.data());
    wanted_.flags.data = data_.string();
    wanted_.first_round = 200ms;
    wanted_.both_rounds = 400ms;
  }
  ~find_cluster() override { fs::remove_all(data_); }

  void write_cluster(const std::vector<std::string>& addresses) {
    cluster_file file;
    for (const auto& at : addresses)
      file.nodes.push_back({{std::string(32, 'a'), "node-1", at}, "127.0.0.1:2"});
    ASSERT_TRUE(write_cluster_file(data_, file));
    ASSERT_TRUE(load_or_create_secret(secret_path(data_)));
  }

  cli_error error() {
    auto found = attach(wanted_);
    EXPECT_FALSE(found);
    return found ? cli_error{} : found.error();
  }

  fs::path data_;
  attach_options wanted_;
};

/// Accepts connections (in the kernel) and never sends anything.
class deaf_node {
public:
  deaf_node() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&at), size), 0);
    EXPECT_EQ(::listen(socket_.get(), 4), 0);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }
  std::string address;

  /// How many have knocked so far.
  int knocks() const {
    int count = 0;
    for (pollfd one{socket_.get(), POLLIN, 0}; ::poll(&one, 1, 0) == 1; ++count)
      ::close(::accept(socket_.get(), nullptr, nullptr));
    return count;
  }

private:
  file_handle socket_;
};

bool has_part(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_F(find_cluster, where_there_is_none_the_command_that_starts_one_is_told) {
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "troupe up --nodes 3 --data " + data_.string())) << why.message;
}

TEST_F(find_cluster, a_dead_clusters_leftovers_are_no_cluster) {
  write_cluster({"127.0.0.1:1", "127.0.0.1:1"});
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "no cluster is running in " + data_.string())) << why.message;
  EXPECT_TRUE(has_part(why.message, "troupe up --nodes 3")) << why.message;
}

TEST_F(find_cluster, nodes_that_do_not_answer_are_given_up_within_the_time) {
  deaf_node one, two;
  write_cluster({one.address, two.address});
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
}

TEST_F(find_cluster, a_peer_that_does_not_answer_is_asked_once_more) {
  deaf_node busy;
  write_cluster({busy.address});
  wanted_.flags.peer = busy.address;
  EXPECT_TRUE(has_part(error().message, "does not answer"));
  EXPECT_EQ(busy.knocks(), 2);
}

TEST_F(find_cluster, addresses_alone_are_not_tried_where_no_cluster_holds_the_folder) {
  deaf_node of_the_original; // the folder is a copy with the same addresses and secret
  write_cluster({of_the_original.address});
  auto begun = std::chrono::steady_clock::now();
  wanted_.first_round = wanted_.both_rounds = 20s;
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "no cluster is running in " + data_.string())) << why.message;
  EXPECT_LT(std::chrono::steady_clock::now() - begun, wanted_.first_round / 2)
      << "it asked the original";
}

TEST_F(find_cluster, a_cluster_that_does_not_answer_in_time_is_not_to_be_stopped) {
  deaf_node one;
  write_cluster({one.address});
  int ready[2], done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  auto child = ::fork(); // another process holds the folder
  if (child == 0) {
    auto lock = take_folder(data_);
    char byte = lock ? 'y' : 'n';
    (void)!::write(ready[1], &byte, 1);
    ::close(done[1]);
    (void)!::read(done[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  auto why = error();
  for (int fd : {ready[0], ready[1], done[0], done[1]})
    ::close(fd);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "does not answer")) << why.message;
  EXPECT_TRUE(has_part(why.message, one.address))
      << "the address is tried while the folder is held";
  EXPECT_FALSE(has_part(why.message, "troupe down")) << why.message;
}

TEST_F(find_cluster, a_damaged_cluster_file_is_said) {
  ASSERT_TRUE(write_file_atomically(cluster_file_path(data_), "nodes: {\n"));
  auto why = error();
  EXPECT_EQ(why.exit_code, 65);
  EXPECT_TRUE(has_part(why.message, cluster_file_path(data_).string())) << why.message;
}

TEST_F(find_cluster, a_peer_without_a_known_secret_says_how_to_name_it) {
  wanted_.flags.peer = "127.0.0.1:1";
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "--secret-file")) << why.message;
  EXPECT_TRUE(has_part(why.message, "127.0.0.1:1")) << why.message;
}

TEST_F(find_cluster, a_peer_that_is_no_address_is_a_wrong_command_line) {
  wanted_.flags.peer = "nonsense";
  EXPECT_EQ(error().exit_code, 64);
}

TEST_F(find_cluster, nobody_at_the_peer_is_said_with_its_address) {
  write_cluster({"127.0.0.1:1"});
  wanted_.flags.peer = "127.0.0.1:1";
  auto why = error();
  EXPECT_EQ(why.exit_code, 69);
  EXPECT_TRUE(has_part(why.message, "127.0.0.1:1")) << why.message;
}

TEST(data_hint, is_empty_for_the_default_folder) {
  EXPECT_EQ(data_hint({}), "");
  cluster_flags flags;
  flags.data = "/somewhere/./else";
  EXPECT_EQ(data_hint(flags), " --data /somewhere/else");
  flags.data = "/some where";
  EXPECT_EQ(data_hint(flags), " --data '/some where'") << "as it can be typed";
}

} // namespace troupe::cli
