#include "config/limits/units.hpp"
#include "messages/values.pb.h"
#include "nodes/cli/documents.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

/// A folder that is removed at the end of the test.
class documents : public testing::Test {
protected:
  documents() {
    auto pattern = (fs::temp_directory_path() / "troupe-documents-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
  }
  ~documents() override { fs::remove_all(root_); }

  fs::path write(const std::string& shown, std::string_view content) {
    auto path = root_ / shown;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  result<document_list> find() { return find_documents(root_, path_kind::folder); }

  static std::vector<std::string> names(const document_list& found) {
    std::vector<std::string> all;
    for (const auto& file : found.files)
      all.push_back(file.name);
    return all;
  }

  static std::string why(const document_list& found, const std::string& shown) {
    for (const auto& note : found.skipped.named)
      if (note.name == shown)
        return note.why;
    return "(no note)";
  }

  fs::path root_;
};

using list = std::vector<std::string>;

} // namespace

TEST_F(documents, text_files_of_all_levels_are_found_sorted_by_name) {
  write("b.txt", "two\n");
  write("a", "one\n");
  write("sub/deep/c.md", "three\n");
  auto found = find();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(names(*found), (list{"a", "b.txt", "sub/deep/c.md"}));
  EXPECT_EQ(found->files[1].size_bytes, 4u);
  EXPECT_EQ(found->skipped.count(), 0u);
}

TEST_F(documents, a_file_counts_once_under_its_own_name_and_not_under_a_link) {
  write("GPL-3", "the text\n");
  fs::create_symlink("GPL-3", root_ / "GPL");
  fs::create_hard_link(root_ / "GPL-3", root_ / "GPL-3-again");
  auto found = find();
  ASSERT_TRUE(found);
  ASSERT_EQ(found->files.size(), 1u);
  EXPECT_TRUE(found->files[0].name.starts_with("GPL-3"));
}

TEST_F(documents, links_that_lead_outside_are_followed_only_when_that_is_wanted) {
  auto outside = write("outside/far.txt", "far\n");
  write("folder/own.txt", "own\n");
  fs::create_symlink(outside, root_ / "folder" / "near.txt");
  fs::create_directory_symlink("../outside", root_ / "folder" / "all");
  auto found = find_documents(root_ / "folder", path_kind::folder);
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"own.txt"});
  EXPECT_EQ(why(*found, "near.txt"), "is a link out of the folder, to "
                                         + fs::canonical(outside).string()
                                         + "; --follow-links reads it");
  EXPECT_NE(why(*found, "all"), "(no note)");
  auto all = find_documents(root_ / "folder", path_kind::folder, links::all);
  ASSERT_TRUE(all);
  EXPECT_EQ(names(*all), (list{"all/far.txt", "own.txt"}));
}

TEST_F(documents, a_link_within_the_folder_is_no_link_out_of_it) {
  write("folder/a/one.txt", "one\n");
  write("folder-2/two.txt", "two\n"); // its name begins like the folder's
  fs::create_directory_symlink("../folder/a", root_ / "folder" / "b");
  fs::create_directory_symlink("../folder-2", root_ / "folder" / "c");
  auto found = find_documents(root_ / "folder", path_kind::folder);
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"a/one.txt"});
  EXPECT_EQ(why(*found, "b"), "(no note)");
  EXPECT_NE(why(*found, "c"), "(no note)");
}

