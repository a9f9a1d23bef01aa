#include "tests/e2e/e2e.hpp"

#include <csignal>

/// Standard output and error: full, closed, without a reader, or a terminal that texts from others
/// try to control.
namespace troupe::tests {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class streams : public e2e_test {};

constexpr const char* no_space = "cannot write to standard output: No space left on device";

TEST_F(streams, that_are_full_end_a_command_with_73) {
  cluster one{user, {.nodes = 1}};
  ASSERT_TRUE(user.troupe({"run", "chain"}).ok());
  for (std::string command : {"graphs",
                              "graphs --json",
                              "roles",
                              "status",
                              "status --json",
                              "config show",
                              "config show --keys",
                              "config check",
                              "send echo/a hi",
                              "send echo/a hi --json",
                              "run chain",
                              "run chain --json",
                              "run chain --help",
                              "trace last",
                              "trace last --json",
                              "--help",
                              "run --help",
                              "--version",
                              "up",
                              "up --json"}) {
    auto ran = user.shell("exec $troupe " + command + " >/dev/full");
    EXPECT_EQ(ran.ended.code, 73) << command << ": " << ran.shown();
    EXPECT_THAT(ran.err, HasSubstr(no_space)) << command;
  }
  auto error = user.shell("exec $troupe send nobody/a hi --json >/dev/full");
  EXPECT_EQ(error.ended.code, 73) << "the error was printed there: " << error.shown();
}

TEST_F(streams, that_are_full_stop_no_cluster_but_are_told_of) {
  auto up = user.start_shell("exec $troupe up --nodes 1 >/dev/full");
  await_status(user, [](const json& now) { return nodes_in(now).size() == 1; });
  up.send_signal(SIGTERM);
  EXPECT_EQ(up.wait(30s)->code, 73);
  EXPECT_TRUE(up.wait_for_closed_output(10s));
  EXPECT_THAT(up.errors(), HasSubstr(no_space));
  auto detached = user.shell("exec $troupe up --nodes 1 --detach >/dev/full");
  EXPECT_EQ(detached.ended.code, 73) << detached.shown();
  EXPECT_TRUE(user.troupe({"down"}).ok()) << "it runs all the same";
}

TEST_F(streams, for_errors_that_are_full_or_gone_change_nothing) {
  cluster one{user, {.nodes = 1}};
  for (std::string to : {"2>/dev/full", "2>&-", "2>&1 >result | true"}) {
    auto ran = user.shell("{ $troupe run chain >result; echo $? >code; } " + to);
    EXPECT_EQ(read_file(user.path() / "code"), "0\n") << to << ran.shown();
    EXPECT_FALSE(read_file(user.path() / "result").empty()) << to;
  }
}

TEST_F(streams, without_a_reader_end_a_command_quietly) {
  auto ran = user.shell("{ trap '' PIPE; (trap - PIPE; exec $troupe config show --keys); "
                        "echo $? >code; } | true");
  EXPECT_EQ(ran.err, "") << ran.shown();
  // Its shell ignores the signal, so it never dies from it, whether there was a reader or not.
  EXPECT_THAT(read_file(user.path() / "code"), ::testing::AnyOf("0\n", "141\n"));
}

TEST_F(streams, that_are_closed_are_no_files_of_the_cluster) {
  auto up = user.start_shell("exec $troupe up --nodes 1 >&- 2>&- <&-");
  await_status(user, [](const json& now) { return nodes_in(now).size() == 1; });
  for (auto stream : {"0", "1", "2"})
    EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(up.pid()) + "/fd/" + stream),
              "/dev/null");
  EXPECT_EQ(read_file(user.data() / "lock"), "") << "nothing was printed into it";
  up.send_signal(SIGTERM);
  EXPECT_EQ(up.wait(30s)->code, 0);
}

