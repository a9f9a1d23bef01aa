#include "tests/e2e/e2e.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

/// `--output`: files, pipes and devices; also outputs that make a command wait.
namespace troupe::tests {

namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

class outputs : public e2e_test {
protected:
  void SetUp() override {
    write_file(user.path() / "r.yaml",
               "graph: r\nresult: $tasks.a\n"
               "tasks:\n  - {id: a, role: echo, input: {text: the result}}\n");
    one_.emplace(user, cluster_options{.nodes = 1});
  }
  void TearDown() override { one_.reset(); }

  std::optional<cluster> one_;
};

/// Checks repeatedly until the condition is true, at most for 20 s.
bool await(const std::function<bool()>& is_so) {
  auto until = clock::now() + 20s;
  while (!is_so())
    if (clock::now() > until)
      return false;
    else
      std::this_thread::yield();
  return true;
}

TEST_F(outputs, that_are_pipes_or_devices_are_written_to) {
  auto ran = user.shell("set -e; $troupe run ./r.yaml --output /dev/stdout | cat >piped\n"
                        "bash -c '$troupe run ./r.yaml --output >(cat >substituted; echo >done)'\n"
                        "mkfifo fifo; cat fifo >read & $troupe run ./r.yaml --output fifo; wait\n"
                        "$troupe run ./r.yaml --output /dev/null\n"
                        "test -p fifo; test -c /dev/null; until [ -e done ]; do :; done");
  ASSERT_TRUE(ran.ok()) << ran.shown();
  for (auto file : {"piped", "substituted", "read"})
    EXPECT_THAT(read_file(user.path() / file), HasSubstr("the result")) << file;
}

TEST_F(outputs, that_are_files_keep_their_mode_and_links_to_them_stay) {
  auto ran = user.shell("set -e; umask 022; echo old >own; chmod 600 own; ln -s later link\n"
                        "$troupe run ./r.yaml --output own; $troupe run ./r.yaml --output link\n"
                        "test -L link");
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_EQ(fs::status(user.path() / "own").permissions() & fs::perms::all, fs::perms{0600});
  for (auto file : {"own", "later"})
    EXPECT_THAT(read_file(user.path() / file), HasSubstr("the result")) << file;
}

TEST_F(outputs, of_no_name_are_refused_before_anything_is_done) {
  for (std::string option : {"--output", "--data", "--peer"}) {
    auto ran = user.troupe({"run", "./r.yaml", option, ""});
    EXPECT_EQ(ran.ended.code, 64) << ran.shown();
    EXPECT_THAT(ran.err, AllOf(HasSubstr(option), HasSubstr("empty"))) << ran.shown();
  }
}

TEST_F(outputs, that_nobody_reads_hold_up_a_command_until_it_is_interrupted) {
  ASSERT_EQ(::mkfifo((user.path() / "fifo").c_str(), 0600), 0);
  auto writing = user.start_shell("exec $troupe run ./r.yaml --output fifo");
  auto place = "/proc/" + std::to_string(writing.pid()) + "/wchan"; // where in the kernel it waits
  ASSERT_TRUE(await([&] { return read_file(place) == "wait_for_partner"; })) << read_file(place);
  writing.send_signal(SIGTERM);
  auto ended = writing.wait(20s);
  ASSERT_TRUE(ended) << "it does not hear signals";
  EXPECT_EQ(ended->signal, SIGTERM);
}

TEST_F(outputs, whose_reader_stands_still_hold_up_a_command_until_it_is_interrupted) {
  auto fifo = user.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto writing = user.start_shell(
      "exec $troupe send echo/a \"$(head -c 120000 /dev/zero | tr '\\0' x)\" >fifo");
  auto is_full = [&] {
    int waiting = 0;
    return ::ioctl(reader, FIONREAD, &waiting) == 0 && waiting > 60'000;
  };
  EXPECT_TRUE(await(is_full)) << writing.errors();
  writing.send_signal(SIGINT);
  auto ended = writing.wait(20s);
  ::close(reader);
  ASSERT_TRUE(ended) << "it does not hear signals";
  EXPECT_EQ(ended->code, 130) << to_string(*ended);
}

TEST_F(outputs, beyond_the_limit_of_file_sizes_are_told_of) {
  auto ran = user.shell("ulimit -f 0; exec $troupe status >file");
  EXPECT_EQ(ran.ended.code, 73) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("File too large"));
}

TEST_F(outputs, that_are_closed_are_told_of) {
  for (std::string command : {"status", "send echo/a hi", "run ./r.yaml"}) {
    auto ran = user.shell("exec $troupe " + command + " >&-");
    EXPECT_EQ(ran.ended.code, 73) << ran.shown();
    EXPECT_THAT(ran.err, HasSubstr("cannot write to standard output: Bad file descriptor"));
  }
}

} // namespace

} // namespace troupe::tests