TEST_F(documents, data_folders_of_troupe_are_never_read) {
  write("texts/a.txt", "text\n");
  write("texts/node/identity", "troupe identity 1\nid 0\n");
  write("texts/node/log.jsonl", "{}\n");
  write("cluster/secret", std::string(64, 'a') + "\n");
  write("cluster/node-1/output.log", "words\n");
  fs::create_directory_symlink("../cluster/node-1", root_ / "texts" / "link");
  fs::create_symlink("../cluster/secret", root_ / "texts" / "key");
  auto found = find_documents(root_ / "texts", path_kind::folder, links::all);
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"a.txt"});
  EXPECT_EQ(why(*found, "node"), "is a data folder of Troupe, which is never read");
  EXPECT_EQ(why(*found, "link"), "leads to a data folder of Troupe, which is never read");
  EXPECT_EQ(why(*found, "key"), "leads to a data folder of Troupe, which is never read");
  for (auto inside : {"cluster", "cluster/node-1"})
    EXPECT_FALSE(find_documents(root_ / inside, path_kind::folder)) << inside;
  auto file = find_documents(root_ / "cluster/secret", path_kind::file);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("is in a data folder of Troupe"), std::string::npos);
}

TEST_F(documents, too_much_in_the_folder_itself_names_no_file) {
  for (int i = 0; i < 5; ++i)
    write("flat/f" + std::to_string(i), "text\n");
  auto bounds = default_document_limits();
  bounds.documents_max = 3;
  auto found = find_documents(root_ / "flat", path_kind::folder, links::inside, bounds);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("more than 3 text files: give"), std::string::npos)
      << found.error().message;
}

TEST_F(documents, too_much_names_the_link_that_brings_it) {
  for (int i = 0; i < 5; ++i)
    write("many/f" + std::to_string(i), "text\n");
  write("folder/own.txt", "own\n");
  fs::create_directory_symlink("../many", root_ / "folder" / "z");
  auto bounds = default_document_limits();
  bounds.documents_max = 3;
  auto found = find_documents(root_ / "folder", path_kind::folder, links::all, bounds);
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("more than 3 text files, most of them through the link z"),
            std::string::npos)
      << found.error().message;
  auto below = find_documents(root_, path_kind::folder, links::inside, bounds);
  ASSERT_FALSE(below);
  EXPECT_NE(below.error().message.find("most of them in many"), std::string::npos)
      << below.error().message;
}

TEST_F(documents, files_that_the_system_makes_up_are_left_out) {
  fs::create_symlink("/proc/self/status", root_ / "status");
  fs::create_symlink("/dev/zero", root_ / "zero");
  write("a.txt", "text\n");
  auto found = find_documents(root_, path_kind::folder, links::all);
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"a.txt"});
  EXPECT_EQ(why(*found, "status"), "is generated by the system while it is read and may never end");
  EXPECT_EQ(why(*found, "zero"), "is not a regular file");
}

TEST_F(documents, names_are_one_line_that_no_terminal_obeys) {
  write("b-\x1b]0;t\x07.txt", "text\n");
  write("a\ntroupe: all is well", std::string_view("\0", 1));
  write("caf\xe9", "text\n");
  write("x\xe2\x80\xaey", "text\n");
  auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), (list{"b-\\x1b]0;t\\x07.txt", "café", "x\\u202ey"}));
  EXPECT_EQ(found->skipped.named.at(0).name, "a\\ntroupe: all is well");
}

TEST_F(documents, a_file_is_read_as_long_as_it_is_when_it_is_opened) {
  auto path = write("a.txt", "short\n");
  auto found = find_documents(path, path_kind::file);
  ASSERT_TRUE(found);
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0); // nobody writes, so reading it would never end
  auto text = read_document(found->files[0], 1000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ec::invalid_argument);
}

TEST_F(documents, a_loop_of_folders_ends) {
  write("sub/a.txt", "one\n");
  fs::create_directory_symlink(root_, root_ / "sub" / "up");
  fs::create_directory_symlink("sub", root_ / "same");
  auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"sub/a.txt"});
}

