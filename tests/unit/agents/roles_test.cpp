#include "actors/agents/minds.hpp"
#include "actors/agents/role.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace troupe {
namespace {

using namespace std::chrono_literals;

std::string error_of(std::string_view yaml) {
  auto read = parse_role(yaml, "role.yaml");
  return read ? "" : to_string(read.error());
}

const std::string chat = "role: poet\ndescription: Writes\nmind: chat\nprompts:\n  answer: hi\n";

TEST(roles, there_are_six_built_in) {
  auto roles = load_roles({});
  ASSERT_TRUE(roles) << to_string(roles.error());
  std::string listed;
  for (const auto& [role_name, kind] : *roles) {
    listed += role_name + ' ';
    ASSERT_TRUE(kind->make());
    EXPECT_FALSE(kind->info.description().empty());
  }
  EXPECT_EQ(listed, "assistant echo editor librarian noop reader ");
}

TEST(roles, a_librarian_is_durable_talks_and_reads_files) {
  auto roles = load_roles({});
  ASSERT_TRUE(roles);
  const auto& librarian = *roles->at("librarian");
  EXPECT_TRUE(librarian.durable);
  EXPECT_EQ(librarian.info.state(), "durable");
  EXPECT_TRUE(librarian.info.for_talk());
  EXPECT_FALSE(librarian.info.for_tasks());
  EXPECT_TRUE(librarian.info.reads_files());
  EXPECT_EQ(librarian.info.model(), "offline");
}

TEST(roles, echo_and_noop_are_cheap) {
  auto roles = load_roles({});
  ASSERT_TRUE(roles);
  for (const auto& [role_name, kind] : *roles)
    EXPECT_EQ(kind->cheap, role_name == "echo" || role_name == "noop");
}

TEST(parse_role, reads_all_keys) {
  auto read = parse_role("role: poet\ndescription: Writes verse\nmind: chat\nmodel: other\n"
                         "talk: true\ntasks: false\nstate: none\nreads_files: true\n"
                         "on_unknown: fail\ntask: planning\n"
                         "limits: {output_tokens: 50, time: 2s}\n"
                         "prompts: {system: Be brief., answer: 'Say {{text}}'}\n",
                         "role.yaml");
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->info.name(), "poet");
  EXPECT_EQ(read->info.description(), "Writes verse");
  EXPECT_EQ(read->info.model(), "other");
  EXPECT_TRUE(read->info.for_talk());
  EXPECT_FALSE(read->info.for_tasks());
  EXPECT_TRUE(read->info.reads_files());
  EXPECT_EQ(read->output_tokens_max, 50u);
  EXPECT_EQ(read->time_max, 2s);
  EXPECT_FALSE(read->durable);
  EXPECT_FALSE(read->asks_unknown_again);
  EXPECT_EQ(read->prompts.at("answer"), "Say {{text}}");
  auto todo = read->make()->decide(message_received{"hello", {}, {}, false});
  auto& ask = std::get<ask_model>(todo.at(0));
  EXPECT_EQ(ask.call.model(), "other");
  EXPECT_EQ(ask.call.task(), "planning");
  EXPECT_EQ(ask.call.max_output_tokens(), 50u);
  EXPECT_EQ(ask.call.messages(0).content(), "Be brief.");
  EXPECT_EQ(ask.call.messages(1).content(), "Say hello");
}

TEST(parse_role, leaves_the_limit_of_an_answer_open_unless_it_is_said) {
  auto read = parse_role("role: poet\ndescription: Writes verse\nmind: chat\nmodel: other\n"
                         "prompts: {answer: 'Say {{text}}'}\n",
                         "role.yaml");
  ASSERT_TRUE(read) << to_string(read.error());
  auto todo = read->make()->decide(message_received{"hello", {}, {}, false});
  const auto& call = std::get<ask_model>(todo.at(0)).call;
  EXPECT_EQ(call.max_output_tokens(), 0u) << "the class of a route may say it";
  EXPECT_EQ(call.role(), "poet");
}

