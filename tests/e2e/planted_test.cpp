#include "tests/e2e/e2e.hpp"

#include <sys/stat.h>
#include <unistd.h>

/// Another user of the machine was there first, with folders, secrets and links in a world-writable
/// folder. Needs root, which can act as two users.
namespace troupe::tests {

namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;

class planted : public e2e_test {
protected:
  void SetUp() override {
    if (::geteuid() != 0)
      GTEST_SKIP()
          << "run it as root: only root can make files of another user, which is what is planted";
    fs::create_directory(for_all());
    ASSERT_EQ(::chmod(for_all().c_str(), 01777), 0);
  }

  fs::path for_all() const { return user.path() / "for-all"; }

  static void give_away(const fs::path& path) {
    ASSERT_EQ(::lchown(path.c_str(), nobody, nobody), 0) << path;
  }

  fs::path planted_folder(const std::string& name) {
    auto folder = for_all() / name;
    fs::create_directory(folder);
    ::chmod(folder.c_str(), 0777);
    give_away(folder);
    return folder;
  }

  void expect_refused(const fs::path& data, const std::string& words) {
    for (const char* command : {"up", "up --detach", "send echo/a hi", "status", "down"}) {
      auto ran = user.shell("exec $troupe " + std::string(command) + " --data " + data.string());
      EXPECT_NE(ran.ended.code, 0) << command;
      if (std::string(command).starts_with("up")) {
        EXPECT_EQ(ran.ended.code, 73) << command << ran.shown();
        EXPECT_THAT(ran.err, HasSubstr(words)) << command;
      }
    }
  }
};

TEST_F(planted, folders_are_refused) {
  auto data = planted_folder("data");
  write_file(data / "secret", std::string(64, 'a') + "\n");
  ::chmod((data / "secret").c_str(), 0600);
  give_away(data / "secret");
  expect_refused(data, "belongs to user 65534");
  expect_refused(data / "below", "belongs to user 65534");
  EXPECT_FALSE(fs::exists(data / "up.log"));
}

TEST_F(planted, links_to_folders_are_refused) {
  fs::create_directory(user.path() / "mine");
  fs::create_directory_symlink(user.path() / "mine", for_all() / "data");
  give_away(for_all() / "data");
  expect_refused(for_all() / "data", "is a link that user 65534 has put there");
  EXPECT_TRUE(fs::is_empty(user.path() / "mine"));
}

TEST_F(planted, links_in_a_folder_of_ours_are_not_followed) {
  auto data = user.path() / "data";
  fs::create_directories(data / "node-1");
  for (const char* name :
       {"up.log", "lock", "node-1/output.log", "node-1/log.jsonl", "node-1/lock"}) {
    auto precious = user.path() / "precious";
    write_file(precious, "precious");
    fs::remove(data / name);
    fs::create_symlink(precious, data / name);
    auto ran = user.troupe({"up", "--nodes", "1", "--detach", "--data", data.string()});
    EXPECT_NE(ran.ended.code, 0) << name << ran.shown();
    EXPECT_THAT(ran.err, HasSubstr("is a link")) << name;
    EXPECT_EQ(read_file(precious), "precious") << name;
    fs::remove(data / name);
  }
  auto fine = user.troupe({"up", "--nodes", "1", "--detach", "--data", data.string()});
  EXPECT_TRUE(fine.ok()) << fine.shown();
  EXPECT_TRUE(user.troupe({"down", "--data", data.string()}).ok());
}

TEST_F(planted, secrets_of_others_are_refused) {
  cluster one{user, {.nodes = 1}};
  auto known = user.path() / "known";
  fs::copy_file(user.data() / "secret", known);
  give_away(known);
  auto ran =
      user.troupe({"status", "--peer", one.nodes()[0].address, "--secret-file", known.string()});
  EXPECT_EQ(ran.ended.code, 69) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("belongs to user 65534"));
}

TEST_F(planted, links_do_not_catch_a_report) {
  cluster one{user, {.nodes = 1}};
  auto precious = user.path() / "precious";
  write_file(precious, "precious");
  auto report = for_all() / "report.md";
  fs::create_symlink(precious, report);
  give_away(report);
  auto ran = user.troupe({"run", "chain", "--output", report.string()});
  EXPECT_EQ(ran.ended.code, 73) << ran.shown();
  EXPECT_EQ(read_file(precious), "precious");
  fs::remove(report);
  // The temporary file name of an earlier release, FILE.PID.tmp, could be guessed.
  auto guessed = user.shell("ln -s " + precious.string() + " " + report.string()
                            + ".$$.tmp; exec $troupe run chain --output " + report.string());
  EXPECT_TRUE(guessed.ok()) << guessed.shown();
  EXPECT_EQ(read_file(precious), "precious");
  EXPECT_FALSE(read_file(report).empty());
}

TEST_F(planted, nothing_of_a_cluster_can_be_read_by_others) {
  cluster one{user, {.nodes = 1}};
  for (const auto& entry : fs::recursive_directory_iterator{user.path() / "state"}) {
    struct stat about {};
    if (::lstat(entry.path().c_str(), &about) != 0)
      continue; // RocksDB has removed it meanwhile
    EXPECT_EQ(about.st_mode & 077, 0u) << entry.path();
  }
}

} // namespace

} // namespace troupe::tests
