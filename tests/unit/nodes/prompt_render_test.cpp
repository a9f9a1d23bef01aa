#include "nodes/cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

/// `troupe prompt render`: what people see, and what is refused.
namespace troupe::cli {

namespace fs = std::filesystem;

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct rendering {
  int code;
  std::string out;
  std::string err;
};

class prompt_render : public testing::Test {
protected:
  prompt_render() {
    auto pattern = (fs::temp_directory_path() / "troupe-prompts-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    write("poet.yaml", "role: poet\ndescription: Writes\nmind: chat\ntalk: false\n"
                       "variables:\n"
                       "  most: {type: number, default: 3}\n"
                       "  tags: list\n"
                       "  works: {type: records, fields: [name, year]}\n"
                       "partials: {rules: Be kind.}\n"
                       "prompts:\n"
                       "  system: \"{{> rules}}\"\n"
                       "  answer: |\n"
                       "    At most {{most}}.\n"
                       "    {{#each tags as tag}}#{{tag}} {{/each}}\n"
                       "    {{#each works as work}}\n"
                       "    - {{work.name}} ({{work.year}})\n"
                       "    {{/each}}\n"
                       "    end\n");
  }
  ~prompt_render() override { fs::remove_all(root_); }

  std::string write(const std::string& leaf, const std::string& content) const {
    std::ofstream(root_ / leaf) << content;
    return (root_ / leaf).string();
  }
  std::string poet() const { return (root_ / "poet.yaml").string(); }

  static rendering render(const std::string& role, const std::vector<std::string>& more) {
    std::vector<const char*> words{"troupe", "prompt", "render", role.c_str()};
    for (const auto& word : more)
      words.push_back(word.c_str());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    auto code = run_command_line(static_cast<int>(words.size()), words.data());
    return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
  }

  fs::path root_;
};

TEST_F(prompt_render, shows_each_prompt_and_what_of_it_is_fixed) {
  auto told = render(
      poet(), {"--set", "tags=a,b", "--set", R"(works=[{"name": "{{most}}", "year": 1909}])"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_EQ(told.out, "== system: 8 bytes, all of them fixed\n"
                      "Be kind.\n"
                      "== answer: 40 bytes, the first 11 of them fixed, 5 more behind a value\n"
                      "At most 3.\n"
                      "[fixed up to here]#a #b \n"
                      "- {{most}} (1909)\n"
                      "end\n");
}

TEST_F(prompt_render, tells_programs_the_same) {
  auto values = write("values.json", R"({"tags": ["\ud83d\ude00"], "works": [], "most": 5})");
  auto told = render(poet(), {"--values", values, "--set", "most=7", "--json"});
  EXPECT_EQ(told.code, 0) << told.out;
  auto all = nlohmann::json::parse(told.out);
  EXPECT_EQ(all["role"], "poet");
  EXPECT_EQ(all["prompts"][1]["text"], "At most 7.\n#\xf0\x9f\x98\x80 \nend\n") << "--set counts";
  EXPECT_EQ(all["prompts"][1]["fixed_bytes"], 8);
  EXPECT_EQ(all["prompts"][0]["fixed_bytes"], 8);
  EXPECT_EQ(all["variables"][0],
            (nlohmann::json{{"name", "most"}, {"type", "number"}, {"default", 3.0}}));
  EXPECT_EQ(all["variables"][2]["fields"], (nlohmann::json{"name", "year"}));
}

TEST_F(prompt_render, says_what_was_expected_and_where) {
  auto expect = [&](const std::vector<std::string>& flags, const std::string& words) {
    auto told = render(poet(), flags);
    EXPECT_EQ(told.code, 64) << words;
    EXPECT_THAT(told.err, HasSubstr(words));
    EXPECT_EQ(told.out, "");
  };
  expect({}, "role poet needs values for tags (list, " + poet() + ":7), works (records, " + poet()
                 + ":8): --set NAME=VALUE or --values FILE");
  expect({"--set", "tag=a"}, "role poet has no variable \"tag\" (did you mean tags?); there are");
  expect({"--set", "tags"}, "--set tags: write NAME=VALUE");
  expect({"--set", "most=x"}, "--set most (" + poet() + ":6): expected a number, found \"x\"");
  expect({"--set", "works=x"}, "--set works (" + poet() + ":8): expected records as JSON");
  auto file = write("values.yaml", "tags: [a]\nworks:\n  - {name: a}\n");
  expect({"--values", file},
         file + ":3:5: \"works\" (" + poet() + ":8): expected the field \"year\" in each record");
  file = write("wrong.yaml", "tags: [a]\nwork: []\n");
  expect({"--values", file},
         file + ":2:1: role poet has no variable \"work\" (did you mean works?)");
  expect({"--values", (root_ / "none").string()}, "the values cannot be read");
}

TEST_F(prompt_render, refuses_roles_that_cannot_be_read) {
  auto wrong = write("wrong.yaml", "role: r\ndescription: x\nmind: chat\ntasks: false\nprompts:\n"
                                   "  answer: 'a {{tone}}'\n");
  auto told = render(wrong, {});
  EXPECT_EQ(told.code, 78);
  EXPECT_THAT(told.err,
              HasSubstr(wrong + ":6:14: prompt \"answer\": there is no variable {{tone}}"));
  told = render("assistent", {"--json"});
  EXPECT_EQ(told.code, 64);
  EXPECT_THAT(nlohmann::json::parse(told.out)["error"]["message"].get<std::string>(),
              HasSubstr("there is no role assistent (did you mean assistant?)"));
  told = render("echo", {});
  EXPECT_THAT(told.err, HasSubstr("role echo has no prompts"));
}

TEST_F(prompt_render, knows_the_built_in_roles_and_answers_of_other_prompts) {
  auto told = render("assistant", {"--set", "question=May I?"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("Question: [fixed up to here]May I?\n"));
  auto file = write("own.yaml", "role: own\ndescription: x\nmind: chat\nprompts:\n"
                                "  draft: 'On {{text}}'\n  answer: 'Better: {{draft}}'\n");
  told = render(file, {"--set", "text=geese"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, AllOf(HasSubstr("On [fixed"), HasSubstr("geese"), HasSubstr("{{draft}}")));
  told = render(file, {"--set", "text=geese", "--set", "draft=honk"});
  EXPECT_THAT(told.out, HasSubstr("honk"));
}

} // namespace
} // namespace troupe::cli