TEST(parse_role, refuses_unknown_keys_minds_and_prompts) {
  EXPECT_TRUE(error_of(chat + "colour: red\n").starts_with("role.yaml:6:1:"))
      << error_of(chat + "colour: red\n");
  auto unknown_mind = error_of("role: poet\ndescription: W\nmind: chatt\n");
  EXPECT_TRUE(unknown_mind.starts_with("role.yaml:3:7:")) << unknown_mind;
  EXPECT_NE(unknown_mind.find("did you mean chat?"), std::string::npos) << unknown_mind;
  auto unknown_prompt = error_of(chat + "  anser: x\n");
  EXPECT_TRUE(unknown_prompt.starts_with("role.yaml:6:3:")) << unknown_prompt;
}

TEST(parse_role, takes_prompts_of_its_own_that_others_use) {
  auto with = [](std::string prompts) {
    return "role: poet\ndescription: x\nmind: chat\nprompts:\n" + prompts;
  };
  EXPECT_EQ(error_of(with("  draft: 'On {{text}}'\n  answer: 'Better: {{draft}}'\n")), "");
  EXPECT_EQ(error_of(with("  draft: 'On {{text}}'\n  answer: '{{draft}}'\ntasks: false\n")), "");
  auto unused = error_of(with("  answer: '{{text}}'\n  draft: x\n"));
  EXPECT_TRUE(unused.starts_with("role.yaml:6:3:")) << unused;
  EXPECT_NE(unused.find("{{draft}}"), std::string::npos) << unused;
  auto round = error_of(with("  answer: '{{a}}'\n  a: '{{b}}'\n  b: '{{a}}'\n"));
  EXPECT_NE(round.find("to itself"), std::string::npos) << round;
  auto taken = error_of(with("  answer: '{{passages}}'\n  passages: x\n"));
  EXPECT_TRUE(taken.starts_with("role.yaml:6:3:")) << taken;
  EXPECT_NE(error_of(with("  answer: '{{text}}'\n  My draft: x\n")).find("lower-case"),
            std::string::npos);
  EXPECT_NE(error_of("role: poet\ndescription: x\nmind: librarian\nprompts:\n  draft: x\n"
                     "  answer: '{{passages}} {{question}}'\n")
                .find("has no prompt \"draft\""),
            std::string::npos);
}

TEST(parse_role, refuses_missing_keys_and_prompts) {
  EXPECT_NE(error_of("role: poet\nmind: noop\n").find("description"), std::string::npos);
  EXPECT_NE(error_of("description: x\nmind: noop\n").find("role"), std::string::npos);
  EXPECT_NE(error_of("role: poet\ndescription: x\n").find("mind"), std::string::npos);
  EXPECT_NE(error_of("role: poet\ndescription: x\nmind: chat\n").find("\"answer\""),
            std::string::npos);
}

