#include "actors/llm/offline/model_prompt.hpp"
#include "actors/llm/offline/offline_model.hpp"
#include "actors/text/text.hpp"
#include "messages/models.pb.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace troupe {

namespace {

namespace fs = std::filesystem;

const fs::path licences = "/usr/share/common-licenses";
constexpr std::size_t passage_bytes = 2000;
constexpr int right_min = 9; ///< of the twelve with an answer

struct licence_question {
  std::string id, question;
  std::vector<std::string> documents;
  std::vector<std::string> accept; ///< white space folded; empty: there is no answer
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::map<std::string, std::string> read_licences() {
  std::map<std::string, std::string> texts;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(licences, ec))
    if (!entry.is_symlink() && entry.is_regular_file())
      texts[entry.path().filename()] = read_file(entry.path());
  return texts;
}

std::vector<licence_question> read_questions(const std::map<std::string, std::string>& texts) {
  std::vector<licence_question> made;
  auto file = YAML::LoadFile(TROUPE_SOURCE_DIR "/tests/data/licence_questions.yaml");
  for (const auto& node : file["questions"]) {
    licence_question q{node["id"].as<std::string>(), node["question"].as<std::string>(), {}, {}};
    if (node["documents"].IsScalar())
      for (const auto& [title, text] : texts)
        q.documents.push_back(title);
    else
      q.documents = node["documents"].as<std::vector<std::string>>();
    for (const auto& part : node["accept"])
      q.accept.push_back(fold_space(part.as<std::string>()));
    made.push_back(std::move(q));
  }
  return made;
}

ModelRequest ask(const licence_question& q, const std::map<std::string, std::string>& texts) {
  std::string content =
      "Quote verbatim, at most 3 quotes. If no passage answers, reply NO ANSWER.\n\n";
  for (const auto& title : q.documents) {
    const auto& text = texts.at(title);
    for (const auto& p : cut_passages(text, passage_bytes))
      content += passage_block(title + " lines " + std::to_string(p.first_line) + "-"
                                   + std::to_string(p.last_line),
                               std::string_view(text).substr(p.begin, p.end - p.begin));
  }
  ModelRequest request;
  auto* message = request.add_messages();
  message->set_role("user");
  message->set_content(content + "Question: " + q.question + "\n");
  return request;
}

/// A quotation is right if it contains an accepted part, or if it is at least 60 % of one.
bool accepted(const licence_question& q, const std::string& folded) {
  return std::any_of(q.accept.begin(), q.accept.end(), [&](const auto& part) {
    return folded.find(part) != std::string::npos
           || (folded.size() * 10 >= part.size() * 6 && part.find(folded) != std::string::npos);
  });
}

bool is_right(const licence_question& q, const std::string& answer) {
  if (q.accept.empty())
    return answer == no_answer;
  auto quotes = quotes_in(answer);
  return quotes.size() <= 3 && std::any_of(quotes.begin(), quotes.end(), [&](const auto& quote) {
           return accepted(q, fold_space(quote.text));
         });
}

class licence_questions : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(fs::is_directory(licences)) << "Debian's base-files brings " << licences;
    texts_ = read_licences();
    questions_ = read_questions(texts_);
    for (const auto& q : questions_)
      for (const auto& title : q.documents)
        ASSERT_TRUE(texts_.contains(title)) << licences << " has no " << title;
  }

  std::map<std::string, std::string> texts_;
  std::vector<licence_question> questions_;
};

} // namespace

TEST_F(licence_questions, accepted_answers_stand_in_the_documents) {
  for (const auto& q : questions_)
    for (const auto& part : q.accept)
      EXPECT_TRUE(std::any_of(q.documents.begin(), q.documents.end(),
                              [&](const auto& title) {
                                return fold_space(texts_.at(title)).find(part) != std::string::npos;
                              }))
          << q.id << ": " << part;
}

TEST_F(licence_questions, at_least_nine_of_the_dozen_are_right_and_no_answer_is_made_up) {
  int right = 0, answerable = 0, made_up = 0;
  for (const auto& q : questions_) {
    auto answer = offline_answer(ask(q, texts_)).text;
    auto good = is_right(q, answer);
    std::printf("%-5s %-20s %s\n", good ? "right" : "WRONG", q.id.c_str(),
                fold_space(answer).substr(0, 160).c_str());
    answerable += q.accept.empty() ? 0 : 1;
    right += good && !q.accept.empty() ? 1 : 0;
    made_up += !good && q.accept.empty() ? 1 : 0;
  }
  std::printf("%d of %d right\n", right, answerable);
  EXPECT_EQ(answerable, 12);
  EXPECT_GE(right, right_min);
  EXPECT_EQ(made_up, 0);
}

TEST_F(licence_questions, every_quotation_stands_verbatim_in_the_document_it_names) {
  for (const auto& q : questions_)
    for (const auto& quote : quotes_in(offline_answer(ask(q, texts_)).text)) {
      auto title = quote.source.substr(0, quote.source.find(' '));
      ASSERT_TRUE(texts_.contains(title)) << quote.source;
      EXPECT_TRUE(locate_quote(texts_.at(title), quote.text)) << quote.source << ": " << quote.text;
    }
}

} // namespace troupe
