#include "actors/agents/templates/typed_template.hpp"

#include "config/config.hpp"
#include "config/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe {
namespace {

using ::testing::HasSubstr;
using records = std::vector<template_value::record>;
using texts = std::vector<std::string>;

template_variables declared(const std::string& yaml) {
  auto node = parse_yaml(yaml, "role.yaml");
  EXPECT_TRUE(node);
  auto read = read_variables(*node);
  EXPECT_TRUE(read) << to_string(read.error());
  return read ? *read : template_variables{};
}
std::string declaring(const std::string& yaml) {
  auto node = parse_yaml(yaml, "role.yaml");
  auto read = read_variables(*node);
  return read ? "no error" : to_string(read.error());
}

const template_variables& usual() {
  static const auto all = declared("question: text\n"
                                   "most: {type: number, default: 3}\n"
                                   "brief: {type: flag, default: false}\n"
                                   "tags: {type: list, default: []}\n"
                                   "documents: {type: records, fields: [name, text]}\n");
  return all;
}

std::string filled(const std::string& text, template_values values,
                   const template_partials& partials = {}) {
  values.try_emplace("question", template_value{std::string{"why?"}});
  values.try_emplace("documents", template_value{records{}});
  auto made = typed_template::parse(text, usual(), partials);
  if (!made)
    return made.error().message;
  auto out = made->fill(values);
  return out ? *out : out.error();
}

template_error error_of(const std::string& text, const template_partials& partials = {}) {
  auto made = typed_template::parse(text, usual(), partials);
  return made ? template_error{{}, 0, "no error"} : made.error();
}

TEST(typed_template, fills_in_its_variables_and_their_defaults) {
  EXPECT_EQ(filled("{{question}} At most {{ most }}, {{brief}}.", {}), "why? At most 3, false.");
  EXPECT_EQ(filled("{{most}}", {{"most", template_value{0.5}}}), "0.5");
}

TEST(typed_template, goes_through_lists) {
  EXPECT_EQ(filled("Tags:{{#each tags as tag}} {{tag}},{{/each}} end",
                   {{"tags", template_value{texts{"a", "b"}}}}),
            "Tags: a, b, end");
  EXPECT_EQ(filled("{{#each documents as one}}<{{one.name}}: {{one.text}} {{question}}>{{/each}}",
                   {{"documents", template_value{records{{{"name", "x"}, {"text", "1"}},
                                                         {{"name", "y"}, {"text", "2"}}}}}}),
            "<x: 1 why?><y: 2 why?>");
  EXPECT_EQ(filled("{{#each tags as a}}{{#each tags as b}}{{a}}{{b}} {{/each}}{{/each}}",
                   {{"tags", template_value{texts{"1", "2"}}}}),
            "11 12 21 22 ");
}

TEST(typed_template, leaves_no_blank_lines_for_its_marks) {
  EXPECT_EQ(filled("begin\n{{! said to nobody }}\n  {{#each tags as tag}}\n- {{tag}}\n"
                   "  {{/each}}\nend {{! }}\n",
                   {{"tags", template_value{texts{"a", "b"}}}}),
            "begin\n- a\n- b\nend \n");
}

TEST(typed_template, does_not_look_into_values) {
  EXPECT_EQ(filled("{{question}}", {{"question", template_value{std::string{"{{most}} {{> x}}"}}}}),
            "{{most}} {{> x}}");
}

TEST(typed_template, has_partials_in_partials) {
  template_partials partials{{"rules", "Be {{> tone}}.\n"}, {"tone", "kind"}};
  EXPECT_EQ(filled("{{> rules}}\n{{question}}", {}, partials), "Be kind.\nwhy?");
  auto made = typed_template::parse("{{> rules}}\n{{question}} end", usual(), partials);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->fixed_first(), std::string{"Be kind.\n"}.size());
  EXPECT_EQ(made->fixed_bytes(), std::string{"Be kind.\n end"}.size());
}

