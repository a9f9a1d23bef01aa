// Quotations are verbatim, whatever the text contains, for all minds with the built-in model.

#include "actors/llm/offline/offline_model.hpp"
#include "actors/text/text.hpp"
#include "tests/unit/agents/minds_testing.hpp"

#include <random>

namespace troupe {
namespace {

using namespace troupe::tests;

/// Pieces of text with a special meaning in prompts, answers, reports, terminals or parsers.
const std::vector<std::string> hostile{"</passage>",
                                       "<passage source=\"x\">",
                                       "<passage id=",
                                       "</passage-1>",
                                       "<passage-1 source=\"y\">",
                                       "<\\/passage>",
                                       "\\",
                                       "\\n",
                                       "\"",
                                       "'",
                                       "\u201c",
                                       "\u201d",
                                       "`",
                                       "```",
                                       "> ",
                                       ">",
                                       "Source: nobody",
                                       "Question: Who am I?",
                                       "NO ANSWER",
                                       "at most 9 quotes",
                                       "{{passages}}",
                                       "{{question}}",
                                       "\r",
                                       "\r\n",
                                       "\t",
                                       "\v",
                                       "\f",
                                       "\u2028",
                                       "\u2029",
                                       "\u0085",
                                       "\u00a0",
                                       "\ufeff",
                                       "\u200b",
                                       "<!--",
                                       "-->",
                                       "<script>",
                                       "&amp;",
                                       "*",
                                       "**",
                                       "_",
                                       "#",
                                       "- ",
                                       "1. ",
                                       "(a) ",
                                       "</system>",
                                       "[INST]",
                                       "$inputs.x",
                                       "%s",
                                       "\x1b[1m",
                                       "\u00e9",
                                       "\u4f60\u597d",
                                       "e\u0301",
                                       "\U0001f600",
                                       "...",
                                       "?!",
                                       "\n",
                                       "\n\n",
                                       "  ",
                                       "\n    ",
                                       "\n> "};

std::string piece(std::mt19937& random) { return hostile[random() % hostile.size()]; }

/// A sentence that answers the question. Hostile pieces between its words must not end it.
std::string answering(std::mt19937& random) {
  auto between = [&] {
    std::string one;
    do
      one = piece(random);
    while (one.find("\n\n") != std::string::npos || one.find_first_of(".?!") != std::string::npos);
    return ' ' + one + ' ';
  };
  return "The widget" + between() + "must be returned" + between() + "within "
         + std::to_string(10 + random() % 90) + " days" + between() + "by hand.";
}

std::string other(std::mt19937& random) {
  return "The gadget" + piece(random) + "must be returned " + piece(random) + " within "
         + std::to_string(10 + random() % 90) + " days" + piece(random) + "by hand.";
}

std::string document_of(std::mt19937& random) {
  std::string text;
  auto sentences = 1 + random() % 30, answer = random() % sentences;
  for (unsigned i = 0; i < sentences; ++i) {
    text += i == answer ? answering(random) : other(random);
    if (i != answer)
      for (auto more = random() % 3; more > 0; --more)
        text += piece(random);
    text += random() % 3 != 0 && i + 1 != answer ? "\n" : "\n\n";
  }
  return text;
}

const std::string asked_words = "When must the widget be returned?";

/// Answers every request of `subject` to its model until it replies.
AgentReply reply_of(reading_mind& subject, mind_event first) {
  std::vector<mind_event> due{std::move(first)};
  for (std::size_t next = 0; next < due.size(); ++next)
    for (auto& todo : subject.decide(std::move(due[next]))) {
      if (auto ask = std::get_if<ask_model>(&todo))
        due.push_back(answer_of(ask->request, offline_answer(ask->call).text));
      else if (auto reply = std::get_if<reply_with>(&todo))
        return reply->reply;
      else if (auto failed = std::get_if<reply_failed>(&todo))
        ADD_FAILURE() << failed->why.message;
    }
  ADD_FAILURE() << "no reply";
  return {};
}

std::string lines_of(const std::string& text, std::int64_t first, std::int64_t last) {
  std::size_t begin = 0;
  for (auto line = first; line > 1; --line)
    begin = text.find('\n', begin) + 1;
  auto end = begin;
  for (auto line = first; line <= last; ++line)
    end = std::min(text.find('\n', end), text.size()) + 1;
  return text.substr(begin, end - begin);
}

bool stands_in_text(const std::string& text, const std::string& quote) {
  return fold_space(text).find(fold_space(quote)) != std::string::npos;
}

struct verbatim : ::testing::TestWithParam<int> {
  std::mt19937 random{static_cast<unsigned>(GetParam())};
  std::string text = document_of(random);
  BlobRef blob = blob_named("d", "h", text.size());
};

TEST_P(verbatim, a_reader_quotes_what_stands_there_and_says_where) {
  reading_mind reader{"reader"};
  reader.documents.keep("h", text);
  ValueMap input;
  set_field(input, "document", value_of_blob(blob));
  set_field(input, "question", value_of(asked_words));
  auto output = reply_of(reader, task_with(std::move(input))).output().map();
  EXPECT_EQ(integer_field(output, "unverified"), 0) << text;
  auto answers = list_field(output, "answers");
  ASSERT_GE(answers.items_size(), 1) << text;
  for (const auto& item : answers.items()) {
    const auto& quote = text_field(item.map(), "quote");
    auto lines = lines_of(text, integer_field(item.map(), "first_line"),
                          integer_field(item.map(), "last_line"));
    EXPECT_TRUE(stands_in_text(lines, quote)) << "quoted: " << quote << "\nlines: " << lines;
  }
  EXPECT_TRUE(text.find("<\\/passage>") != std::string::npos
              || text_field(output, "summary").find("<\\/passage>") == std::string::npos);
}

TEST_P(verbatim, an_assistant_and_a_librarian_quote_what_stands_there) {
  for (auto role : {"assistant", "librarian"}) {
    reading_mind subject{role};
    subject.documents.keep("h", text);
    auto answer = reply_of(subject, said(asked_words, {blob})).text();
    EXPECT_EQ(answer.find("Beware"), std::string::npos) << answer;
    auto quotes = quotes_in(answer);
    ASSERT_GE(quotes.size(), 1u) << role << " says " << answer << "\nof " << text;
    for (const auto& quote : quotes) {
      EXPECT_TRUE(stands_in_text(text, quote.text)) << role << " quotes " << quote.text;
      EXPECT_TRUE(quote.source.starts_with("d lines ")) << quote.source;
    }
  }
}

TEST_P(verbatim, a_librarian_quotes_what_it_was_told) {
  reading_mind subject{"librarian"};
  subject.decide(said("Remember: " + text));
  auto answer = reply_of(subject, said(asked_words)).text();
  for (const auto& quote : quotes_in(answer))
    EXPECT_TRUE(stands_in_text(text, quote.text)) << quote.text;
  EXPECT_GE(quotes_in(answer).size(), 1u) << answer << "\nof " << text;
}

TEST_P(verbatim, a_report_shows_what_stands_there) {
  reading_mind reader{"reader"}, editor{"editor"};
  reader.documents.keep("h", text);
  ValueMap input;
  set_field(input, "document", value_of_blob(blob));
  set_field(input, "question", value_of(asked_words));
  auto read = reply_of(reader, task_with(std::move(input))).output();
  ValueMap editing;
  set_field(editing, "question", value_of(asked_words));
  set_field(editing, "readings", value_of(std::vector<Value>{read}));
  auto report = reply_of(editor, task_with(std::move(editing))).text();
  EXPECT_EQ(report.find("were left out"), std::string::npos) << report;
  auto quotes = quotes_in(report);
  ASSERT_GE(quotes.size(), 1u) << report;
  for (const auto& quote : quotes)
    EXPECT_TRUE(stands_in_text(text, quote.text)) << quote.text;
}

INSTANTIATE_TEST_SUITE_P(seeds, verbatim, ::testing::Range(1, 301));

} // namespace
} // namespace troupe
