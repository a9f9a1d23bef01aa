#include "actors/agents/recorded_roles.hpp"

#include "persistence/sha256.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

/// The roles that durable runs began with, and what a node cannot go on with.
namespace troupe {
namespace {

constexpr const char* before = R"(
role: asker
description: Asks
mind: chat
tasks: true
limits: {time: 7s}
prompts: {answer: "before {{text}}"}
)";

std::string after() {
  std::string text = before;
  return text.replace(text.find("before"), 6, "now");
}

std::shared_ptr<role> parsed(const std::string& text) {
  auto made = parse_role(text, "asker.yaml");
  if (!made)
    throw std::runtime_error(to_string(made.error()));
  return std::make_shared<role>(*std::move(made));
}

struct recorded_role : ::testing::Test {
  recorded_roles known;
  std::shared_ptr<role> own = parsed(after());
  std::shared_ptr<role> old = parsed(before);

  Task task() const {
    Task made;
    made.set_role("asker");
    made.set_durable(true);
    made.set_role_hash(old->definition_hash);
    made.set_role_definition(old->definition);
    return made;
  }
  static void add_step(Task& to, std::uint32_t version) {
    auto& step = *to.add_steps();
    step.set_number(1);
    step.set_mind_version(version);
  }
  std::string needed(const Task& of) {
    auto gap = version_gap_of(of, own, known, "node-b");
    return gap ? RefusalReason_Name(gap->reason) + ": " + gap->needed : "";
  }
};

TEST_F(recorded_role, has_the_definition_and_its_hash) {
  EXPECT_EQ(old->definition, before);
  EXPECT_EQ(old->definition_hash, short_sha256(before));
  EXPECT_NE(old->definition_hash, own->definition_hash);
}

TEST_F(recorded_role, is_the_nodes_own_if_that_is_the_same) {
  auto same = parsed(before);
  auto found = known.find("asker", old->definition_hash, {}, same);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, same);
  auto any = known.find("asker", 0, {}, own);
  ASSERT_TRUE(any);
  EXPECT_EQ(*any, own) << "none was recorded";
}

TEST_F(recorded_role, is_made_of_its_definition_once_if_the_nodes_own_is_another) {
  auto found = role_of_task(task(), own, known);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_NE(*found, own);
  EXPECT_EQ((*found)->prompts.at("answer"), "before {{text}}");
  EXPECT_EQ((*found)->time_max, std::chrono::seconds{7});
  auto again = role_of_task(task(), own, known);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *found);
}

TEST_F(recorded_role, has_to_come_along_where_the_role_is_another) {
  EXPECT_EQ(needed(task()), "");
  auto bare = task();
  bare.clear_role_definition();
  EXPECT_EQ(needed(bare), "REFUSED_WITHOUT_ROLE: the definition of the role asker");
  bare.set_role_hash(own->definition_hash);
  EXPECT_EQ(needed(bare), "");
  bare.set_role_hash(0);
  EXPECT_EQ(needed(bare), "");
}

TEST_F(recorded_role, that_this_version_cannot_read_is_waited_for) {
  auto strange = task();
  strange.set_role_definition("role: asker\nmind: telepath\ndescription: Guesses\n");
  strange.set_role_hash(short_sha256(strange.role_definition()));
  EXPECT_THAT(
      needed(strange),
      ::testing::AllOf(::testing::HasSubstr("REFUSED_VERSION: a node that can read the role "
                                            "asker as the run began with it"),
                       ::testing::HasSubstr("there is no mind \"telepath\"")));
  auto damaged = task();
  damaged.set_role_hash(1);
  EXPECT_THAT(needed(damaged), ::testing::HasSubstr("damaged"));
}

TEST_F(recorded_role, is_no_use_where_its_mind_has_another_version) {
  auto begun = task();
  add_step(begun, 0);
  EXPECT_EQ(needed(begun), "") << "nothing said is 1";
  begun.clear_steps();
  add_step(begun, 3);
  EXPECT_EQ(needed(begun), "REFUSED_VERSION: version 3 of the mind chat (node-b has version 1)");
  own = parsed(before);
  own->mind_version = 3;
  EXPECT_EQ(needed(begun), "");
  begun.clear_steps();
  EXPECT_EQ(needed(begun), "") << "nothing was recorded: any version begins";
}

TEST_F(recorded_role, counts_for_durable_runs_alone) {
  auto other = task();
  other.set_durable(false);
  other.clear_role_definition();
  EXPECT_EQ(needed(other), "");
}

} // namespace
} // namespace troupe
