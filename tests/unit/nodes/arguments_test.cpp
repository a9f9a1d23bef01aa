#include "nodes/cli/command_line.hpp"
#include "nodes/cli/graph_arguments.hpp"
#include "nodes/cli/output_file.hpp"
#include "nodes/cli/trace_ids.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

/// What users type, and the files they name.
namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

class arguments : public testing::Test {
protected:
  arguments() {
    auto pattern = (fs::temp_directory_path() / "troupe-arguments-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    ::setenv("XDG_STATE_HOME", (root_ / "state").c_str(), 1);
  }
  ~arguments() override {
    ::unsetenv("XDG_STATE_HOME");
    fs::remove_all(root_);
  }

  fs::path write(const std::string& leaf, const std::string& content) {
    std::ofstream(root_ / leaf) << content;
    return root_ / leaf;
  }
  std::string content(const std::string& leaf) {
    std::ifstream in(root_ / leaf);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path root_;
};

struct told {
  int code;
  std::string out;
  std::string err;
};

told troupe_command(std::vector<const char*> words) {
  words.insert(words.begin(), "troupe");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  auto code = run_command_line(static_cast<int>(words.size()), words.data());
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const char* own_graph = "graph: own\n"
                        "inputs:\n"
                        "  dir: {type: folder, required: true, help: what to read}\n"
                        "  count: {type: integer}\n"
                        "tasks:\n"
                        "  - {id: one, role: reader, input: {d: $inputs.dir}}\n"
                        "result: $tasks.one\n";

} // namespace

TEST_F(arguments, are_read_by_the_types_of_the_inputs) {
  auto graph = load_graph(write("own.yaml", own_graph).string());
  ASSERT_TRUE(graph) << graph.error().message;
  fs::create_directory(root_ / "docs");
  write("docs/a.txt", "text\n");
  write("docs/b", "");
  auto read = read_arguments(*graph, "g", {"dir=" + (root_ / "docs").string(), "count=3"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->values.at("count").integer(), 3);
  ASSERT_EQ(read->documents.at("dir").files.size(), 1u);
  EXPECT_EQ(read->documents.at("dir").skipped.count(), 1u);
}

TEST_F(arguments, that_are_wrong_are_refused_with_the_name_of_the_input) {
  auto graph = load_graph(write("own.yaml", own_graph).string());
  ASSERT_TRUE(graph) << graph.error().message;
  fs::create_directory(root_ / "docs");
  write("docs/a.txt", "text\n");
  auto dir = "dir=" + (root_ / "docs").string();
  struct {
    std::vector<std::string> given;
    std::string word;
  } cases[] = {{{}, "dir"},
               {{"dir"}, "NAME=VALUE"},
               {{"dir"}, "troupe run ./g.yaml --help"},
               {{dir, dir}, "twice"},
               {{dir, "count=many"}, "count"},
               {{dir, "cuont=1"}, "cuont"},
               {{dir, "cuont=1"}, "troupe run ./g.yaml --help"},
               {{"dir=/nowhere/at/all"}, "/nowhere/at/all"}};
  for (const auto& wrong : cases) {
    auto read = read_arguments(*graph, "./g.yaml", wrong.given);
    ASSERT_FALSE(read) << wrong.word;
    EXPECT_EQ(read.error().exit_code, 64);
    EXPECT_TRUE(holds(read.error().message, wrong.word)) << read.error().message;
  }
}

TEST_F(arguments, a_graph_is_a_name_or_a_file) {
  EXPECT_TRUE(load_graph("digest"));
  auto unknown = load_graph("digset");
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(holds(unknown.error().message, "digest")) << unknown.error().message;
  auto missing = load_graph((root_ / "none.yaml").string());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit_code, 64);
  EXPECT_TRUE(holds(missing.error().message, "there is no graph file")) << missing.error().message;
  EXPECT_EQ(load_graph((root_).string()).error().exit_code, 64);
  role_names known{"poet"};
  auto role = load_graph(write("own.yaml", own_graph).string(), &known);
  ASSERT_FALSE(role);
  EXPECT_TRUE(holds(role.error().message, "own.yaml:6")) << role.error().message;
}

TEST_F(arguments, a_graph_may_come_from_a_pipe_which_is_read_once) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], own_graph, std::strlen(own_graph)),
            static_cast<ssize_t>(std::strlen(own_graph)));
  ::close(ends[1]);
  auto source = find_graph("/dev/fd/" + std::to_string(ends[0]));
  ::close(ends[0]);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_TRUE(load_graph(*source));
  EXPECT_TRUE(load_graph(*source)) << "again, with the roles that there are";
}

TEST_F(arguments, a_graph_says_how_durable_its_runs_are) {
  auto load = [this](const std::string& word) {
    return load_graph(write("own.yaml", "graph: own\ndurability: " + word
                                            + "\ntasks:\n"
                                              "  - {id: one, role: noop}\n")
                          .string());
  };
  for (auto [word, durability] :
       {std::pair{"sync", DURABILITY_SYNC}, {"async", DURABILITY_ASYNC}, {"off", DURABILITY_OFF}}) {
    auto graph = load(word);
    ASSERT_TRUE(graph) << graph.error().message;
    EXPECT_EQ(graph->durability(), durability);
  }
  EXPECT_EQ(load_graph("fan")->durability(), DURABILITY_DEFAULT);
  auto wrong = load("maybe");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().exit_code, 64);
  EXPECT_TRUE(holds(wrong.error().message, "own.yaml:2:13")) << wrong.error().message;
  EXPECT_TRUE(holds(wrong.error().message, "expected sync, async or off, found \"maybe\""))
      << wrong.error().message;
  EXPECT_FALSE(load("[sync]"));
}

