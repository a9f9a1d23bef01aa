#include "actors/agents/templates/typed_template.hpp"

#include "config/config.hpp"
#include "config/yaml.hpp"
#include "messages/values.pb.h"

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

template_scope scope(const template_partials& partials = {}) { return {usual(), partials, false}; }

outcome<filled_template, std::string> fill(const std::string& text, const template_values& values,
                                           const template_partials& partials = {}) {
  auto made = typed_template::parse(text, scope(partials));
  if (!made)
    return unexpected{made.error().message};
  return made->fill(values);
}

std::string filled(const std::string& text, template_values values,
                   const template_partials& partials = {}) {
  values.try_emplace("question", template_value{std::string{"why?"}});
  values.try_emplace("documents", template_value{records{}});
  auto out = fill(text, values, partials);
  return out ? out->text : out.error();
}

/// What of it is the same in many calls.
std::string fixed(const std::string& text, const template_values& values,
                  const template_partials& partials = {}) {
  auto out = fill(text, values, partials);
  return out ? out->text.substr(0, out->fixed_bytes) : out.error();
}

template_error error_of(const std::string& text, const template_partials& partials = {}) {
  auto made = typed_template::parse(text, scope(partials));
  return made ? template_error{{}, 0, "no error"} : made.error();
}

TEST(typed_template, fills_in_its_variables_and_their_defaults) {
  EXPECT_EQ(filled("{{question}} At most {{ most }}, {{brief}}.", {}), "why? At most 3, false.");
  EXPECT_EQ(filled("{{most}}", {{"most", template_value{0.5}}}), "0.5");
  EXPECT_EQ(filled("{{most}}", {{"most", template_value{1e6}}}), "1000000");
  EXPECT_EQ(filled("{{most}}", {{"most", template_value{-2.0}}}), "-2");
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
  const std::string marks = "{{most}} {{> rules}} {{#each tags as t}} {{! }} ${x} {% y %}";
  template_partials partials{{"rules", "Be kind."}};
  EXPECT_EQ(filled("{{question}}", {{"question", template_value{marks}}}, partials), marks);
  EXPECT_EQ(filled("{{#each tags as t}}{{t}}{{/each}}",
                   {{"tags", template_value{texts{"{{t}}", marks}}}}, partials),
            "{{t}}" + marks);
  EXPECT_EQ(filled("{{#each documents as d}}{{d.name}}{{d.text}}{{/each}}",
                   {{"documents", template_value{records{{{"name", "{{d."}, {"text", "text}}"}}}}}},
                   partials),
            "{{d.text}}")
      << "two values make no mark";
}

TEST(typed_template, has_partials_in_partials) {
  template_partials partials{{"rules", "Be {{> tone}}.\n"}, {"tone", "kind"}, {"other", "x"}};
  EXPECT_EQ(filled("{{> rules}}\n{{question}}", {}, partials), "Be kind.\nwhy?");
  auto made = typed_template::parse("{{> rules}}\n{{question}} end", scope(partials));
  ASSERT_TRUE(made);
  EXPECT_THAT(made->partials(), ::testing::ElementsAre("rules", "tone"));
  EXPECT_TRUE(made->uses("question"));
  EXPECT_FALSE(made->uses("tags"));
}

TEST(typed_template, says_what_of_it_is_the_same_in_many_calls) {
  template_values asked{{"question", template_value{std::string{"why?"}}}};
  EXPECT_EQ(fixed("Be kind. {{question}} Please.", asked), "Be kind. ");
  EXPECT_EQ(fixed("{{question}}", asked), "");
  EXPECT_EQ(fixed("Be kind.", asked), "Be kind.");
  EXPECT_EQ(fixed("At most {{most}}: {{question}}", asked), "At most 3: ") << "a default is fixed";
  asked["most"] = template_value{3.0};
  EXPECT_EQ(fixed("At most {{most}}: {{question}}", asked), "At most ") << "a given value is not";
  EXPECT_EQ(fixed("Tags: {{#each tags as t}}{{t}}{{/each}}. {{question}}", asked), "Tags: . ");
  EXPECT_EQ(fill("Be {{question}} kind{{#each tags as t}}x{{/each}}.", asked)->fixed_behind, 6u);
  asked["tags"] = template_value{texts{"a"}};
  EXPECT_EQ(fixed("Tags: {{#each tags as t}}{{t}}{{/each}}. {{question}}", asked), "Tags: ");
  template_partials partials{{"rules", "Be {{> tone}}.\n"}, {"tone", "kind"}};
  EXPECT_EQ(fixed("{{> rules}}\n{{question}} end", asked, partials), "Be kind.\n");
}

