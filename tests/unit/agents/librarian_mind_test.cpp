#include "actors/agents/librarian_mind.hpp"
#include "messages/values.pb.h"

#include "tests/unit/agents/minds_testing.hpp"

namespace troupe {
namespace {

using namespace troupe::tests;

struct librarian_test : ::testing::Test {
  reading_mind subject{"librarian"};

  std::string tell(std::string text, std::vector<BlobRef> documents = {}) {
    auto todo = subject.decide(said(std::move(text), std::move(documents)));
    if (todo.size() == 1)
      if (auto keep = std::get_if<keep_blobs>(&todo[0]))
        todo = subject.decide(at_home(*keep));
    return text_of(std::move(todo));
  }
  static blobs_kept at_home(const keep_blobs& asked) {
    blobs_kept done{asked.request, asked.blobs, {}};
    for (auto& blob : done.blobs)
      blob.set_holder("this node's own.");
    return done;
  }
};

TEST_F(librarian_test, was_not_told_anything_at_first) {
  auto text = tell("Where is the key?");
  EXPECT_TRUE(text.starts_with("I was not told.")) << text;
  EXPECT_NE(text.find("Remember the folder PATH"), std::string::npos);
}

TEST_F(librarian_test, answers_from_a_text_it_was_told) {
  tell("Remember: the key is under the mat");
  auto ask = the<ask_model>(subject.decide(said("Where is the key?")));
  EXPECT_TRUE(ask.stream_to_reply);
  EXPECT_EQ(ask.hold_back, "NO ANSWER");
  EXPECT_NE(user_message(ask).find(
                "<passage source=\"what I was told (1)\">\nthe key is under the mat\n</passage>"),
            std::string::npos)
      << user_message(ask);
  auto answer = "> the key is under the mat\nSource: what I was told (1)\n";
  EXPECT_EQ(text_of(subject.decide(answer_of(1, answer))), answer);
}

TEST_F(librarian_test, remembers_documents_by_reference) {
  auto text = tell("Remember the folder /usr/share/common-licenses",
                   {blob_named("GPL-2", "a", 18'000), blob_named("GPL-3", "b", 35'000)});
  EXPECT_EQ(text, "I shall remember 2 documents (53 kB): GPL-2, GPL-3.");
  subject.documents.keep("a", "Other words.");
  subject.documents.keep("b", "You may sell copies.");
  auto ask = the<ask_model>(subject.decide(said("May I sell copies?")));
  EXPECT_NE(user_message(ask).find("<passage source=\"GPL-3 lines 1-1\">\nYou may sell copies."),
            std::string::npos);
}

TEST_F(librarian_test, has_documents_brought_to_its_own_node_before_it_says_that_it_remembers) {
  auto asked = the<keep_blobs>(
      subject.decide(said("Remember the file a", {blob_named("a", "one"), blob_named("b", "two"),
                                                  blob_named("c", "one")})));
  ASSERT_EQ(asked.blobs.size(), 2u) << "the same bytes once";
  EXPECT_TRUE(subject.blobs_named().empty()) << "not yet";
  EXPECT_EQ(text_of(subject.decide(at_home(asked))),
            "I shall remember 2 documents (20 bytes): a, b. I had been told the same before: c.");
  EXPECT_EQ(subject.blobs_named(), (std::vector<std::string>{"one", "two"}));
}

TEST_F(librarian_test, remembers_none_of_the_documents_if_one_cannot_be_had) {
  auto before = subject.snapshot();
  auto asked = the<keep_blobs>(subject.decide(
      said("Remember the file a", {blob_named("a", "one"), blob_named("b", "two")})));
  auto todo = subject.decide(blobs_kept{asked.request, {}, {ec::unavailable, "node-1 is down"}});
  EXPECT_EQ(failure_of(todo), ec::unavailable);
  EXPECT_NE(the<reply_failed>(todo).why.message.find("none of these"), std::string::npos);
  EXPECT_EQ(subject.snapshot(), before);
  EXPECT_TRUE(subject.blobs_named().empty());
}

TEST_F(librarian_test, asks_which_folder_is_meant) {
  for (auto text : {"Remember the folder", " remember the file  "})
    EXPECT_EQ(the<reply_failed>(subject.decide(said(text))).why.code, ec::invalid_argument);
}

TEST_F(librarian_test, keeps_once_what_it_is_told_twice) {
  tell("remember the file a", {blob_named("a", "hash")});
  auto before = subject.snapshot();
  EXPECT_NE(tell("Remember the file b", {blob_named("b", "hash")}).find("told the same before: b"),
            std::string::npos);
  EXPECT_EQ(subject.snapshot(), before);
  tell("Remember: one\ntwo");
  before = subject.snapshot();
  EXPECT_NE(tell("Remember:  one two ").find("told that before"), std::string::npos);
  EXPECT_EQ(subject.snapshot(), before);
}

TEST_F(librarian_test, says_that_the_client_reads_files) {
  auto todo = subject.decide(said("Remember the folder /tmp"));
  EXPECT_EQ(failure_of(todo), ec::invalid_argument);
  EXPECT_NE(the<reply_failed>(todo).why.message.find("client reads"), std::string::npos);
}

TEST_F(librarian_test, refuses_to_remember_nothing) {
  EXPECT_EQ(failure_of(subject.decide(said("Remember:  "))), ec::invalid_argument);
  EXPECT_EQ(failure_of(subject.decide(said(" "))), ec::invalid_argument);
}

TEST_F(librarian_test, says_where_it_looked_when_the_model_finds_no_answer) {
  tell("Remember: the key is under the mat");
  subject.decide(said("Who was Napoleon?"));
  auto text = text_of(subject.decide(answer_of(1, "NO ANSWER")));
  EXPECT_TRUE(text.starts_with("I was not told. I looked in what I was told (1).")) << text;
}

TEST_F(librarian_test, has_its_memory_back_from_its_snapshot) {
  tell("Remember: the key is under the mat");
  tell("Remember the file a", {blob_named("a", "hash")});
  auto other = mind_of_role("librarian");
  ASSERT_TRUE(other->restore(subject.snapshot()));
  EXPECT_EQ(other->snapshot(), subject.snapshot());
  auto asked = the<ask_reading>(other->decide(said("Where is the key?"))).call.gather();
  LibrarianState told;
  ASSERT_TRUE(told.ParseFromString(asked.told()));
  EXPECT_EQ(told.sources(1).blob().sha256(), "hash");
  EXPECT_EQ(told.sources(0).text(), "the key is under the mat");
}

TEST_F(librarian_test, refuses_a_damaged_snapshot) {
  EXPECT_FALSE(subject.restore("\x0a\x7f half"));
}

TEST_F(librarian_test, a_question_changes_nothing_that_is_kept) {
  tell("Remember: the key is under the mat");
  auto before = subject.snapshot();
  subject.decide(said("Where is the key?", {blob_named("extra", "x")}));
  EXPECT_EQ(subject.snapshot(), before);
}

TEST_F(librarian_test, answers_from_the_rest_when_a_document_is_out_of_reach) {
  tell("Remember: the key is under the mat");
  tell("Remember the file a", {blob_named("a", "hash")});
  subject.documents.lose("hash", {ec::unavailable, "node-2 is down"});
  subject.decide(said("Where is the key?"));
  auto text = text_of(subject.decide(answer_of(1, "> the key is under the mat\n")));
  EXPECT_EQ(text, "> the key is under the mat\n\nI could not look into a (node-2 is down).");
}

TEST_F(librarian_test, fails_when_nothing_it_was_told_is_in_reach) {
  tell("Remember the file a", {blob_named("a", "hash")});
  subject.documents.lose("hash", {ec::unavailable, "node-2 is down"});
  EXPECT_EQ(failure_of(subject.decide(said("Where is the key?"))), ec::unavailable);
}

TEST_F(librarian_test, warns_of_a_quotation_that_it_was_never_told) {
  tell("Remember: the key is under the mat");
  subject.decide(said("Where is the key?"));
  auto text = text_of(subject.decide(answer_of(1, "> the key is lost\nSource: x\n")));
  EXPECT_TRUE(text.starts_with("> the key is lost\nSource: x\n\nBeware: 1 quotation")) << text;
}

TEST_F(librarian_test, passes_a_failure_of_the_model_on) {
  tell("Remember: the key is under the mat");
  subject.decide(said("Where is the key?"));
  EXPECT_EQ(failure_of(subject.decide(no_model(1, ec::unavailable))), ec::unavailable);
}

} // namespace
} // namespace troupe