TEST_F(arguments, a_run_that_is_to_detach_must_be_durable_and_says_why) {
  auto graph =
      write("own.yaml", "graph: own\ndurability: off\ntasks:\n  - {id: one, role: noop}\n");
  auto refused = troupe_command({"run", graph.c_str(), "--detach"});
  EXPECT_EQ(refused.code, 64);
  EXPECT_TRUE(holds(refused.err, "would end with this command")) << refused.err;
  auto fine = troupe_command({"run", graph.c_str(), "--detach", "--durability", "sync"});
  EXPECT_EQ(fine.code, 69) << "the command goes before the graph: " << fine.err;
}

TEST_F(arguments, a_graphs_help_names_its_inputs_and_an_example) {
  auto help = troupe_command({"run", "digest", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_TRUE(holds(help.out, "dir (folder, required)")) << help.out;
  EXPECT_TRUE(holds(help.out, "troupe run digest --input dir=/usr/share/common-licenses"));
}

TEST_F(arguments, what_cannot_be_understood_is_64_with_a_hint) {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{},
                                             {"nonsense"},
                                             {"up", "--nodes", "0"},
                                             {"up", "--nodes", "65"},
                                             {"send", "librarian/me"},
                                             {"send", "nokey", "x"},
                                             {"run"},
                                             {"trace", "nonsense"},
                                             {"config"},
                                             {"config", "show", "--set", "x"},
                                             {"send", "a/b", "x", "--timeout", "soon"},
                                             {"run", "fan", "--durability", "always"},
                                             {"run", "fan", "--detach", "--durability", "off"},
                                             {"run", "fan", "--detach", "--timeout", "5s"},
                                             {"run", "fan", "--key", "\xff"},
                                             {"runs", "--state", "lost"},
                                             {"runs", "--limit", "0"},
                                             {"runs", "show"},
                                             {"runs", "nonsense"},
                                             {"runs", "retry", "ab", "--detach", "-o", "x"}}) {
    auto asked = troupe_command(words);
    EXPECT_EQ(asked.code, 64) << asked.err;
    EXPECT_TRUE(asked.err.starts_with("troupe: ")) << asked.err;
    EXPECT_EQ(std::count(asked.err.begin(), asked.err.end(), '\n'), 1) << asked.err;
  }
  auto as_json = troupe_command({"status", "--nonsense", "--json"});
  EXPECT_EQ(as_json.code, 64);
  EXPECT_TRUE(as_json.out.starts_with("{\"error\":")) << as_json.out;
}

TEST_F(arguments, help_and_version_are_told) {
  EXPECT_TRUE(holds(troupe_command({"--help"}).out, "Exit codes:"));
  EXPECT_TRUE(troupe_command({"--version"}).out.starts_with("troupe 0."));
  EXPECT_EQ(troupe_command({"up", "--help"}).code, 0);
  EXPECT_TRUE(holds(troupe_command({"run", "--help"}).out, "--input"));
  for (auto word : {"show", "attach", "cancel", "retry", "delete"}) {
    EXPECT_TRUE(holds(troupe_command({"runs", "--help"}).out, word));
    auto help = troupe_command({"runs", word, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_TRUE(holds(help.out, std::string{"troupe runs "} + word + " 4f2a91c0")) << help.out;
  }
}

TEST_F(arguments, an_output_file_is_replaced_as_a_whole) {
  write("report.md", "old");
  fs::create_symlink("report.md", root_ / "link.md");
  auto file = output_file::prepare(root_ / "link.md");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(content("report.md"), "old");
  ASSERT_TRUE(file->write("new"));
  EXPECT_EQ(content("report.md"), "new");
  EXPECT_TRUE(fs::is_symlink(root_ / "link.md"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 2);
}

TEST_F(arguments, an_output_that_cannot_be_written_is_known_before_the_work) {
  EXPECT_FALSE(output_file::prepare(root_ / "no" / "such" / "folder.md"));
  EXPECT_FALSE(output_file::prepare(root_));
  auto device = output_file::prepare("/dev/null");
  ASSERT_TRUE(device);
  EXPECT_TRUE(device->write("gone"));
  EXPECT_FALSE(fs::is_regular_file("/dev/null"));
}

TEST_F(arguments, the_last_trace_is_kept_for_each_cluster) {
  EXPECT_FALSE(last_trace("/a"));
  remember_trace("/a", trace_id{1, 2});
  remember_trace("/b with blanks", trace_id{3, 4});
  remember_trace("/a", trace_id{5, 6});
  EXPECT_EQ(last_trace("/a"), (trace_id{5, 6}));
  EXPECT_EQ(last_trace("/b with blanks"), (trace_id{3, 4}));
  for (std::uint64_t i = 0; i < 100; ++i)
    remember_trace("/" + std::to_string(i), trace_id{i, 1});
  EXPECT_FALSE(last_trace("/a")); // only so many are remembered
  EXPECT_TRUE(last_trace("/99"));
}

TEST(new_trace, is_undecided_and_has_no_parent_unless_the_environment_gives_one) {
  auto made = new_trace(nullptr);
  EXPECT_TRUE(made.trace);
  EXPECT_FALSE(made.span);
  EXPECT_TRUE(made.undecided()) << "the node decides";
  EXPECT_NE(made.trace, new_trace(nullptr).trace);
  auto given = new_trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  EXPECT_EQ(to_string(given.trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(to_string(given.span), "00f067aa0ba902b7");
  EXPECT_TRUE(given.sampled());
  EXPECT_FALSE(given.undecided());
  EXPECT_TRUE(new_trace("nonsense").trace);
}

} // namespace troupe::cli
