#include "config/limits/storage.hpp"
#include "persistence/files.hpp"

#include "tests/unit/persistence/temporary_folder.hpp"

#include <sys/stat.h>

using namespace troupe;

namespace {
using files = with_folder;
} // namespace

TEST_F(files, a_replaced_file_has_the_new_bytes_and_mode_and_no_leftovers) {
  ASSERT_TRUE(replace_file(folder / "a", folder / "a.new", "old"));
  ASSERT_TRUE(replace_file(folder / "a", folder / "a.new", "new"));
  EXPECT_EQ(bytes_of(folder / "a"), "new");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.new"));
  struct stat about;
  ASSERT_EQ(stat((folder / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(files, a_failed_replacement_leaves_the_old_file_and_says_why) {
  std::filesystem::create_directories(folder / "a" / "full");
  auto refused = replace_file(folder / "a", folder / "a.new", "new");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_NE(refused.error().message.find((folder / "a").string()), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "a" / "full"));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.new"));
  EXPECT_FALSE(replace_file(folder / "none" / "a", folder / "none" / "b", "x"));
}

TEST_F(files, a_file_is_created_only_once) {
  auto first = create_file(folder / "a", folder / "a.1", "first");
  auto second = create_file(folder / "a", folder / "a.2", "second");
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(*first);
  EXPECT_FALSE(*second);
  EXPECT_EQ(bytes_of(folder / "a"), "first");
  EXPECT_FALSE(std::filesystem::exists(folder / "a.2"));
  auto nowhere = create_file(folder / "none" / "a", folder / "a.3", "third");
  ASSERT_FALSE(nowhere) << "only a file that is there is no error";
  EXPECT_FALSE(std::filesystem::exists(folder / "a.3"));
}

TEST_F(files, reading_tells_absent_from_too_long) {
  write(folder / "a", "12345");
  auto whole = read_file(folder / "a", 5);
  ASSERT_TRUE(whole && *whole);
  EXPECT_EQ(**whole, "12345");
  auto absent = read_file(folder / "b", 5);
  ASSERT_TRUE(absent);
  EXPECT_FALSE(*absent);
  auto longer = read_file(folder / "a", 4);
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, ec::storage_failed);
  EXPECT_FALSE(read_file(folder, 1'000'000)) << "a folder is no file";
}

TEST_F(files, folders_are_made_with_those_above) {
  ASSERT_TRUE(make_folder(folder / "a" / "b" / "c"));
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a" / "b" / "c"));
  EXPECT_TRUE(make_folder(folder / "a" / "b" / "c"));
  write(folder / "file", "");
  EXPECT_FALSE(make_folder(folder / "file" / "x"));
  EXPECT_FALSE(make_folder(folder / "file"));
}

TEST_F(files, a_disk_counts_as_full_before_it_is) {
  auto with = [](std::uint64_t bytes) {
    return [bytes](const std::filesystem::path&) -> result<std::uint64_t> { return bytes; };
  };
  EXPECT_TRUE(check_free_space(with(limits::disk_free_bytes_min + 10), folder, 10));
  auto refused = check_free_space(with(limits::disk_free_bytes_min + 9), folder, 10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::storage_failed);
  EXPECT_NE(refused.error().message.find("full"), std::string::npos);
  auto there = free_disk_bytes(folder);
  ASSERT_TRUE(there);
  EXPECT_GT(*there, 0u);
  EXPECT_FALSE(free_disk_bytes(folder / "none"));
}
