#include "tests/e2e/e2e.hpp"

#include <unistd.h>

#include <sys/stat.h>

/// Folders that people give to `digest`: missing, empty, unreadable, binary, huge, full of links.
namespace troupe::tests {

namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class input_folder : public e2e_test {
protected:
  void SetUp() override { node = std::make_unique<cluster>(user, cluster_options{.nodes = 1}); }

  void TearDown() override {
    EXPECT_TRUE(user.troupe({"status"}).ok()) << "the cluster works on";
    node.reset();
    e2e_test::TearDown();
  }

  /// Expects a refusal before anything starts, with the path in the message.
  void expect_refused(const fs::path& folder, const std::string& word) {
    expect_refused(folder, word, user);
  }
  static void expect_refused(const fs::path& folder, const std::string& word, const home& by) {
    auto ran = by.troupe(digest(folder));
    EXPECT_EQ(ran.ended.code, 64) << ran.shown();
    EXPECT_THAT(ran.err, HasSubstr(folder.string()));
    EXPECT_THAT(ran.err, HasSubstr(word));
  }

  /// A copy of the program that runs without root's right to enter every folder.
  fs::path program_without_root_rights() const {
    if (::geteuid() != 0)
      return program_under_test();
    auto weak = user.path() / "weak";
    write_file(weak, "#!/bin/sh\nexec setpriv --bounding-set=-dac_override,-dac_read_search '"
                         + program_under_test().string() + "' \"$@\"\n");
    fs::permissions(weak, fs::perms::owner_all);
    return weak;
  }

  std::string report_of(const fs::path& folder) {
    auto ran = user.troupe(digest(folder));
    EXPECT_TRUE(ran.ok()) << ran.shown();
    return ran.out;
  }

  std::unique_ptr<cluster> node;
};

TEST_F(input_folder, that_is_missing_is_refused) { expect_refused(user.path() / "nowhere", ""); }

TEST_F(input_folder, that_is_empty_is_refused) {
  fs::create_directories(user.path() / "empty" / "below");
  expect_refused(user.path() / "empty", "");
}

TEST_F(input_folder, that_is_a_file_is_refused) {
  expect_refused(documents() / "alpha.txt", "folder");
}

TEST_F(input_folder, that_leads_to_itself_is_refused) {
  fs::create_directory_symlink("circle", user.path() / "circle");
  expect_refused(user.path() / "circle", "");
}

TEST_F(input_folder, of_binary_files_alone_is_refused) {
  write_file(user.path() / "binary" / "one.bin", std::string("\0\1\2\3", 4));
  expect_refused(user.path() / "binary", "text");
}

TEST_F(input_folder, that_may_not_be_entered_is_refused) {
  auto closed = user.path() / "closed";
  write_file(closed / "alpha.txt", "It would be read if it could.\n");
  fs::permissions(closed, fs::perms::none);
  home same_user{program_without_root_rights()};
  same_user.set("XDG_STATE_HOME", (user.path() / "state").string());
  expect_refused(closed, "Permission denied", same_user);
  fs::permissions(closed, fs::perms::owner_all);
}

TEST_F(input_folder, has_its_binary_files_named_in_the_report) {
  auto folder = documents();
  write_file(folder / "picture.png", std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16));
  auto report = report_of(folder);
  EXPECT_THAT(report, HasSubstr("picture.png"));
  EXPECT_THAT(report, HasSubstr("alpha.txt"));
}

TEST_F(input_folder, of_a_graph_of_ones_own_has_what_is_left_out_told) {
  auto folder = user.path() / "docs";
  write_file(folder / "a.txt", "text\n");
  write_file(folder / "b.bin", std::string(4, '\0'));
  write_file(user.path() / "own.yaml",
             "graph: own\ninputs: {dir: {type: folder, required: true}}\n"
             "tasks: [{id: a, role: noop, input: {d: $inputs.dir.documents}}]\n");
  std::vector<std::string> command{"run", "./own.yaml", "--input", "dir=" + folder.string()};
  auto ran = user.troupe(command);
  EXPECT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("left out: b.bin"));
  command.push_back("--json");
  auto told = user.troupe(command).parsed();
  ASSERT_THAT(told["skipped"], SizeIs(1)) << told;
  EXPECT_EQ(told["skipped"][0]["name"], "b.bin") << told;
}

TEST_F(input_folder, has_a_file_of_200_mb_named_in_the_report) {
  auto folder = documents();
  std::string text;
  while (text.size() < 64 * 1024)
    text += "This file is far too long to be read by anybody.\n";
  write_file(folder / "huge.txt", text);
  fs::resize_file(folder / "huge.txt", 200'000'000);
  auto report = report_of(folder);
  EXPECT_THAT(report, HasSubstr("huge.txt"));
  EXPECT_THAT(report, Not(HasSubstr("far too long to be read"))) << "it was left out";
}