TEST_F(documents, what_is_no_text_is_left_out_with_the_reason) {
  write("ok.txt", "text\n");
  write("program", std::string_view("\x7f"
                                    "ELF\0\0\1",
                                    7));
  write("empty", "");
  write("utf16", std::string_view("\xff\xfe"
                                  "a\0",
                                  4));
  write(".hidden", "text\n");
  fs::create_symlink("nowhere", root_ / "dangling");
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), (list{"ok.txt", "utf16"}));
  EXPECT_EQ(why(*found, "program"), "is not text (it holds NUL bytes)");
  EXPECT_EQ(why(*found, "empty"), "is empty");
  EXPECT_EQ(why(*found, ".hidden"), "is hidden");
  EXPECT_EQ(why(*found, "dangling"), "is a link that leads nowhere");
  EXPECT_EQ(why(*found, "pipe"), "is not a regular file");
}

TEST_F(documents, a_file_beyond_the_limit_is_left_out_without_being_read) {
  write("ok.txt", "text\n");
  write("huge.txt", "begins as text\n");
  fs::resize_file(root_ / "huge.txt", 200 * limits::mib); // a hole, which takes no space
  auto found = find();
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"ok.txt"});
  EXPECT_EQ(why(*found, "huge.txt"), "is too large (200 MiB, the limit is 32 MiB)");
}

TEST_F(documents, a_folder_that_is_missing_is_an_error_with_its_path) {
  auto found = find_documents(root_ / "nothing", path_kind::folder);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ec::invalid_argument);
  EXPECT_EQ(found.error().message,
            (root_ / "nothing").string() + " does not exist: give the path of a folder");
}

TEST_F(documents, an_empty_folder_is_an_error) {
  auto found = find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, root_.string() + " is empty: it holds no files");
}

TEST_F(documents, a_folder_without_text_says_what_it_holds_instead) {
  write("a.bin", std::string_view("\0\1", 2));
  auto found = find();
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message,
            root_.string() + " holds no text files: a.bin is not text (it holds NUL bytes)");
}

TEST_F(documents, an_unreadable_folder_is_an_error_and_an_unreadable_file_a_note) {
  write("closed/a.txt", "text\n");
  write("b.txt", "text\n");
  write("c.txt", "text\n");
  ::chmod(root_.c_str(), 0755);
  ::chmod((root_ / "closed").c_str(), 0);
  ::chmod((root_ / "c.txt").c_str(), 0);
  bool root = ::geteuid() == 0; // root can read everything
  ASSERT_EQ(root ? ::seteuid(65534) : 0, 0);
  auto whole = find();
  auto closed = find_documents(root_ / "closed", path_kind::folder);
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  ::chmod((root_ / "closed").c_str(), 0755);
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_EQ(names(*whole), list{"b.txt"});
  EXPECT_EQ(why(*whole, "c.txt"), "cannot be read: Permission denied");
  EXPECT_EQ(why(*whole, "closed"), "cannot be read: Permission denied");
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().message,
            (root_ / "closed").string() + " cannot be read: Permission denied");
}

TEST_F(documents, limits_are_errors_that_say_which) {
  for (int i = 0; i < 4; ++i)
    write("f" + std::to_string(i), "0123456789\n");
  auto bounds = default_document_limits();
  bounds.documents_max = 3;
  auto found = find_documents(root_, path_kind::folder, links::inside, bounds);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ec::too_large);
  EXPECT_NE(found.error().message.find("holds more than 3 text files"), std::string::npos);
  bounds = default_document_limits();
  bounds.entries_max = 2;
  EXPECT_EQ(find_documents(root_, path_kind::folder, links::inside, bounds).error().code,
            ec::too_large);
  bounds = default_document_limits();
  bounds.folder_bytes_max = 20;
  EXPECT_EQ(find_documents(root_, path_kind::folder, links::inside, bounds).error().code,
            ec::too_large);
}

TEST_F(documents, notes_are_bounded_and_the_rest_is_counted) {
  write("ok", "text\n");
  for (int i = 0; i < 5; ++i)
    write("empty" + std::to_string(i), "");
  auto bounds = default_document_limits();
  bounds.skipped_max = 2;
  auto found = find_documents(root_, path_kind::folder, links::inside, bounds);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->skipped.named.size(), 2u);
  EXPECT_EQ(found->skipped.more, 3u);
  EXPECT_EQ(found->skipped.count(), 5u);
}

