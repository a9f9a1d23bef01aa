#include "persistence/sha256.hpp"
#include "tests/unit/agents/durable_task.hpp"

#include <memory>
#include <string>
#include <utility>

/// A task of a run that began with another role than its slot has, and the version of its mind.
namespace troupe {
namespace {

using namespace troupe::tests;

struct agent_versions : durable_task {
  agent_versions() { kind = asker("now"); }

  static std::string written(const std::string& word) {
    return "role: planner\ndescription: Asks\nmind: chat\nmodel: gpt-5\ntasks: true\nprompts: "
           "{answer: \""
           + word + " {{text}}\"}\n";
  }
  static role asker(const std::string& word) {
    auto made = parse_role(written(word), "planner.yaml");
    EXPECT_TRUE(made);
    return made ? *std::move(made) : role{};
  }
  TaskWork about_geese(const std::string& began_with) {
    auto made = work();
    auto& task = *made.mutable_task();
    task.clear_input();
    (*task.mutable_input())["text"].set_text("geese");
    if (began_with.empty())
      return made;
    task.set_role_definition(written(began_with));
    task.set_role_hash(short_sha256(task.role_definition()));
    return made;
  }
  /// What the model is asked in that attempt, which it then answers.
  std::string question(TaskWork todo) {
    auto sent = give(request_for(std::move(todo)));
    if (sent.size() == 1 && sent[0].body.as<StepsMade>())
      sent = keep(sent[0]);
    auto call = sent.size() == 1 ? sent[0].body.as<ModelRequest>() : nullptr;
    if (!call)
      return "no call: " + failure_of(sent).message;
    auto asked = call->messages(call->messages_size() - 1).content();
    auto told = give(reply_to(sent[0], answer("fine")));
    if (told.size() == 1 && told[0].body.as<StepsMade>())
      told = keep(told[0]);
    EXPECT_EQ(text_of(told), "fine");
    owner.records.clear();
    return asked;
  }
};

TEST_F(agent_versions, a_task_has_the_prompts_that_its_run_began_with) {
  new_slot();
  EXPECT_EQ(question(about_geese("before")), "before geese");
  EXPECT_EQ(question(about_geese("")), "now geese") << "the next task takes the role as it is";
  EXPECT_EQ(question(about_geese("now")), "now geese");
  EXPECT_EQ(question(about_geese("before")), "before geese");
}

TEST_F(agent_versions, a_task_that_is_not_durable_has_those_of_the_slot) {
  new_slot();
  auto todo = about_geese("before");
  todo.mutable_task()->set_durable(false);
  EXPECT_EQ(question(std::move(todo)), "now geese");
}

TEST_F(agent_versions, what_an_edited_prompt_asked_is_replayed) {
  kind = asker("before");
  new_slot();
  auto sent = give(request_for(about_geese("before")));
  sent = keep(sent.at(0));
  sent = give(reply_to(sent.at(0), answer("fine")));
  keep(sent.at(0));
  kind = asker("now");
  new_slot();
  sent = give(request_for(about_geese("before")));
  EXPECT_EQ(text_of(sent), "fine") << failure_of(sent).message;
}

TEST_F(agent_versions, a_role_that_cannot_be_read_fails_the_task_alone) {
  new_slot();
  auto todo = about_geese("before");
  todo.mutable_task()->set_role_hash(1);
  auto sent = give(request_for(std::move(todo)));
  EXPECT_EQ(failure_of(sent).code, ec::invalid_argument);
  EXPECT_EQ(question(about_geese("now")), "now geese");
}

TEST_F(agent_versions, a_slot_whose_role_answers_at_once_now_does_it_as_it_was) {
  auto made = parse_role("role: planner\ndescription: Says it back\nmind: echo\n", "planner.yaml");
  ASSERT_TRUE(made);
  kind = *made;
  new_slot();
  EXPECT_EQ(question(about_geese("before")), "before geese");
}

TEST_F(agent_versions, each_step_says_the_version_of_its_mind_unless_that_is_the_first) {
  new_slot();
  auto sent = give(request_for(about_geese("")));
  EXPECT_EQ(told(sent).steps(0).mind_version(), 0u);
  kind.mind_version = 3;
  new_slot();
  sent = give(request_for(about_geese("")));
  EXPECT_EQ(told(sent).steps(0).mind_version(), 3u);
  sent = keep(sent.at(0));
  sent = give(reply_to(sent.at(0), answer("fine")));
  EXPECT_EQ(told(sent).steps(0).mind_version(), 3u);
}

} // namespace
} // namespace troupe
