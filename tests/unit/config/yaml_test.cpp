#include "config/limits/storage.hpp"
#include "config/yaml.hpp"

#include <gtest/gtest.h>

#include <filesystem>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

yaml_node parsed(std::string_view text) {
  auto root = parse_yaml(text, "a.yaml");
  EXPECT_TRUE(root) << (root ? "" : to_string(root.error()));
  return root ? *root : yaml_node{};
}

std::string error_of(std::string_view text) {
  auto root = parse_yaml(text, "a.yaml");
  EXPECT_FALSE(root) << "accepted: " << text;
  return root ? std::string{} : to_string(root.error());
}

template <class T>
std::string message_of(const config_result<T>& r) {
  return r ? std::string{} : to_string(r.error());
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

} // namespace

TEST(yaml, places_are_counted_from_one) {
  auto root = parsed("a: 1\nb:\n  - x\n  - {c: y}\n");
  auto items = root.find("b")->list();
  ASSERT_TRUE(items);
  auto c = *(*items)[1].find("c");
  EXPECT_EQ(c.line(), 4);
  EXPECT_EQ(c.column(), 9);
  EXPECT_EQ(c.file(), "a.yaml");
  EXPECT_EQ(to_string(c.error("is wrong")), "a.yaml:4:9: is wrong");
}

TEST(yaml, bad_syntax_names_line_and_column) {
  auto text = error_of("a: 1\nb: [1, 2\nc: 3\n");
  EXPECT_TRUE(text.starts_with("a.yaml:3:")) << text;
  EXPECT_TRUE(contains(text, "not valid YAML")) << text;
  EXPECT_TRUE(error_of("a: \"open\nb: 1\n").starts_with("a.yaml:2:5: not valid YAML"));
  EXPECT_TRUE(error_of("a: b: c\n").starts_with("a.yaml:1:5: not valid YAML"));
}

TEST(yaml, a_key_that_stands_twice_is_refused_at_any_depth) {
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"),
            "a.yaml:3:1: the key \"a\" occurs twice, first in line 1");
  EXPECT_TRUE(
      contains(error_of("x:\n  - {k: 1, k: 2}\n"), "a.yaml:2:12: the key \"k\" occurs twice"));
}

TEST(yaml, aliases_tags_and_second_documents_are_refused) {
  EXPECT_TRUE(contains(error_of("a: &x [1]\nb: *x\n"), "a.yaml:1:4: anchors and aliases"));
  EXPECT_TRUE(contains(error_of("a: !secret x\n"), "tags are not supported"));
  EXPECT_TRUE(contains(error_of("a: 1\n---\nb: 2\n"), "expected one document"));
}

TEST(yaml, a_bomb_of_aliases_is_refused_and_so_is_deep_nesting) {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c < 'z'; ++c) {
    auto last = std::string("*") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [" + last + ", " + last + "]\n";
  }
  EXPECT_TRUE(contains(error_of(bomb), "anchors"));
  EXPECT_TRUE(
      contains(error_of(std::string(100, '[') + std::string(100, ']')), "expected at most 64"));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '['), "a.yaml"));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '{'), "a.yaml"));
}

TEST(yaml, control_characters_and_large_texts_are_refused) {
  EXPECT_TRUE(error_of(std::string_view("a: 1\nb: \0\n", 10)).starts_with("a.yaml:2:4:"));
  EXPECT_TRUE(contains(error_of("a: \x04\n"), "control character"));
  EXPECT_TRUE(contains(error_of(std::string(limits::yaml_bytes_max + 1, '#')), "too large"));
}

TEST(yaml, an_empty_text_is_nothing) {
  EXPECT_TRUE(parsed("").is_null());
  EXPECT_TRUE(parsed("# only a comment\n").is_null());
}

TEST(yaml, keys_must_be_scalars) {
  EXPECT_TRUE(contains(error_of("[a, b]: 1\n"), "expected text as a key, found a list"));
}

