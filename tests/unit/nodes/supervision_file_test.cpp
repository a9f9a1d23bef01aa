#include "config/limits/supervision.hpp"
#include "nodes/cluster_files.hpp"
#include "nodes/supervision_file.hpp"
#include "tests/unit/persistence/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

class supervision_files : public with_folder {
protected:
  supervision told() const {
    supervision now{::getpid(), 2, {}};
    now.nodes.push_back({"node-1", node_phase::ready, 4711, 0, 0, ""});
    now.nodes.push_back(
        {"node-2", node_phase::waiting, 0, 3, 1'700'000'000'000, "the disk\nis \xff"});
    return now;
  }
};

} // namespace

TEST_F(supervision_files, say_what_was_written_while_the_lock_is_held) {
  supervision_file file(folder);
  file.write(told());
  EXPECT_FALSE(read_supervision(folder)) << "nobody runs a cluster there";
  auto lock = take_folder(folder);
  ASSERT_TRUE(lock);
  auto read = read_supervision(folder);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->asked, 2u);
  ASSERT_EQ(read->nodes.size(), 2u);
  EXPECT_EQ(read->nodes[0].phase, node_phase::ready);
  EXPECT_EQ(read->nodes[0].pid, 4711);
  EXPECT_EQ(read->nodes[1].phase, node_phase::waiting);
  EXPECT_EQ(read->nodes[1].tries, 3u);
  EXPECT_EQ(read->nodes[1].next_try_unix_ms, 1'700'000'000'000);
  EXPECT_EQ(read->nodes[1].why, "the disk\nis \uFFFD");
}

TEST_F(supervision_files, have_all_their_room_from_the_beginning) {
  supervision_file file(folder);
  EXPECT_EQ(fs::file_size(supervision_path(folder)), limits::supervision_file_bytes);
  file.write(told());
  EXPECT_EQ(fs::file_size(supervision_path(folder)), limits::supervision_file_bytes);
}

TEST_F(supervision_files, of_another_process_or_half_written_say_nothing) {
  auto lock = take_folder(folder);
  ASSERT_TRUE(lock);
  supervision_file file(folder);
  auto other = told();
  other.pid = ::getppid(); // a process that had the folder before
  file.write(other);
  EXPECT_FALSE(read_supervision(folder));
  file.write(told());
  ASSERT_TRUE(read_supervision(folder));
  auto text = bytes_of(supervision_path(folder));
  auto at = text.find("node-1");
  ASSERT_NE(at, std::string::npos);
  text[at + 5] = '9';
  write(supervision_path(folder), text);
  EXPECT_FALSE(read_supervision(folder)) << "the hash does not fit";
}

TEST_F(supervision_files, are_awaited_until_they_say_it) {
  auto lock = take_folder(folder);
  ASSERT_TRUE(lock);
  supervision_file file(folder);
  file.write(told());
  auto running = find_supervisor(folder);
  EXPECT_EQ(running.pid, ::getpid());
  auto any = [](const supervision&) { return true; };
  auto none = [](const supervision&) { return false; };
  using std::chrono::milliseconds;
  EXPECT_TRUE(await_supervision(folder, running, any, milliseconds{10'000}, -1));
  EXPECT_TRUE(await_supervision(folder, running, none, milliseconds{1}, -1)) << "the last there is";
}

TEST(node_phases, are_read_back) {
  for (auto phase : {node_phase::starting, node_phase::joining, node_phase::ready,
                     node_phase::waiting, node_phase::given_up})
    EXPECT_EQ(parse_node_phase(to_string(phase)), phase);
}

} // namespace troupe