TEST(typed_template, says_what_is_wrong_and_where) {
  auto expect = [](const std::string& text, std::size_t offset, const std::string& words,
                   const template_partials& partials = {}, const std::string& in = "") {
    auto error = error_of(text, partials);
    EXPECT_THAT(error.message, HasSubstr(words)) << text;
    EXPECT_EQ(error.offset, offset) << text;
    EXPECT_EQ(error.partial, in) << text;
  };
  expect("a {{qestion}}", 2, "there is no variable {{qestion}} (did you mean question?)");
  expect("a {{question", 2, "is not closed by \"}}\"");
  expect("a {{Big Name}}", 2, "not \"{{Big Name}}\"");
  expect("{{tags}}", 0, "is a list: write {{#each tags as item}}");
  expect("{{#each question as q}}{{/each}}", 0, "is no list, but of type text");
  expect("{{#each tags as most}}{{/each}}", 0, "\"most\" is a variable already");
  expect("{{#each tags as t}}x", 19, "is not closed by \"{{/each}}\"");
  expect("x{{/each}}", 1, "closes no loop");
  expect("{{#each documents as d}}{{d}}{{/each}}", 24, "has fields: write {{d.name}}");
  expect("{{#each documents as d}}{{d.nam}}{{/each}}", 24, "no field \"nam\" (did you mean name?)");
  expect("{{d.name}}", 0, "no loop calls its things \"d\"");
  expect("{{> rule}}", 0, "no partial \"rule\" (did you mean rules?)", {{"rules", ""}});
  expect("{{> a}}", 4, "contains itself", {{"a", "xxx\n{{> a}}"}}, "a");
  expect("{{> a}}", 1, "there is no variable {{no}}", {{"a", " {{no}}"}}, "a");
  EXPECT_EQ(line_and_column("ab\ncd\nef", 7), (std::pair{3, 2}));
}

TEST(typed_template, needs_a_value_of_its_type_for_each_variable) {
  auto made = typed_template::parse("{{question}}", usual());
  ASSERT_TRUE(made);
  EXPECT_EQ(made->fill({{"question", template_value{std::string{"x"}}}}).error(),
            "the variable \"documents\" has no value");
  EXPECT_EQ(filled("x", {{"most", template_value{std::string{"5"}}}}),
            "the variable \"most\" is of type text, and number is wanted");
  EXPECT_EQ(filled("x", {{"mots", template_value{1.0}}}),
            "there is no variable \"mots\" (did you mean most?)");
  EXPECT_EQ(filled("x", {{"documents", template_value{records{{{"name", "x"}}}}}}),
            "the variable \"documents\" lacks the field \"text\" in one of its records");
}

TEST(variables, are_declared_with_types_and_defaults) {
  EXPECT_EQ(usual().at("most").standard, template_value{3.0});
  EXPECT_EQ(usual().at("documents").fields, (texts{"name", "text"}));
  EXPECT_THAT(declaring("a: word\n"), HasSubstr("role.yaml:1:4: the type of a variable is text"));
  EXPECT_THAT(declaring("a: {type: number, default: x}\n"),
              HasSubstr("role.yaml:1:28: expected a default of type number"));
  EXPECT_THAT(declaring("A: text\n"), HasSubstr("lower-case"));
  EXPECT_THAT(declaring("a: records\n"), HasSubstr("records need their fields"));
  EXPECT_THAT(declaring("a: {type: text, fields: [x]}\n"), HasSubstr("only records have fields"));
}

TEST(variables, are_read_from_a_line) {
  EXPECT_EQ(*read_value_of({variable_type::number, {}, {}}, "2.5"), template_value{2.5});
  EXPECT_EQ(*read_value_of({variable_type::list, {}, {}}, "a,b"),
            (template_value{texts{"a", "b"}}));
  EXPECT_EQ(*read_value_of({variable_type::flag, {}, {}}, "true"), template_value{true});
  EXPECT_FALSE(read_value_of({variable_type::flag, {}, {}}, "yes"));
  EXPECT_FALSE(read_value_of({variable_type::number, {}, {}}, "2x"));
  EXPECT_FALSE(read_value_of({variable_type::records, {"x"}, {}}, "x"));
}

} // namespace
} // namespace troupe
