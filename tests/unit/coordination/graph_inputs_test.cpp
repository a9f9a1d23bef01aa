#include "actors/coordination/graph_inputs.hpp"
#include "messages/runs.pb.h"
#include "tests/unit/coordination/hand.hpp"

namespace troupe::tests {
namespace {

Graph asking() {
  return graph_of(R"(
graph: ask
inputs:
  file: {type: file, required: true, help: the file to read, example: /tmp/x}
  question: {type: text, required: true}
  depth: {type: number, default: 2}
tasks:
  - {id: a, role: noop, input: {file: $inputs.file, depth: $inputs.depth}}
)");
}

std::string error_of(const Graph& graph, const value_map& given) {
  auto fine = check_inputs(graph, given);
  return fine ? "" : fine.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(graph_inputs, say_name_help_and_example_of_what_is_missing) {
  value_map given;
  given["question"] = text_value("why?");
  auto error = error_of(asking(), given);
  EXPECT_TRUE(has(error, "`file` (file: the file to read), such as --input file=/tmp/x")) << error;
  given["file"] = blob_value("x");
  EXPECT_EQ(error_of(asking(), given), "");
}

TEST(graph_inputs, that_are_missing_or_blank_are_refused_with_their_place) {
  value_map given;
  given["file"] = blob_value("x");
  EXPECT_TRUE(error_of(asking(), given).starts_with("test.yaml:5:3: "))
      << error_of(asking(), given);
  given["question"] = text_value(" ");
  EXPECT_TRUE(has(error_of(asking(), given), "wants the input `question`"));
}

TEST(graph_inputs, are_not_missing_where_there_is_a_default) {
  auto graph = graph_of("graph: g\ninputs: {x: {type: text, required: true, default: y}}\ntasks:\n"
                        "  - {id: a, role: noop}\n");
  EXPECT_EQ(error_of(graph, {}), "");
}

TEST(graph_inputs, guess_what_an_unknown_one_was_meant_to_be) {
  value_map given;
  given["file"] = blob_value("x");
  given["qestion"] = text_value("why?");
  auto error = error_of(asking(), given);
  EXPECT_TRUE(has(error, "has no input `qestion` (did you mean question?)")) << error;
}

TEST(graph_inputs, refuse_values_of_another_type) {
  value_map given;
  given["file"] = blob_value("x");
  given["question"].set_integer(5);
  EXPECT_EQ(error_of(asking(), given), "the input `question` is of type text, found an integer");
  given["question"] = text_value("why?");
  given["file"] = map_value({{"documents", list_value({})}, {"skipped", list_value({})}});
  EXPECT_EQ(error_of(asking(), given),
            "the input `file` is of type file, found nothing that could be read");
  given["file"] = list_value({});
  EXPECT_EQ(error_of(asking(), given), "the input `file` is of type file, found a list");
}

TEST(graph_inputs, get_defaults_and_single_documents_when_settled) {
  value_map given;
  given["question"] = text_value("why?");
  given["file"] = map_value({{"documents", list_value({blob_value("GPL-3")})}});
  ASSERT_EQ(error_of(asking(), given), "");
  settle_inputs(asking(), given);
  EXPECT_EQ(given["file"].blob().name(), "GPL-3");
  EXPECT_EQ(given["depth"].integer(), 2);
}

TEST(graph_inputs, are_read_from_what_a_person_types) {
  EXPECT_EQ(parse_input_text("text", " as it is ")->text(), " as it is ");
  EXPECT_EQ(parse_input_text("integer", "-12")->integer(), -12);
  EXPECT_EQ(parse_input_text("number", "0.5")->number(), 0.5);
  EXPECT_TRUE(parse_input_text("flag", "true")->flag());
  auto list = parse_input_text("list", "a, b c,,d");
  ASSERT_EQ(list->list().items_size(), 3);
  EXPECT_EQ(list->list().items(1).text(), "b c");
  auto json = parse_input_text("list", R"(["a", 5, false])");
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->list().items(0).text(), "a");
  EXPECT_EQ(json->list().items(1).integer(), 5);
  EXPECT_EQ(parse_input_text("list", "")->list().items_size(), 0);
}

TEST(graph_inputs, refuse_text_that_is_not_of_the_type) {
  for (auto [type, text] : {std::pair{"integer", "12x"},
                            {"integer", ""},
                            {"integer", "99999999999999999999"},
                            {"number", "nan"},
                            {"number", "1,5"},
                            {"flag", "yes"},
                            {"list", "[a"},
                            {"list", "[[a]]"},
                            {"file", "/tmp/x"},
                            {"folder", "/tmp"},
                            {"string", "x"}}) {
    auto value = parse_input_text(type, text);
    ASSERT_FALSE(value) << type << " " << text;
    EXPECT_EQ(value.error().code, ec::invalid_argument);
  }
  EXPECT_EQ(parse_input_text("integer", "12x").error().message,
            "expected an integer, such as 12, found `12x`");
}

} // namespace
} // namespace troupe::tests
