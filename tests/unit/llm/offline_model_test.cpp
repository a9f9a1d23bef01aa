#include "actors/llm/offline/offline_model.hpp"
#include "messages/models.pb.h"

#include "actors/llm/offline/model_prompt.hpp"
#include "actors/text/text.hpp"
#include "actors/text/tokens.hpp"

#include <string>

#include <gtest/gtest.h>

namespace troupe {

namespace {

ModelRequest question_about(std::string content, std::uint32_t tokens_max = 0) {
  ModelRequest request;
  auto* message = request.add_messages();
  message->set_role("user");
  message->set_content(std::move(content));
  request.set_max_output_tokens(tokens_max);
  return request;
}

std::string answer(std::string content, std::uint32_t tokens_max = 0) {
  return offline_answer(question_about(std::move(content), tokens_max)).text;
}

constexpr std::string_view house_rules = R"(House rules

The garden is open from May to October.  Guests may bring their dogs,
but every dog must be kept on a lead.

Breakfast is served at eight. The kitchen closes after
two hours.

Guests who leave must do the following:

  1. return the key to the desk;

  2. pay for what they drank.

The owner is not liable for stolen bicycles because the shed has no lock.
)";

std::string about_house(std::string_view question, std::string_view bound = "at most 1 quote") {
  return std::string(bound) + "\n" + passage_block("rules lines 1-18", house_rules)
         + "Question: " + std::string(question);
}

} // namespace

TEST(offline_model, says_nothing_twice_in_a_summary) {
  std::string text;
  for (int i = 0; i < 5; ++i)
    text += "Every guest of the house pays a small fee for breakfast in the garden.\n\n";
  auto said = answer("Summarise in at most 3 sentences.\n" + passage_block("fees", text));
  EXPECT_EQ(said, "Every guest of the house pays a small fee for breakfast in the garden.");
}

TEST(offline_model, quotes_the_sentence_that_answers) {
  EXPECT_EQ(answer(about_house("Do I have to keep my dog on a lead?")),
            "> Guests may bring their dogs,\n> but every dog must be kept on a lead.\n"
            "Source: rules lines 1-18");
}

TEST(offline_model, finds_what_is_said_in_other_words) {
  EXPECT_NE(answer(about_house("Do I pay a fee for what I drank?")).find("pay for what"),
            std::string::npos);
  EXPECT_NE(answer(about_house("Who is responsible for a stolen bicycle?")).find("not liable"),
            std::string::npos);
}

TEST(offline_model, quotes_a_list_with_its_head) {
  auto quotes = quotes_in(answer(about_house("What must guests do when they leave?")));
  ASSERT_EQ(quotes.size(), 1u);
  EXPECT_EQ(quotes[0].text,
            "Guests who leave must do the following:\n\n1. return the key to the desk;\n\n"
            "2. pay for what they drank.");
  auto item = quotes_in(answer(about_house("Where do I return the key?")));
  ASSERT_EQ(item.size(), 1u);
  EXPECT_TRUE(item[0].text.starts_with("Guests who leave must do the following:"));
}

TEST(offline_model, says_no_answer_when_the_text_holds_none) {
  EXPECT_EQ(answer(about_house("How tall is Mount Everest?")), "NO ANSWER");
  EXPECT_EQ(answer(about_house("Which programming language should I learn?")), "NO ANSWER");
  EXPECT_EQ(answer("Question: What is it?"), "NO ANSWER");
  EXPECT_EQ(answer("How tall is Mount Everest?"), "NO ANSWER");
  EXPECT_EQ(answer(about_house("")).find("NO ANSWER"),
            std::string::npos); // the request was for a summary
}

TEST(offline_model, does_not_take_a_name_for_a_word_like_it) {
  auto text = passage_block("a", "Open the window before you install the shelf.");
  EXPECT_EQ(answer(text + "Question: Can I install it on Windows?"), "NO ANSWER");
  EXPECT_NE(answer(text + "Question: What must I open to install the shelf?"), "NO ANSWER");
}

TEST(offline_model, gives_at_most_as_many_quotations_as_asked_for) {
  std::string passages;
  for (auto colour : {"red", "green", "blue", "black", "white"})
    passages += passage_block(colour, std::string("A ") + colour + " lamp means that the engine "
                                          + (colour[0] == 'b' ? "stops now." : "runs very well."));
  for (std::size_t n = 1; n <= 4; ++n) {
    auto quotes = quotes_in(answer("At most " + std::to_string(n) + " quotes.\n" + passages
                                   + "Question: What does a lamp mean for the engine?"));
    EXPECT_GE(quotes.size(), 1u);
    EXPECT_LE(quotes.size(), n);
  }
}

TEST(offline_model, does_not_quote_the_same_twice) {
  auto text = "The gate closes at nine in the evening.";
  auto quotes = quotes_in(answer(passage_block("a", text) + passage_block("b", text)
                                 + "Question: When does the gate close?"));
  ASSERT_EQ(quotes.size(), 1u);
  EXPECT_EQ(quotes[0].source, "a");
}

TEST(offline_model, quotes_neighbouring_sentences_together) {
  auto quotes =
      quotes_in(answer(passage_block("a", "The iron gate closes at nine during summer weeks. In "
                                          "winter the gate closes at four, well before dark.")
                       + "Question: When does the gate close?"));
  ASSERT_EQ(quotes.size(), 1u);
  EXPECT_EQ(quotes[0].text, "The iron gate closes at nine during summer weeks. In winter the gate "
                            "closes at four, well before dark.");
}

