#include "actors/agents/role_file.hpp"
#include "messages/models.pb.h"
#include "tests/unit/agents/minds_testing.hpp"

#include <gmock/gmock.h>

#include <string>
#include <string_view>

/// The sections `variables` and `partials` of a role, and what becomes of them in prompts.
namespace troupe {
namespace {

using namespace troupe::tests;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string reviewer(const std::string& variables, const std::string& answer,
                     const std::string& more = "talk: false\n") {
  return "role: reviewer\ndescription: Reviews\nmind: chat\n" + more + "variables:\n" + variables
         + "prompts:\n  answer: |\n    " + answer + "\n";
}

std::string error_of_role(const std::string& yaml) {
  auto read = parse_role(yaml, "role.yaml");
  return read ? "no error" : to_string(read.error());
}

role role_of(const std::string& yaml) {
  auto read = parse_role(yaml, "role.yaml");
  EXPECT_TRUE(read) << to_string(read.error());
  return read ? *std::move(read) : role{};
}

ModelRequest asked(const std::string& yaml, const ValueMap& input) {
  auto subject = role_of(yaml).make();
  return the<ask_model>(subject->decide(task_with(input))).call;
}

std::string refused(const std::string& yaml, const ValueMap& input) {
  auto subject = role_of(yaml).make();
  return the<reply_failed>(subject->decide(task_with(input))).why.message;
}

const std::string findings = "  most: {type: number, default: 3}\n"
                             "  findings: {type: records, fields: [name, quote]}\n";
const std::string over_findings =
    "At most {{most}}:{{#each findings as one}} {{one.name}}: {{one.quote}};{{/each}}";

ValueMap input_with(std::vector<Value> found) {
  ValueMap input;
  set_field(input, "text", value_of("x"));
  set_field(input, "findings", value_of(std::move(found)));
  return input;
}

Value finding(const std::string& name, const std::string& quote) {
  ValueMap made;
  set_field(made, "name", value_of(name));
  set_field(made, "quote", value_of(quote));
  set_field(made, "line", value_of(std::int64_t{7}));
  return value_of(std::move(made));
}

TEST(role_variables, are_the_fields_of_the_input_by_their_types) {
  auto yaml = reviewer(findings, over_findings);
  auto input = input_with({finding("a", "{{most}}"), finding("b", "no")});
  EXPECT_EQ(asked(yaml, input).messages(0).content(), "At most 3: a: {{most}}; b: no;\n")
      << "nothing in a value is evaluated";
  set_field(input, "most", value_of(std::int64_t{5}));
  EXPECT_THAT(asked(yaml, input).messages(0).content(), StartsWith("At most 5: a"));
  set_field(input, "most", value_of("many"));
  EXPECT_EQ(refused(yaml, input),
            "role reviewer, input \"most\": expected a number, found \"many\"");
  EXPECT_EQ(refused(yaml, input_with({value_of("text")})),
            "role reviewer, input \"findings\": expected a mapping for each record, found a text");
  ValueMap none;
  EXPECT_EQ(refused(yaml, none),
            "role reviewer needs \"findings\" in the task's input, as records");
}

TEST(role_variables, are_errors_where_they_stand) {
  EXPECT_THAT(
      error_of_role(reviewer("  tone: text\n", "{{tone}} {{tine}}")),
      StartsWith("role.yaml:9:14: prompt \"answer\": there is no variable {{tine}} (did you "
                 "mean tone?); there are passages, question, text, tone"));
  EXPECT_THAT(error_of_role(reviewer("  tone: text\n  unused: text\n", "{{tone}}")),
              StartsWith("role.yaml:7:3: no prompt uses {{unused}}"));
  EXPECT_THAT(error_of_role(reviewer("  tone: text\n", "{{tone}}", "")),
              StartsWith("role.yaml:5:3: a message gives {{tone}} no value: it needs a default, or "
                         "the role `talk: false`"));
  EXPECT_EQ(error_of_role(reviewer("  tone: {type: text, default: kind}\n", "{{tone}}", "")),
            "no error");
  EXPECT_THAT(error_of_role(reviewer("  question: text\n", "{{question}}")),
              StartsWith("role.yaml:6:3: {{question}} is what the role is given"));
  EXPECT_THAT(error_of_role(reviewer("  tone: words\n", "{{tone}}")), StartsWith("role.yaml:6:9:"));
  EXPECT_THAT(error_of_role(reviewer("  draft: text\n", "{{draft}}\n  draft: x")),
              StartsWith("role.yaml:10:3: {{draft}} is a variable"));
  EXPECT_THAT(
      error_of_role("role: r\ndescription: x\nmind: reader\nvariables:\n  tone: text\nprompts:\n"
                    "  summary: '{{passages}} {{tone}}'\n"
                    "  answer: '{{passages}} {{question}}'\n"),
      StartsWith("role.yaml:5:3: nothing gives {{tone}} a value: it needs a default"));
}

TEST(role_variables, may_stand_in_a_system_prompt) {
  auto yaml = "role: poet\ndescription: x\nmind: chat\n"
              "variables: {tone: {type: text, default: kind}}\n"
              "prompts: {system: 'Be {{tone}}.', answer: '{{text}}'}\n";
  ValueMap input;
  set_field(input, "text", value_of("hello"));
  EXPECT_EQ(asked(yaml, input).messages(0).content(), "Be kind.");
  set_field(input, "tone", value_of("curt"));
  EXPECT_EQ(asked(yaml, input).messages(0).content(), "Be curt.");
  EXPECT_THAT(error_of_role("role: poet\ndescription: x\nmind: chat\n"
                            "prompts: {system: 'Be {{tone}}.', answer: '{{text}}'}\n"),
              HasSubstr("prompt \"system\": there is no variable {{tone}}"))
      << "only what is declared";
}

TEST(role_variables, are_settings_of_minds_that_give_none) {
  auto yaml =
      "role: r\ndescription: x\nmind: editor\n"
      "variables: {tags: {type: list, default: [a, b]}}\n"
      "prompts:\n  best: '{{#each tags as tag}}{{tag}} {{/each}}{{passages}}{{question}}'\n";
  auto made = role_file::read(yaml, "role.yaml");
  ASSERT_TRUE(made) << to_string(made.error());
  script::values values{{"passages", template_value{std::string{"p"}}},
                        {"question", template_value{std::string{"q"}}}};
  auto call = made->says->say("best", values);
  ASSERT_TRUE(call);
  EXPECT_EQ(call->messages(0).content(), "a b pq");
  EXPECT_EQ(call->messages(0).fixed_bytes(), 4u);
}

TEST(role_partials, stand_where_prompts_use_them) {
  auto with = [](const std::string& partials, const std::string& prompts) {
    return "role: poet\ndescription: x\nmind: chat\npartials:\n" + partials + "prompts:\n"
           + prompts;
  };
  ValueMap input;
  set_field(input, "text", value_of("hello"));
  EXPECT_EQ(
      asked(with("  rules: |\n    Be kind.\n", "  answer: |\n    {{> rules}}\n    {{text}}\n"),
            input)
          .messages(0)
          .content(),
      "Be kind.\nhello\n");
  EXPECT_THAT(error_of_role(with("  rules: x\n", "  answer: '{{> rule}} {{> rules}}'\n")),
              StartsWith("role.yaml:7:12: prompt \"answer\": there is no partial \"rule\" (did you "
                         "mean rules?)"));
  EXPECT_THAT(
      error_of_role(with("  rules: |\n    ok\n    to {{ Whom }}\n", "  answer: '{{> rules}}'\n")),
      StartsWith("role.yaml:7:8: partial \"rules\" in prompt \"answer\": a variable is"));
  EXPECT_THAT(error_of_role(with("  rules: x\n  more: y\n", "  answer: '{{> rules}}'\n")),
              StartsWith("role.yaml:6:3: no prompt uses the partial {{> more}}"));
  EXPECT_THAT(error_of_role(with("  Rules: x\n", "  answer: hi\n")), StartsWith("role.yaml:5:3:"));
}

/// A run keeps a role as its file, so all of it must be in there.
TEST(role_partials, come_with_the_definition_of_the_role) {
  auto made = role_of("role: poet\ndescription: x\nmind: chat\npartials: {rules: Be kind.}\n"
                      "prompts: {answer: '{{> rules}} {{text}}'}\n");
  auto again = role_of(made.definition);
  ValueMap input;
  set_field(input, "text", value_of("hello"));
  EXPECT_EQ(the<ask_model>(again.make()->decide(task_with(input))).call.messages(0).content(),
            "Be kind. hello");
}

TEST(fixed_parts, are_told_with_each_message_up_to_the_first_value) {
  auto yaml = "role: poet\ndescription: x\nmind: chat\nhistory: {turns: 5}\ntasks: false\n"
              "prompts: {system: Be brief., answer: 'Say it: {{text}}'}\n";
  auto subject = role_of(yaml).make();
  auto first = the<ask_model>(subject->decide(said("one"))).call;
  ASSERT_EQ(first.messages_size(), 2);
  EXPECT_EQ(first.messages(0).fixed_bytes(), 9u);
  EXPECT_EQ(first.messages(1).fixed_bytes(), 8u);
  EXPECT_EQ(text_of(subject->decide(answer_of(1, "1"))), "1");
  auto second = the<ask_model>(subject->decide(said("two"))).call;
  ASSERT_EQ(second.messages_size(), 4);
  EXPECT_EQ(second.messages(0).fixed_bytes(), 9u);
  EXPECT_EQ(second.messages(3).fixed_bytes(), 0u) << "what stands before it is of this talk alone";
}

TEST(fixed_parts, end_with_a_system_prompt_that_is_not_fixed) {
  auto yaml = "role: poet\ndescription: x\nmind: chat\n"
              "variables: {tone: {type: text, default: kind}}\n"
              "prompts: {system: 'Be {{tone}}.', answer: 'Say it: {{text}}'}\n";
  ValueMap input;
  set_field(input, "text", value_of("x"));
  auto usual = asked(yaml, input);
  EXPECT_EQ(usual.messages(0).fixed_bytes(), 8u);
  EXPECT_EQ(usual.messages(1).fixed_bytes(), 8u);
  set_field(input, "tone", value_of("curt"));
  auto other = asked(yaml, input);
  EXPECT_EQ(other.messages(0).fixed_bytes(), 3u);
  EXPECT_EQ(other.messages(1).fixed_bytes(), 0u);
}

} // namespace
} // namespace troupe