TEST(yaml, every_truncation_of_a_document_gives_a_tree_or_an_error) {
  std::string_view whole = "a: \"x\\ty\"\nb: [1, {c: d}, 'e']\nf: |\n  g\n  h\ni: >-\n  j\n";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    auto root = parse_yaml(whole.substr(0, size), "a.yaml");
    EXPECT_TRUE(root || root.error().line > 0) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged(whole);
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      (void)parse_yaml(damaged, "a.yaml"); // must return, with any result
    }
}

TEST(yaml, typed_values_are_read_and_errors_say_what_was_expected) {
  auto root = parsed("i: 42\nn: 0.5\nf: true\nt: hello\nq: \"5\"\nd: 2min\nl: [1]\nz:\n");
  EXPECT_EQ(*root.find("i")->integer(), 42);
  EXPECT_EQ(*root.find("n")->number(), 0.5);
  EXPECT_EQ(*root.find("f")->flag(), true);
  EXPECT_EQ(*root.find("t")->text(), "hello");
  EXPECT_EQ(*root.find("i")->text(), "42");
  EXPECT_EQ(*root.find("d")->duration(), 2min);

  EXPECT_EQ(message_of(root.find("i")->integer(0, 41)),
            "a.yaml:1:4: expected a whole number from 0 to 41, found \"42\"");
  EXPECT_EQ(message_of(root.find("q")->integer()),
            "a.yaml:5:4: expected a whole number, found the text \"5\"");
  EXPECT_EQ(message_of(root.find("t")->flag()),
            "a.yaml:4:4: expected true or false, found \"hello\"");
  EXPECT_EQ(message_of(root.find("l")->text()), "a.yaml:7:4: expected text, found a list");
  EXPECT_TRUE(contains(message_of(root.find("z")->text()), "found nothing"));
  EXPECT_TRUE(
      contains(message_of(root.find("n")->number(1)), "a number, at least 1, found \"0.5\""));
  EXPECT_FALSE(parsed("x: .nan").find("x")->number());
  EXPECT_FALSE(parsed("x: nan").find("x")->number());
  EXPECT_FALSE(parsed("x: 99999999999999999999").find("x")->integer());
}

