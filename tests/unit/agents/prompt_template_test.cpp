#include "actors/agents/prompt_template.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(prompt_template, fills_in_its_variables) {
  auto made = prompt_template::parse("Hello {{ name }}, {{question}}{{name}}!");
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->uses("name"));
  EXPECT_FALSE(made->uses("passages"));
  EXPECT_EQ(made->fill({{"name", "Ada"}, {"question", "why?"}}), "Hello Ada, why?Ada!");
}

TEST(prompt_template, does_not_look_into_values_for_variables) {
  auto made = prompt_template::parse("{{question}}");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->fill({{"question", "{{question}}"}}), "{{question}}");
}

TEST(prompt_template, says_where_a_variable_is_not_closed) {
  auto made = prompt_template::parse("Hello {{name");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().offset, 6u);
}

TEST(prompt_template, refuses_variables_that_are_no_names) {
  auto made = prompt_template::parse("{{Big Name}}");
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("{{Big Name}}"), std::string::npos);
}

} // namespace
} // namespace troupe