TEST(typed_template, ends_loops_that_would_never_end) {
  template_values many{{"tags", template_value{texts(3'000, "x")}}};
  std::string nested;
  for (auto* item : {"a", "b", "c", "d"})
    nested += std::string{"{{#each tags as "} + item + "}}";
  nested += "{{/each}}{{/each}}{{/each}}{{/each}}";
  EXPECT_THAT(filled(nested, many), HasSubstr("more than 16777216 bytes"));
}

TEST(typed_template, says_what_is_wrong_and_where) {
  auto expect = [](const std::string& text, std::size_t offset, const std::string& words,
                   const template_partials& partials = {}, const std::string& in = "") {
    auto error = error_of(text, partials);
    EXPECT_THAT(error.message, HasSubstr(words)) << text;
    EXPECT_EQ(error.offset, offset) << text;
    EXPECT_EQ(error.partial, in) << text;
  };
  expect("a {{qestion}}", 2,
         "there is no variable {{qestion}} (did you mean question?); there are brief, documents");
  expect("a {{question", 2, "is not closed by \"}}\"");
  expect("a {{Big Name}}", 2, "not \"{{Big Name}}\"");
  expect("{{tags}}", 0, "is a list: write {{#each tags as item}}");
  expect("{{#each question as q}}{{/each}}", 0, "is no list, but of type text");
  expect("{{#each tags as most}}{{/each}}", 0, "\"most\" is a variable already");
  expect("a {{#each tags as t}}x", 2, "is not closed by \"{{/each}}\"");
  expect("x{{/each}}", 1, "closes no loop");
  expect("{{#each documents as d}}{{d}}{{/each}}", 24, "has fields: write {{d.name}}");
  expect("{{#each documents as d}}{{d.nam}}{{/each}}", 24, "no field \"nam\" (did you mean name?)");
  expect("{{d.name}}", 0, "no loop calls its things \"d\"");
  expect("{{> rule}}", 0, "no partial \"rule\" (did you mean rules?)", {{"rules", ""}});
  expect("{{> a}}", 4, "contains itself", {{"a", "xxx\n{{> a}}"}}, "a");
  expect("{{> a}}", 1, "there is no variable {{no}}", {{"a", " {{no}}"}}, "a");
  std::string deep;
  for (auto c = 'a'; c <= 'i'; ++c)
    deep += std::string{"{{#each tags as "} + c + "}}";
  expect(deep, 8 * 19, "more than 8 deep");
  EXPECT_EQ(line_and_column("ab\ncd\nef", 7), (std::pair{3, 2}));
}

TEST(typed_template, needs_a_value_of_its_type_for_each_variable_that_it_uses) {
  EXPECT_EQ(fill("{{question}}", {}).error(), "the variable \"question\" has no value");
  EXPECT_TRUE(fill("{{most}}", {{"documents", template_value{1.0}}})) << "which it does not use";
  EXPECT_EQ(filled("{{most}}", {{"most", template_value{std::string{"5"}}}}),
            "the variable \"most\" is of type text, and number is wanted");
  EXPECT_EQ(filled("{{#each documents as d}}{{/each}}",
                   {{"documents", template_value{records{{{"name", "x"}}}}}}),
            "the variable \"documents\" lacks the field \"text\" in one of its records");
}

TEST(typed_template, may_take_what_is_not_declared_as_text) {
  auto made = typed_template::parse("{{tone}} {{most}}", {usual(), {}, true});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->fill({{"tone", template_value{std::string{"kindly"}}}})->text, "kindly 3");
  EXPECT_EQ(made->fill({}).error(), "the variable \"tone\" has no value");
  auto loop = typed_template::parse("{{#each tones as t}}{{/each}}", {usual(), {}, true});
  ASSERT_FALSE(loop);
  EXPECT_THAT(loop.error().message, HasSubstr("has to be declared: `variables: {tones: list}`"));
}

TEST(variables, are_declared_with_types_and_defaults) {
  EXPECT_EQ(usual().at("most").standard, template_value{3.0});
  EXPECT_EQ(usual().at("most").declared_at, (std::pair{2, 1}));
  EXPECT_EQ(usual().at("documents").fields, (texts{"name", "text"}));
  EXPECT_EQ(declared("a: {type: records, fields: [x], default: [{x: 1}]}\n").at("a").standard,
            (template_value{records{{{"x", "1"}}}}));
  EXPECT_THAT(declaring("a: word\n"), HasSubstr("role.yaml:1:4: the type of a variable is text"));
  EXPECT_THAT(declaring("a: {type: number, default: x}\n"),
              HasSubstr("role.yaml:1:28: the default of number: expected a number, found \"x\""));
  EXPECT_THAT(declaring("a: {type: list, default: [[x]]}\n"), HasSubstr("role.yaml:1:27:"));
  EXPECT_THAT(declaring("a: {type: records, fields: [x], default: [{y: 1}]}\n"),
              HasSubstr("role.yaml:1:44: the default of records: there is no field \"y\""));
  EXPECT_THAT(declaring("A: text\n"), HasSubstr("lower-case"));
  EXPECT_THAT(declaring("a: records\n"), HasSubstr("records need their fields"));
  EXPECT_THAT(declaring("a: {type: text, fields: [x]}\n"), HasSubstr("only records have fields"));
}

TEST(variables, are_read_from_a_line) {
  EXPECT_EQ(*read_value_of({variable_type::number, {}, {}}, "2.5"), template_value{2.5});
  EXPECT_EQ(*read_value_of({variable_type::list, {}, {}}, "a,b"),
            (template_value{texts{"a", "b"}}));
  EXPECT_EQ(*read_value_of({variable_type::list, {}, {}}, R"(["a,b","c"])"),
            (template_value{texts{"a,b", "c"}}));
  EXPECT_EQ(*read_value_of({variable_type::flag, {}, {}}, "true"), template_value{true});
  EXPECT_FALSE(read_value_of({variable_type::flag, {}, {}}, "yes"));
  EXPECT_FALSE(read_value_of({variable_type::number, {}, {}}, "2x"));
  const template_variable pairs{variable_type::records, {"x", "y"}, {}};
  EXPECT_EQ(*read_value_of(pairs, R"([{"x":"1","y":2}])"),
            (template_value{records{{{"x", "1"}, {"y", "2"}}}}));
  EXPECT_EQ(read_value_of(pairs, "x").error(),
            "expected records as JSON, [{\"x\": \"...\"}], found \"x\"");
  EXPECT_EQ(read_value_of(pairs, R"([{"x":"1"}])").error(),
            "expected the field \"y\" in each record (character 2)");
  EXPECT_THAT(read_value_of(pairs, R"([{"x":"1")").error(), HasSubstr("character"));
}

TEST(variables, are_read_from_the_input_of_a_task) {
  Value number, text, list, record, all;
  number.set_integer(5);
  text.set_text("5");
  *list.mutable_list()->add_items() = number;
  (*record.mutable_map()->mutable_fields())["x"] = text;
  (*record.mutable_map()->mutable_fields())["more"] = list;
  *all.mutable_list()->add_items() = record;
  const template_variable number_wanted{variable_type::number, {}, {}},
      text_wanted{variable_type::text, {}, {}}, list_wanted{variable_type::list, {}, {}},
      record_wanted{variable_type::records, {"x"}, {}};
  EXPECT_EQ(*value_of_input(number_wanted, number), template_value{5.0});
  EXPECT_EQ(*value_of_input(number_wanted, text), template_value{5.0});
  EXPECT_EQ(*value_of_input(text_wanted, number), template_value{std::string{"5"}});
  EXPECT_EQ(*value_of_input(list_wanted, list), template_value{texts{"5"}});
  EXPECT_EQ(*value_of_input(record_wanted, all), (template_value{records{{{"x", "5"}}}}));
  EXPECT_EQ(value_of_input(text_wanted, list).error(), "expected text, found a list");
  EXPECT_EQ(value_of_input(list_wanted, text).error(), "expected a list, found a text");
  EXPECT_EQ(value_of_input(list_wanted, all).error(), "expected a list of texts, found a mapping");
  EXPECT_EQ(value_of_input({variable_type::records, {"y"}, {}}, all).error(),
            "expected the field \"y\" in each record");
}

} // namespace
} // namespace troupe
