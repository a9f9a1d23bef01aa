#include "nodes/cluster_files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace troupe {

namespace fs = std::filesystem;

namespace {

class cluster_files : public testing::Test {
protected:
  cluster_files() {
    auto pattern = (fs::temp_directory_path() / "troupe-files-XXXXXX").string();
    data_ = ::mkdtemp(pattern.data());
  }
  ~cluster_files() override { fs::remove_all(data_); }

  fs::path data_;
};

} // namespace

TEST_F(cluster_files, what_is_written_is_read_back) {
  cluster_file written{"a \"name\"", {{{"0123", "node-1", "127.0.0.1:4711"}, "127.0.0.1:4712"}}};
  ASSERT_TRUE(write_cluster_file(data_, written));
  auto read = read_cluster_file(data_);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(*read);
  EXPECT_EQ((*read)->name, written.name);
  ASSERT_EQ((*read)->nodes.size(), 1u);
  EXPECT_EQ((*read)->nodes[0].member.id, "0123");
  EXPECT_EQ((*read)->nodes[0].member.name, "node-1");
  EXPECT_EQ((*read)->nodes[0].member.address, "127.0.0.1:4711");
  EXPECT_EQ((*read)->nodes[0].http_address, "127.0.0.1:4712");
}

TEST_F(cluster_files, a_folder_without_a_cluster_is_no_error) {
  auto read = read_cluster_file(data_ / "nothing");
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
}

TEST_F(cluster_files, only_a_regular_file_of_this_user_is_read) {
  auto path = cluster_file_path(data_);
  std::ofstream(data_ / "elsewhere") << "name: x\n";
  fs::create_symlink(data_ / "elsewhere", path);
  auto linked = read_cluster_file(data_);
  ASSERT_FALSE(linked);
  EXPECT_NE(linked.error().message.find("is a link"), std::string::npos);
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  auto pipe = read_cluster_file(data_); // must not wait for a writer
  ASSERT_FALSE(pipe);
  EXPECT_NE(pipe.error().message.find("is no regular file"), std::string::npos);
}

TEST_F(cluster_files, a_file_that_is_no_mapping_is_told_in_plain_words) {
  for (auto text : {"victim\n", "name: x\nnodes: [a]\n"}) {
    std::ofstream(cluster_file_path(data_)) << text;
    auto read = read_cluster_file(data_);
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().message.find("expected a mapping"), std::string::npos)
        << read.error().message;
  }
}

TEST_F(cluster_files, a_damaged_file_is_named_with_its_line) {
  std::ofstream(cluster_file_path(data_)) << "name: x\nnodes: [\n";
  auto read = read_cluster_file(data_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ec::bad_message);
  EXPECT_NE(read.error().message.find("cluster.yaml:"), std::string::npos);
  std::ofstream(cluster_file_path(data_)) << "name: x\nnodes:\n  - id: a\n";
  EXPECT_EQ(read_cluster_file(data_).error().code, ec::bad_message);
}

TEST_F(cluster_files, writing_where_one_cannot_is_an_error_and_leaves_nothing) {
  auto written = write_file_atomically(data_ / "no" / "such" / "file", "text");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ec::storage_failed);
  ASSERT_TRUE(write_file_atomically(data_ / "file", "text"));
  EXPECT_EQ(std::distance(fs::directory_iterator(data_), fs::directory_iterator()), 1);
}

TEST_F(cluster_files, the_lock_is_held_against_others_and_names_its_holder) {
  EXPECT_FALSE(lock_holder(data_));
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  int wait_here[2];
  ASSERT_EQ(::pipe(wait_here), 0);
  auto child = ::fork();
  if (child == 0) {
    auto lock = take_folder(data_);
    char byte = lock ? 'y' : 'n';
    [[maybe_unused]] auto wrote = ::write(told[1], &byte, 1);
    ::close(wait_here[1]);
    [[maybe_unused]] auto ended = ::read(wait_here[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  EXPECT_EQ(lock_holder(data_), child);
  auto refused = take_folder(data_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::refused);
  EXPECT_NE(refused.error().message.find(std::to_string(child)), std::string::npos);
  ::close(wait_here[1]);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(lock_holder(data_)); // though the file still exists
  EXPECT_TRUE(take_folder(data_));
}

TEST_F(cluster_files, the_lock_is_not_lost_by_asking_who_holds_it) {
  auto lock = take_folder(data_);
  ASSERT_TRUE(lock);
  EXPECT_EQ(lock_holder(data_), ::getpid());
  auto twice = take_folder(data_);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ec::refused);
  auto child = ::fork();
  if (child == 0) { // as another process sees it, without this process's list
    auto fd = ::open((data_ / "lock").c_str(), O_RDWR | O_CLOEXEC);
    struct flock asked {};
    asked.l_type = F_WRLCK;
    asked.l_whence = SEEK_SET;
    bool held =
        ::fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type != F_UNLCK && asked.l_pid == ::getppid();
    ::_exit(held ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(data_folder, follows_the_environment) {
  ::setenv("XDG_STATE_HOME", "/var/tmp/state", 1);
  ::unsetenv("TROUPE_DATA");
  EXPECT_EQ(default_data_folder(), "/var/tmp/state/troupe/default");
  ::setenv("XDG_STATE_HOME", "relative", 1); // the specification says to ignore it
  ::setenv("HOME", "/home/somebody", 1);
  EXPECT_EQ(default_data_folder(), "/home/somebody/.local/state/troupe/default");
  ::setenv("TROUPE_DATA", "/data/x/../y", 1);
  EXPECT_EQ(default_data_folder(), "/data/y");
  ::unsetenv("TROUPE_DATA");
  ::unsetenv("XDG_STATE_HOME");
}

} // namespace troupe