TEST(offline_model, names_the_message_as_source_where_there_are_no_passages) {
  EXPECT_EQ(answer("The gate closes at nine.\nQuestion: When does the gate close?"),
            "> The gate closes at nine.\nSource: the message");
}

TEST(offline_model, prefers_a_definition_where_a_meaning_is_asked_for) {
  auto text =
      passage_block("a", "A widget is painted with every widget. \"Widget\" means a small thing. "
                         "The widget shop sells one widget.");
  EXPECT_TRUE(answer("At most 1 quote.\n" + text + "Question: What is a widget?")
                  .starts_with("> \"Widget\" means a small thing."));
}

TEST(offline_model, summarises_in_whole_sentences_in_their_order) {
  auto text =
      answer("Summarise the text in at most 2 sentences.\n" + passage_block("a", house_rules));
  auto sentences = split_sentences(text);
  ASSERT_EQ(sentences.size(), 2u);
  auto folded = fold_space(house_rules);
  auto first = folded.find(sentences[0].text), second = folded.find(sentences[1].text);
  ASSERT_NE(first, std::string::npos) << text;
  ASSERT_NE(second, std::string::npos) << text;
  EXPECT_LT(first, second);
}

TEST(offline_model, summarises_a_text_without_sentences_by_its_beginning) {
  EXPECT_EQ(
      answer("Summarise in at most 2 sentences.\n" + passage_block("a", "Shopping list\n\nmilk")),
      "Shopping list");
  EXPECT_EQ(answer("Summarise in at most 2 sentences.\n" + passage_block("a", " \n")), "");
}

TEST(offline_model, cuts_between_sentences_and_says_so) {
  auto whole = offline_answer(question_about(about_house("What must guests do when they leave?")));
  EXPECT_EQ(whole.finish_reason, "stop");
  auto tokens = static_cast<std::uint32_t>(whole.output_tokens);
  auto shorter = offline_answer(
      question_about(about_house("What must guests do when they leave?"), tokens - 1));
  EXPECT_EQ(shorter.finish_reason, "length");
  EXPECT_LT(shorter.output_tokens, tokens);
  EXPECT_NE(shorter.text.find("1. return the key to the desk;\nSource: rules"), std::string::npos)
      << shorter.text;
  auto nothing =
      offline_answer(question_about(about_house("Do I have to keep my dog on a lead?"), 3));
  EXPECT_EQ(nothing.text, "");
  EXPECT_EQ(nothing.finish_reason, "length");
}

TEST(offline_model, counts_tokens_of_all_messages_and_of_its_answer) {
  auto request = question_about(about_house("When is breakfast?"));
  auto* system = request.add_messages();
  system->set_role("system");
  system->set_content("four words are here");
  auto made = offline_answer(request);
  EXPECT_EQ(made.input_tokens, count_tokens(request.messages(0).content()) + 4);
  EXPECT_EQ(made.output_tokens, count_tokens(made.text));
}

TEST(offline_model, gives_the_same_bytes_for_the_same_request) {
  auto request =
      question_about(about_house("What must guests do when they leave?", "at most 3 quotes"));
  auto first = offline_answer(request).text;
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(offline_answer(request).text, first);
}

TEST(offline_model, answers_from_far_inside_a_long_text) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += i == 10'000 ? "The treasure lies under the old oak tree.\n\n"
                        : "Sentence number " + std::to_string(i) + " speaks of the sea.\n\n";
  EXPECT_NE(answer(passage_block("log", text) + "Question: Where is the treasure?")
                .find("> The treasure lies under the old oak tree."),
            std::string::npos);
  EXPECT_FALSE(answer("Summarise in at most 2 sentences.\n" + passage_block("log", text)).empty());
}

TEST(offline_model, survives_any_bytes) {
  std::string bytes;
  std::uint32_t state = 7;
  for (int i = 0; i < 50'000; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
  }
  answer(passage_block("noise", bytes) + "Question: What is in here?");
  answer("Summarise in at most 3 sentences.\n" + bytes);
  answer(std::string(1'000'000, 'x') + "\nQuestion: x?");
  EXPECT_EQ(answer(""), "");
  EXPECT_EQ(offline_answer(ModelRequest{}).text, "");
}

TEST(pieces, are_the_text_when_put_together) {
  for (std::string text : {"", "one", "> a b.\n> c? d!\nSource: x", "A. B. C", "\n\n", "a.\nb. "}) {
    std::string whole;
    for (auto piece : pieces_of(text)) {
      EXPECT_FALSE(piece.empty());
      whole += piece;
    }
    EXPECT_EQ(whole, text);
  }
  EXPECT_EQ(pieces_of("One is. Two is.\n> three").size(), 3u);
}

TEST(tokens, count_words_by_their_length_and_marks_by_one) {
  EXPECT_EQ(count_tokens(""), 0u);
  EXPECT_EQ(count_tokens("  \n"), 0u);
  EXPECT_EQ(count_tokens("You may copy it."), 5u);
  EXPECT_EQ(count_tokens("redistribution"), 2u);
  EXPECT_EQ(count_tokens("12345678 (x)"), 4u);
}

} // namespace troupe
