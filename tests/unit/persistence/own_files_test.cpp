#include "persistence/own_files.hpp"

#include "persistence/identity.hpp"
#include "tests/unit/persistence/temporary_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace troupe;

namespace {

namespace fs = std::filesystem;

constexpr uid_t nobody = 65534;

class own_files : public with_folder {
protected:
  fs::path make(const std::string& name, mode_t mode) {
    auto made = folder / name;
    fs::create_directory(made);
    ::chmod(made.c_str(), mode);
    return made;
  }

  static std::string why(const result<void>& checked) {
    return checked ? "" : checked.error().message;
  }
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_F(own_files, a_folder_of_ours_is_fine_whether_it_is_there_or_not) {
  EXPECT_EQ(why(check_own_folder(folder)), "");
  EXPECT_EQ(why(check_own_folder(folder / "not" / "yet")), "");
  ASSERT_TRUE(make_own_folder(folder / "a" / "b"));
  struct stat about {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
}

TEST_F(own_files, a_folder_that_others_may_change_is_refused) {
  EXPECT_TRUE(has(why(check_own_folder(make("open", 0777))), "may be changed by other users"));
  EXPECT_TRUE(has(why(check_own_folder(make("sticky", 01777))), "may be changed by other users"));
  EXPECT_TRUE(has(why(check_own_folder(folder / "open" / "below")), "open may be changed"));
  EXPECT_FALSE(make_own_folder(folder / "open" / "below"));
  EXPECT_FALSE(fs::exists(folder / "open" / "below")) << "nothing is made there";
}

TEST_F(own_files, below_a_folder_where_only_owners_remove_there_may_be_one_of_ours) {
  make("sticky", 01777);
  EXPECT_EQ(why(make_own_folder(folder / "sticky" / "mine")), "");
}

TEST_F(own_files, a_folder_of_another_user_is_refused_with_his_number) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "run it as root: only root can make files of another user";
  make("sticky", 01777);
  auto his = make("sticky/his", 0700);
  ASSERT_EQ(::chown(his.c_str(), nobody, nobody), 0);
  EXPECT_TRUE(has(why(check_own_folder(his)), "belongs to user 65534"));
  EXPECT_TRUE(has(why(check_own_folder(his / "below")), "belongs to user 65534"));
  EXPECT_TRUE(has(why(check_trusted_way(his / "secret")), "belongs to user 65534"));
}

TEST_F(own_files, links_are_followed_if_who_made_them_may) {
  auto real = make("real", 0700);
  fs::create_directory_symlink("real", folder / "relative");
  fs::create_directory_symlink(real, folder / "absolute");
  fs::create_directory_symlink("relative/../absolute", folder / "winding");
  for (auto name : {"relative", "absolute", "winding"})
    EXPECT_EQ(why(check_own_folder(folder / name / "below")), "") << name;
  fs::create_directory_symlink("loop", folder / "loop");
  EXPECT_TRUE(has(why(check_own_folder(folder / "loop")), "cannot be followed"));
  make("open", 0777);
  fs::create_directory_symlink("open", folder / "to-open");
  EXPECT_TRUE(has(why(check_own_folder(folder / "to-open" / "x")), "open may be changed"));
}

TEST_F(own_files, a_link_of_another_user_is_refused) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "run it as root: only root can make files of another user";
  make("sticky", 01777);
  make("real", 0700);
  auto link = folder / "sticky" / "link";
  fs::create_directory_symlink(folder / "real", link);
  ASSERT_EQ(::lchown(link.c_str(), nobody, nobody), 0);
  EXPECT_TRUE(has(why(check_own_folder(link)), "is a link that user 65534 has put there"));
  EXPECT_TRUE(has(why(check_links(link / "report.md")), "is a link that user 65534"));
  EXPECT_EQ(why(check_links(folder / "real" / "report.md")), "");
}

TEST_F(own_files, only_a_regular_file_of_ours_is_opened) {
  auto created = open_own_file(folder / "log", O_WRONLY | O_CREAT | O_APPEND);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(open_own_file(folder / "none", O_RDONLY).error().code, ec::not_found);
  fs::create_symlink("log", folder / "link");
  EXPECT_TRUE(has(open_own_file(folder / "link", O_WRONLY).error().message, "is a link"));
  fs::create_symlink("nowhere", folder / "dangling");
  EXPECT_FALSE(open_own_file(folder / "dangling", O_WRONLY | O_CREAT));
  EXPECT_FALSE(fs::exists(folder / "nowhere"));
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_TRUE(has(open_own_file(folder / "pipe", O_RDWR).error().message, "no regular file"));
  if (::geteuid() == 0) {
    write(folder / "his", "x");
    ASSERT_EQ(::chown((folder / "his").c_str(), nobody, nobody), 0);
    EXPECT_TRUE(has(open_own_file(folder / "his", O_RDWR).error().message, "belongs to user"));
  }
}

TEST_F(own_files, a_temporary_file_follows_no_link_and_has_no_name_to_guess) {
  write(folder / "precious", "precious");
  fs::create_symlink("precious", folder / "a.new");
  ASSERT_TRUE(replace_file(folder / "a", folder / "a.new", "text"));
  EXPECT_EQ(bytes_of(folder / "precious"), "precious");
  EXPECT_EQ(bytes_of(folder / "a"), "text");
  ASSERT_TRUE(replace_file(folder / "b", "text", 0600));
  EXPECT_EQ(bytes_of(folder / "b"), "text");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 3);
}

TEST_F(own_files, a_secret_of_another_user_is_none) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "run it as root: only root can make files of another user";
  auto made = load_or_create_secret(folder / "secret");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(load_secret(folder / "secret"));
  ASSERT_EQ(::chown((folder / "secret").c_str(), nobody, nobody), 0);
  auto his = load_secret(folder / "secret");
  ASSERT_FALSE(his);
  EXPECT_EQ(his.error().code, ec::refused);
  EXPECT_TRUE(has(his.error().message, "belongs to user 65534"));
}