TEST(yaml_reader, reads_the_fields_of_a_mapping) {
  auto root = parsed("name: reader\npool: 3\nratio: 0.25\ndurable: true\ntime: 5s\n"
                     "words: [a, b]\nprompts: {x: 'p q'}\nrest: {deep: 1}\n");
  std::string label;
  std::uint32_t pool = 1, missing = 7;
  double ratio = 0;
  bool durable = false;
  std::chrono::milliseconds time{0};
  std::vector<std::string> words;
  std::map<std::string, std::string> prompts;
  yaml_reader in(root, "a role");
  in.need("name", label);
  in.may("pool", pool, 1, 10);
  in.may("missing", missing);
  in.may("ratio", ratio, 0.0, 1.0);
  in.may("durable", durable);
  in.may("time", time);
  in.may("words", words);
  in.may("prompts", prompts);
  auto rest = in.may("rest");
  ASSERT_TRUE(in.done()) << message_of(in.done());
  EXPECT_EQ(label, "reader");
  EXPECT_EQ(pool, 3u);
  EXPECT_EQ(missing, 7u);
  EXPECT_EQ(ratio, 0.25);
  EXPECT_TRUE(durable);
  EXPECT_EQ(time, 5s);
  EXPECT_EQ(words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(prompts, (std::map<std::string, std::string>{{"x", "p q"}}));
  ASSERT_TRUE(rest && rest->is_map());
}

TEST(yaml_reader, an_unknown_key_is_refused_with_the_nearest_known_one) {
  auto root = parsed("name: x\ndescripton: y\n");
  std::string label, description;
  yaml_reader in(root, "a role");
  in.need("name", label);
  in.may("description", description);
  EXPECT_EQ(message_of(in.done()), "a.yaml:2:1: a role has no key \"descripton\" (did you mean "
                                   "description?): expected name, description");
}

TEST(yaml_reader, the_first_error_is_kept) {
  auto root = parsed("pool: many\nother: 1\n");
  std::uint32_t pool = 0;
  std::string label;
  yaml_reader in(root, "a role");
  in.may("pool", pool);
  EXPECT_TRUE(in.failed());
  in.need("name", label);
  in.fail({"b.yaml", 1, 1, "later"});
  EXPECT_TRUE(contains(message_of(in.done()), "a.yaml:1:7: expected a whole number"))
      << message_of(in.done());
}

TEST(yaml_reader, a_missing_field_and_a_wrong_shape_are_errors) {
  std::string label;
  yaml_reader missing(parsed("a: 1\n"), "a role");
  missing.need("name", label);
  EXPECT_EQ(message_of(missing.done()), "a.yaml:1:1: a role: name is missing");
  yaml_reader empty(parsed("name:\n"), "a role");
  empty.need("name", label);
  EXPECT_TRUE(contains(message_of(empty.done()), "name is missing"));
  yaml_reader list(parsed("[1]"), "a role");
  EXPECT_EQ(message_of(list.done()), "a.yaml:1:1: a role: expected a mapping, found a list");
}

TEST(yaml_reader, a_number_that_its_type_cannot_hold_is_refused) {
  std::uint32_t small = 0;
  std::uint64_t large = 0;
  yaml_reader in(parsed("a: 4294967296\n"), "it");
  in.may("a", small);
  EXPECT_TRUE(in.failed());
  yaml_reader negative(parsed("a: -1\n"), "it");
  negative.may("a", large);
  EXPECT_TRUE(negative.failed());
}

TEST(yaml_files, what_cannot_be_read_says_why) {
  EXPECT_TRUE(contains(message_of(load_yaml("/nowhere/a.yaml")), "No such file"));
  EXPECT_TRUE(
      contains(message_of(load_yaml(std::filesystem::temp_directory_path())), "found a folder"));
}

TEST(yaml, bytes_that_are_no_utf8_are_refused_with_their_place) {
  EXPECT_EQ(error_of("role: greeter\ndescription: says caf\xe9\n"),
            "a.yaml:2:22: expected UTF-8 text, found byte 233, which belongs to no character: save "
            "the file as UTF-8");
  EXPECT_TRUE(error_of("\xff\xfe"
                       "a\n")
                  .starts_with("a.yaml:1:1: expected UTF-8 text"));
  EXPECT_TRUE(error_of("a: \xed\xa0\x80\n").starts_with("a.yaml:1:4: expected UTF-8 text"));
  EXPECT_TRUE(error_of("a: \xc0\xaf\n").starts_with("a.yaml:1:4: expected UTF-8 text"));
  EXPECT_TRUE(error_of("a: \xf4\x90\x80\x80\n").starts_with("a.yaml:1:4: expected UTF-8 text"));
}

TEST(yaml, columns_count_characters) {
  EXPECT_TRUE(error_of("\xc3\xa9\xe2\x82\xac: \xe9\n").starts_with("a.yaml:1:5: "));
}

TEST(yaml, noncharacters_are_text) {
  EXPECT_EQ(*parsed("a: \xef\xbf\xbf\n").find("a")->text(), "\xef\xbf\xbf");
}

TEST(yaml, no_escape_makes_text_that_is_no_utf8) {
  EXPECT_EQ(*parsed("a: \"caf\\xe9\"\n").find("a")->text(), "caf\xc3\xa9");
  EXPECT_TRUE(error_of("a: \"\\ud800\"\n").starts_with("a.yaml:1:"));
}

TEST(yaml, what_is_too_deep_is_told_so_however_deep_it_is) {
  auto expected = "expected at most " + std::to_string(limits::yaml_depth_max)
                  + " lists and mappings within each other";
  for (std::size_t depth : {limits::yaml_depth_max + 1, std::size_t{3'000}, std::size_t{400'000}})
    EXPECT_TRUE(contains(error_of("a: " + std::string(depth, '[')), expected)) << depth;
  EXPECT_TRUE(contains(error_of("a:\n  " +
                                [] {
                                  std::string text;
                                  for (int i = 0; i < 3'000; ++i)
                                    text += "- ";
                                  return text;
                                }()
                                + "x\n"),
                       expected));
}
