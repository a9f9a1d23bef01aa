#include "actors/llm/routing/complexity.hpp"

#include "config/limits/choosing.hpp"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <chrono>
#include <iostream>
#include <string>
#include <vector>

namespace troupe {
namespace {

struct labelled_prompt {
  int level = 0; ///< 1 easy to 3 hard
  std::string task, text;
};

std::vector<labelled_prompt> labelled_prompts() {
  std::vector<labelled_prompt> all;
  auto file = YAML::LoadFile(TROUPE_SOURCE_DIR "/tests/data/complexity_prompts.yaml");
  for (const auto& one : file["prompts"])
    all.push_back(
        {one["level"].as<int>(), one["task"].as<std::string>(), one["text"].as<std::string>()});
  return all;
}

TEST(complexity, has_the_order_that_a_reader_gave_sixty_prompts) {
  auto prompts = labelled_prompts();
  ASSERT_EQ(prompts.size(), 60u);
  int pairs = 0, in_order = 0, tasks = 0;
  for (const auto& easier : prompts) {
    auto seems = estimate_complexity(easier.text);
    tasks += to_string(seems.task) == easier.task;
    for (const auto& harder : prompts)
      if (easier.level < harder.level) {
        ++pairs;
        in_order += seems.value < estimate_complexity(harder.text).value;
      }
  }
  std::cout << in_order << " of " << pairs << " pairs in order, " << tasks << " of 60 tasks\n";
  EXPECT_GE(in_order, pairs * 95 / 100);
  EXPECT_GE(tasks, 50);
}

TEST(complexity, tells_what_the_usual_rules_ask) {
  for (const auto& one : labelled_prompts()) {
    auto seems = estimate_complexity(one.text);
    EXPECT_GE(seems.value, 0.0);
    EXPECT_LE(seems.value, 1.0);
    if (one.level == 3 && one.task != "code_generation") {
      EXPECT_GT(seems.value, 0.6) << one.text;
    }
    if (one.level < 3) {
      EXPECT_LE(seems.value, 0.6) << one.text;
    }
  }
}

TEST(complexity, does_not_grow_with_repetition) {
  std::string once = "Prove that the algorithm is correct. ", often;
  for (int i = 0; i < 50; ++i)
    often += once;
  EXPECT_LT(estimate_complexity(often).value, 0.8);
}

TEST(complexity, of_nothing_is_nothing) {
  EXPECT_EQ(estimate_complexity("").value, 0.0);
  EXPECT_EQ(estimate_complexity(std::string(100'000, '\xff')).value, 0.0);
}

TEST(complexity, reads_the_beginning_and_the_end_of_a_long_prompt) {
  std::string middle(100'000, ' ');
  EXPECT_GT(estimate_complexity("Prove it." + middle).value, 0.2);
  EXPECT_GT(estimate_complexity(middle + "Prove it.").value, 0.2);
  EXPECT_EQ(estimate_complexity(middle + "Prove it." + middle).value, 0.0);
}

} // namespace
} // namespace troupe