TEST_F(documents, a_single_file_has_its_own_name) {
  auto path = write("notes.md", "text\n");
  auto found = find_documents(path, path_kind::file);
  ASSERT_TRUE(found);
  EXPECT_EQ(names(*found), list{"notes.md"});
  EXPECT_EQ(find_documents(root_, path_kind::file).error().message,
            root_.string() + " is a folder, not a file");
  EXPECT_EQ(find_documents(path, path_kind::folder).error().message,
            path.string() + " is a file, not a folder");
  auto binary = write("a.bin", std::string_view("\0", 1));
  EXPECT_EQ(find_documents(binary, path_kind::file).error().message,
            binary.string() + " is not text (it holds NUL bytes)");
}

TEST_F(documents, a_file_of_one_byte_a_character_is_read_as_windows_1252_and_that_is_said) {
  auto path = write("old.txt", "Stra\xdf"
                               "e und Caf\xe9 \x80"
                               "5\n");
  auto found = find_documents(path, path_kind::file);
  ASSERT_TRUE(found);
  auto text = read_document(found->files[0], 1000);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->text, "Straße und Café €5\n");
  EXPECT_EQ(text->note, "read as Windows-1252");
}

TEST_F(documents, what_is_too_large_as_utf_8_is_refused) {
  std::string wide = "\xff\xfe";
  for (int i = 0; i < 400; ++i)
    wide += "\x2d\x4e"; // three bytes of UTF-8
  auto found = find_documents(write("a.txt", wide), path_kind::file);
  ASSERT_TRUE(found);
  auto text = read_document(found->files[0], 1000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ec::too_large);
}

TEST_F(documents, a_file_that_has_grown_beyond_the_limit_is_refused_when_read) {
  auto path = write("a.txt", "short\n");
  auto found = find_documents(path, path_kind::file);
  ASSERT_TRUE(found);
  write("a.txt", std::string(2000, 'x'));
  auto text = read_document(found->files[0], 1000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ec::too_large);
}

TEST(documents_value, holds_the_blobs_and_the_notes) {
  BlobRef blob;
  blob.set_name("GPL-3");
  auto value = documents_value({blob}, {{{"a.bin", "is not text"}}, 3});
  const auto& fields = value.map().fields();
  ASSERT_EQ(fields.at("documents").list().items_size(), 1);
  EXPECT_EQ(fields.at("documents").list().items(0).blob().name(), "GPL-3");
  const auto& note = fields.at("skipped").list().items(0).map().fields();
  EXPECT_EQ(note.at("name").text(), "a.bin");
  EXPECT_EQ(note.at("why").text(), "is not text");
  ASSERT_EQ(fields.at("skipped").list().items_size(), 2);
  EXPECT_EQ(fields.at("skipped").list().items(1).map().fields().at("name").text(), "3 more files");
}

TEST(parse_remember, reads_kind_and_path) {
  auto folder = parse_remember("Remember the folder /usr/share/common-licenses");
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->kind, path_kind::folder);
  EXPECT_EQ(folder->path, "/usr/share/common-licenses");
  auto file = parse_remember("  remember  THE file \"/tmp/a b.txt\"\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->kind, path_kind::file);
  EXPECT_EQ(file->path, "/tmp/a b.txt");
}

TEST(parse_remember, other_messages_are_not_for_the_client) {
  EXPECT_FALSE(parse_remember("Remember: the folder is blue"));
  EXPECT_FALSE(parse_remember("Remember the folders /tmp"));
  EXPECT_FALSE(parse_remember("Remember the folder"));
  EXPECT_FALSE(parse_remember("What must I remember?"));
  EXPECT_FALSE(parse_remember(""));
}

} // namespace troupe::cli