TEST_F(input_folder, has_its_unreadable_entries_named_in_the_report) {
  auto folder = documents();
  fs::create_symlink("/proc/self/mem", folder / "memory.txt"); // nobody can read it
  fs::create_symlink("/nowhere/at/all", folder / "dangling.txt");
  ASSERT_EQ(::mkfifo((folder / "pipe.txt").c_str(), 0600), 0); // opening it would wait for ever
  if (::geteuid() != 0) {
    write_file(folder / "closed.txt", "Nobody reads this.\n");
    fs::permissions(folder / "closed.txt", fs::perms::none);
  }
  auto report = report_of(folder);
  EXPECT_THAT(report, HasSubstr("alpha.txt"));
  EXPECT_THAT(report, HasSubstr("memory.txt"));
  EXPECT_THAT(report, HasSubstr("dangling.txt"));
  if (::geteuid() != 0) {
    EXPECT_THAT(report, HasSubstr("closed.txt"));
  }
}

TEST_F(input_folder, has_its_links_followed_once) {
  auto folder = documents();
  fs::create_symlink("alpha.txt", folder / "again.txt");
  fs::create_directory_symlink(".", folder / "myself");
  fs::create_directory_symlink("../more", folder / "more");
  write_file(user.path() / "more" / "delta.txt", "Wells are cleaned in spring.\n");
  auto ran = user.troupe(digest(folder, question, {"--json"}));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.parsed().at("tasks"), SizeIs(4)) << "alpha, beta, gamma and the editor";
  auto told = user.troupe(digest(folder));
  EXPECT_THAT(told.out, HasSubstr("--follow-links")) << "the link out of the folder is named";
  auto all = user.troupe(digest(folder, question, {"--json", "--follow-links"}));
  ASSERT_TRUE(all.ok()) << all.shown();
  EXPECT_THAT(all.parsed().at("tasks"), SizeIs(5)) << "delta too";
}

TEST_F(input_folder, of_troupe_itself_is_never_read) {
  fs::create_directories(user.path() / "texts");
  write_file(user.path() / "texts" / "a.txt", "Wells are cleaned in spring.\n");
  fs::create_directory_symlink(user.data(), user.path() / "texts" / "data");
  auto ran = user.troupe(digest(user.path() / "texts", question, {"--follow-links"}));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.out, HasSubstr("data folder of Troupe"));
  auto own = user.troupe(digest(user.data()));
  EXPECT_EQ(own.ended.code, 64) << own.shown();
  EXPECT_THAT(own.err, HasSubstr("data folder of Troupe"));
}

TEST_F(input_folder, says_in_which_encoding_a_text_was_read) {
  auto folder = user.path() / "forms";
  write_file(folder / "a.txt", "Widgets are \x93heavy\x94.\rThe fee \x97 \x80"
                               "5 \x97 is due.\r");
  auto ran = user.troupe(digest(folder, "What is the fee?"));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  EXPECT_THAT(ran.err, HasSubstr("troupe: a.txt: read as Windows-1252"));
  EXPECT_THAT(ran.out, HasSubstr("fee — €5 — is due"));
  EXPECT_THAT(ran.out, HasSubstr("a.txt, line 2")) << "though lines end by CR";
  auto told = user.troupe(
      {"send", "librarian/f", "Remember the file " + (folder / "a.txt").string(), "--json"});
  ASSERT_TRUE(told.ok()) << told.shown();
  EXPECT_EQ(told.parsed().at("notes").at(0).at("note"), "read as Windows-1252");
}

TEST_F(input_folder, may_hold_texts_of_any_form) {
  auto folder = documents();
  write_file(folder / "latin-1.txt", "Caf\xe9 owners pay a fee of three crowns.\n");
  write_file(folder / "windows.txt",
             "\xef\xbb\xbfMillers pay a fee of four crowns.\r\nEach year.\r\n");
  write_file(folder / "one-line.txt", std::string(300'000, 'x') + " y\n");
  write_file(folder / "no-newline.txt", "Smiths pay a fee of five crowns.");
  write_file(folder / "nothing.txt", "");
  write_file(folder / "caf\xc3\xa9 & <b>|`.txt", "Tailors pay a fee of six crowns.\n");
  auto ran = user.troupe(digest(folder, "Who pays a fee?"));
  ASSERT_TRUE(ran.ok()) << ran.shown();
  for (const char* words : {"three crowns", "four crowns", "five crowns", "six crowns"})
    EXPECT_THAT(ran.out, HasSubstr(words));
  EXPECT_THAT(ran.out, HasSubstr("Caf\xc3\xa9 owners")) << "Latin-1 is shown as UTF-8";
}

} // namespace

} // namespace troupe::tests