/// Names and texts that try to set the title, clear the screen or reverse the text direction.
const std::string title = "\x1b]0;pwned\x07", red = "\x1b[31m",
                  csi = "\xc2\x9b"
                        "2J",
                  turned = "\xe2\x80\xae"
                           "txt.exe";

void expect_harmless(const std::string& shown) {
  for (const auto& bytes : {title, red, csi, turned, std::string("\xc2\x90"), std::string("\x7f")})
    EXPECT_THAT(shown, Not(HasSubstr(bytes)));
}

TEST_F(streams, show_names_of_files_as_one_harmless_line) {
  cluster one{user, {.nodes = 1}};
  auto folder = documents();
  for (const auto& name : {"b-" + title + red + "x.bin", "c-" + csi + turned, std::string("d\x7f"),
                           std::string("e\ntroupe: all is well")})
    write_file(folder / name, std::string(2, '\0'));
  auto told = user.on_terminal("exec $troupe send librarian/e 'Remember the folder "
                               + folder.string() + "'");
  ASSERT_TRUE(told.ok()) << told.shown();
  expect_harmless(told.out);
  EXPECT_THAT(told.out, AllOf(HasSubstr("pwned"), Not(HasSubstr("\ntroupe: all is well"))));
  auto only = user.path() / "only";
  write_file(only / ("b-" + title), std::string(2, '\0'));
  write_file(only / "e\ntroupe: all is well", std::string(2, '\0'));
  auto script = "exec $troupe run digest --input dir=" + only.string() + " --input question=why";
  for (const auto& refused : {user.on_terminal(script), user.shell(script)}) {
    EXPECT_EQ(refused.ended.code, 64) << refused.shown();
    auto all = refused.out + refused.err;
    expect_harmless(all);
    EXPECT_THAT(all, AllOf(HasSubstr("holds no text files"), Not(HasSubstr("\ntroupe: all"))));
  }
}

TEST_F(streams, show_documents_and_answers_without_what_terminals_obey) {
  cluster one{user, {.nodes = 1}};
  auto folder = user.path() / "hostile";
  auto text =
      "Ships pay a fee of nine crowns " + csi + " before " + turned + " they \xc2\x90 unload.\n";
  write_file(folder / "a.txt", text);
  auto run = "exec $troupe run digest --input dir=" + folder.string()
             + " --input 'question=What fee do ships pay?'";
  auto shown = user.on_terminal(run);
  ASSERT_TRUE(shown.ok()) << shown.shown();
  expect_harmless(shown.out);
  EXPECT_THAT(shown.out, HasSubstr("nine crowns"));
  auto echoed = user.on_terminal("exec $troupe send echo/a \"$(printf '"
                                 "one \\302\\2332J two\\177"
                                 "')\"");
  ASSERT_TRUE(echoed.ok()) << echoed.shown();
  expect_harmless(echoed.out);
  auto data = user.shell("exec $troupe send echo/a \"$(printf '"
                         "one \\302\\2332J two"
                         "')\" --json");
  ASSERT_TRUE(data.ok()) << data.shown();
  expect_harmless(data.out);
  EXPECT_EQ(data.parsed().at("text"), "one \xc2\x9b"
                                      "2J two")
      << "JSON has it, by its number";
}

TEST_F(streams, show_a_folder_with_odd_characters_as_one_line) {
  auto odd = user.path() / "a\nb\x1b[31m c%20";
  auto up = user.troupe({"up", "--nodes", "1", "--detach", "--data", odd.string()});
  ASSERT_TRUE(up.ok()) << up.shown();
  expect_harmless(up.out);
  ASSERT_TRUE(user.troupe({"run", "chain", "--data", odd.string()}).ok());
  auto trace = user.troupe({"trace", "last", "--data", odd.string()});
  EXPECT_TRUE(trace.ok()) << trace.shown();
  EXPECT_TRUE(user.troupe({"down", "--data", odd.string()}).ok());
}

} // namespace

} // namespace troupe::tests