TEST(parse_role, says_where_an_unknown_variable_stands) {
  auto error = error_of("role: poet\ndescription: x\nmind: librarian\nprompts:\n  answer: |\n"
                        "    {{passages}}\n    Question: {{qestion}}\n");
  EXPECT_TRUE(error.starts_with("role.yaml:7:15:")) << error;
  EXPECT_NE(error.find("{{qestion}}"), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean question?"), std::string::npos) << error;
}

TEST(parse_role, says_where_a_variable_is_not_closed) {
  auto error = error_of("role: poet\ndescription: x\nmind: chat\nprompts:\n  answer: 'a {{text'\n");
  EXPECT_TRUE(error.starts_with("role.yaml:5:14:")) << error;
}

TEST(parse_role, refuses_a_prompt_without_the_variables_it_needs) {
  auto error = error_of("role: poet\ndescription: x\nmind: librarian\nprompts:\n"
                        "  answer: '{{passages}}'\n");
  EXPECT_TRUE(error.starts_with("role.yaml:5:11:")) << error;
  EXPECT_NE(error.find("{{question}}"), std::string::npos) << error;
}

TEST(parse_role, knows_no_fields_where_there_are_no_tasks) {
  auto with_field = "role: poet\ndescription: x\nmind: chat\nprompts: {answer: '{{tone}}'}\n";
  EXPECT_EQ(error_of(with_field), "");
  EXPECT_NE(error_of(with_field + std::string{"tasks: false\n"}).find("{{tone}}"),
            std::string::npos);
}

TEST(parse_role, refuses_values_out_of_range) {
  EXPECT_TRUE(error_of(chat + "limits: {time: 2h}\n").starts_with("role.yaml:6:16:"))
      << error_of(chat + "limits: {time: 2h}\n");
  EXPECT_TRUE(error_of(chat + "limits: {output_tokens: 0}\n").starts_with("role.yaml:6:25:"));
  EXPECT_TRUE(error_of(chat + "limits: {tokens: 1}\n").starts_with("role.yaml:6:10:"));
  EXPECT_TRUE(error_of(chat + "state: lasting\n").starts_with("role.yaml:6:8:"));
  EXPECT_NE(error_of(chat + "state: durable\n").find("keeps nothing"), std::string::npos);
  EXPECT_TRUE(error_of(chat + "on_unknown: ask\n").starts_with("role.yaml:6:13:"));
  EXPECT_TRUE(error_of(chat + "task: guess\n").starts_with("role.yaml:6:7: task is code_gen"))
      << error_of(chat + "task: guess\n");
  EXPECT_NE(error_of("role: Poet\ndescription: x\nmind: noop\n").find("lower-case"),
            std::string::npos);
}

TEST(parse_role, refuses_work_that_its_mind_does_not_do) {
  EXPECT_NE(error_of("role: poet\ndescription: x\nmind: noop\ntalk: true\n").find("no messages"),
            std::string::npos);
  EXPECT_NE(error_of("role: poet\ndescription: x\nmind: noop\ntasks: false\n").find("useless"),
            std::string::npos);
}

struct role_folder_test : ::testing::Test {
  std::filesystem::path folder;

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/rolesXXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  void write(const char* file, const std::string& text) const {
    std::ofstream(folder / file) << text;
  }
};

TEST_F(role_folder_test, files_replace_built_in_roles) {
  write("echo.yaml", "role: echo\ndescription: Mine\nmind: echo\n");
  write("notes.txt", "not a role");
  auto roles = load_roles(folder);
  ASSERT_TRUE(roles) << to_string(roles.error());
  EXPECT_EQ(roles->at("echo")->info.description(), "Mine");
  EXPECT_EQ(roles->size(), 6u);
}

TEST_F(role_folder_test, a_role_stands_in_one_file) {
  write("a.yaml", "role: echo\ndescription: Mine\nmind: echo\n");
  write("b.yaml", "description: Mine\nrole: echo\nmind: echo\n");
  auto roles = load_roles(folder);
  ASSERT_FALSE(roles);
  EXPECT_NE(to_string(roles.error()).find("b.yaml:2:7:"), std::string::npos)
      << to_string(roles.error());
}

TEST_F(role_folder_test, hidden_files_are_not_read) {
  write(".#echo.yaml", "what an editor keeps");
  auto roles = load_roles(folder);
  EXPECT_TRUE(roles);
}

TEST_F(role_folder_test, a_pipe_is_not_waited_for) {
  ASSERT_EQ(::mkfifo((folder / "pipe.yaml").c_str(), 0600), 0);
  auto roles = load_roles(folder);
  ASSERT_FALSE(roles);
  EXPECT_NE(to_string(roles.error()).find("is no regular file"), std::string::npos);
}

TEST_F(role_folder_test, a_missing_folder_is_an_error) {
  auto roles = load_roles(folder / "none");
  ASSERT_FALSE(roles);
  EXPECT_NE(to_string(roles.error()).find("none"), std::string::npos);
}

} // namespace
} // namespace troupe
