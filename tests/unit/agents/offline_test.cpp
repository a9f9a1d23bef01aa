// The minds and the built-in model together: the model must understand what the minds ask.

#include "actors/llm/offline/offline_model.hpp"
#include "messages/agents.pb.h"
#include "messages/values.pb.h"
#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

const std::string terms = "THE TERMS OF THE HOUSE\n"
                          "\n"
                          "These terms govern how guests may use the kitchen.\n"
                          "\n"
                          "Guests may cook at any hour. Whoever sells the cake must give\n"
                          "the recipe to the buyer at no further charge.\n"
                          "\n"
                          "The garden is closed in winter.\n";

/// Answers every request of `subject` until it replies.
AgentReply reply_of(reading_mind& subject, mind_event first, const std::string& document) {
  subject.documents.keep("h", document);
  std::vector<mind_event> due{std::move(first)};
  for (std::size_t next = 0; next < due.size(); ++next) {
    for (auto& todo : subject.decide(std::move(due[next]))) {
      if (auto ask = std::get_if<ask_model>(&todo))
        due.push_back(answer_of(ask->request, offline_answer(ask->call).text));
      else if (auto reply = std::get_if<reply_with>(&todo))
        return reply->reply;
      else if (auto failed = std::get_if<reply_failed>(&todo))
        ADD_FAILURE() << failed->why.message;
    }
  }
  ADD_FAILURE() << "no reply";
  return {};
}

Value read_terms(std::string question) {
  ValueMap input;
  set_field(input, "document", value_of_blob(blob_named("terms")));
  set_field(input, "question", value_of(std::move(question)));
  return reply_of(*std::make_unique<reading_mind>("reader"), task_with(std::move(input)), terms)
      .output();
}

TEST(offline_model_and_minds, a_reader_finds_and_places_the_sentence_that_answers) {
  auto output = read_terms("What must I give when I sell the cake?");
  EXPECT_FALSE(text_field(output.map(), "summary").empty());
  EXPECT_EQ(integer_field(output.map(), "unverified"), 0);
  ASSERT_GE(list_field(output.map(), "answers").items_size(), 1);
  const auto& best = list_field(output.map(), "answers").items(0).map();
  EXPECT_EQ(text_field(best, "quote"),
            "Whoever sells the cake must give\nthe recipe to the buyer at no further charge.");
  EXPECT_EQ(text_field(best, "source"), "terms lines 5-6");
}

TEST(offline_model_and_minds, a_reader_notices_that_nothing_answers) {
  auto output = read_terms("Who was the emperor of Rome?");
  EXPECT_TRUE(find_field(output.map(), "no_answer")->flag());
}

TEST(offline_model_and_minds, an_editor_quotes_what_readers_found) {
  ValueMap input;
  set_field(input, "question", value_of("What must I give when I sell the cake?"));
  set_field(input, "readings", value_of({read_terms("What must I give when I sell the cake?")}));
  auto report = reply_of(*std::make_unique<reading_mind>("editor"), task_with(input), "").text();
  EXPECT_NE(
      report.find("## Best answers\n\n> Whoever sells the cake must give\n> the recipe to the "
                  "buyer at no further charge.\n\nterms, lines 5-6\n"),
      std::string::npos)
      << report;
  EXPECT_EQ(reply_of(*std::make_unique<reading_mind>("editor"), task_with(input), "").text(),
            report);
}

TEST(offline_model_and_minds, a_librarian_answers_from_what_it_was_told) {
  auto librarian = std::make_unique<reading_mind>("librarian");
  librarian->decide(said("Remember: the spare key is under the mat"));
  auto text = reply_of(*librarian, said("Where is the spare key?"), "").text();
  EXPECT_EQ(text, "> the spare key is under the mat\nSource: what I was told (1)");
  EXPECT_TRUE(reply_of(*librarian, said("Who was the emperor of Rome?"), "")
                  .text()
                  .starts_with("I was not told."));
}

TEST(offline_model_and_minds, an_assistant_answers_from_a_document) {
  auto text = reply_of(*std::make_unique<reading_mind>("assistant"),
                       said("When is the garden closed?", {blob_named("terms")}), terms)
                  .text();
  EXPECT_TRUE(text.starts_with("> The garden is closed in winter.\nSource: terms lines ")) << text;
}

} // namespace
} // namespace troupe
