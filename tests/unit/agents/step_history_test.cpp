#include "actors/agents/step_history.hpp"

#include "messages/agents.pb.h"
#include "messages/models.pb.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using course = step_history::course;

ModelRequest question(std::string text) {
  ModelRequest made;
  made.set_model("gpt-5");
  made.add_messages()->set_content(std::move(text));
  return made;
}

StepRecord recorded(std::uint32_t number, std::uint32_t heard, std::uint64_t asked = 1) {
  StepRecord made;
  made.set_number(number);
  made.set_asked(asked);
  made.set_what("chat");
  made.set_kind(heard == 0 ? 0u : 41u);
  made.set_heard(heard);
  return made;
}

step_history history_of(std::vector<StepRecord> records) {
  google::protobuf::RepeatedPtrField<StepRecord> all;
  for (auto& one : records)
    *all.Add() = std::move(one);
  return step_history{std::move(all)};
}

std::uint32_t heard_in(step_history& of, bool still_reads = false) {
  auto turn = of.next_heard(still_reads);
  return turn ? turn->number : 0;
}

TEST(step_history, a_question_has_the_same_hash_in_every_process) {
  auto hash = step_history::hash_of(payload_kind::ModelRequest, question("geese?"));
  EXPECT_EQ(hash, 6157222095223982348u) << "those on disk were made so";
  EXPECT_NE(hash, step_history::hash_of(payload_kind::ModelRequest, question("geese!")));
  EXPECT_NE(hash, step_history::hash_of(payload_kind::EmbeddingRequest, question("geese?")));
  auto marked = question("geese?");
  auto unmarked = question("geese?");
  marked.add_messages()->set_fixed_bytes(3);
  unmarked.add_messages();
  EXPECT_EQ(step_history::hash_of(payload_kind::ModelRequest, marked),
            step_history::hash_of(payload_kind::ModelRequest, unmarked))
      << "how much of it a provider may keep is not asked";
}

TEST(step_history, records_may_be_given_in_any_order) {
  auto subject = history_of({recorded(3, 0), recorded(2, 1), recorded(1, 2)});
  EXPECT_EQ(subject.ask(1, "chat").what, course::known);
  EXPECT_EQ(heard_in(subject, true), 0u) << "what is read may make the mind ask the second";
  EXPECT_EQ(subject.ask(1, "chat").what, course::known);
  EXPECT_EQ(heard_in(subject, true), 2u);
  EXPECT_EQ(heard_in(subject, true), 1u);
  EXPECT_EQ(heard_in(subject, true), 0u);
  EXPECT_TRUE(subject.left_out());
  EXPECT_EQ(subject.ask(1, "chat").what, course::begin);
  EXPECT_FALSE(subject.left_out());
}

TEST(step_history, a_mind_that_never_comes_to_a_record_still_hears_the_others) {
  auto subject = history_of({recorded(1, 2), recorded(2, 1)});
  subject.ask(1, "chat");
  EXPECT_EQ(heard_in(subject), 1u);
  EXPECT_EQ(heard_in(subject), 0u);
}

TEST(step_history, a_call_that_was_begun_before_is_unknown_if_its_attempt_was_lost) {
  auto lost = recorded(1, 0);
  lost.set_unknown(true);
  auto subject = history_of({lost, recorded(2, 0)});
  EXPECT_EQ(subject.ask(1, "chat").what, course::unknown);
  EXPECT_EQ(subject.ask(1, "chat").what, course::begin) << "it has failed in a way that may pass";
  EXPECT_EQ(subject.ask(1, "chat").what, course::begin);
  EXPECT_EQ(subject.not_again(1).code, ec::outcome_unknown);
}

TEST(step_history, what_no_longer_holds_is_forgotten_and_its_places_are_free) {
  auto subject = history_of({recorded(1, 1), recorded(2, 2), recorded(3, 4), recorded(4, 3)});
  EXPECT_EQ(subject.ask(1, "chat").what, course::known);
  EXPECT_EQ(heard_in(subject), 1u);
  EXPECT_EQ(subject.ask(9, "chat").what, course::differs);
  subject.forget_from(2);
  EXPECT_FALSE(subject.left_out());
  EXPECT_EQ(subject.ask(1, "chat").what, course::begin) << "3 was asked after what is forgotten";
  EXPECT_EQ(heard_in(subject), 0u);
  EXPECT_EQ(subject.end(2, payload_kind::ModelAnswer, "geese").heard(), 2u);
}

TEST(step_history, what_is_heard_now_comes_behind_what_was_heard) {
  auto subject = history_of({recorded(1, 7)});
  EXPECT_EQ(subject.ask(1, "chat").what, course::known);
  EXPECT_EQ(subject.ask(1, "chat").what, course::begin);
  auto record = subject.end(2, payload_kind::ModelAnswer, "geese");
  EXPECT_EQ(record.heard(), 8u);
  EXPECT_EQ(record.outcome(), "geese");
  subject.may_hear(2);
  EXPECT_EQ(heard_in(subject), 1u);
  EXPECT_EQ(heard_in(subject), 2u);
}

TEST(step_history, which_failures_may_pass) {
  EXPECT_TRUE(step_history::may_pass(ec::overloaded));
  EXPECT_TRUE(step_history::may_pass(ec::timed_out));
  EXPECT_TRUE(step_history::may_pass(ec::outcome_unknown));
  EXPECT_FALSE(step_history::may_pass(ec::none));
  EXPECT_FALSE(step_history::may_pass(ec::refused));
  EXPECT_FALSE(step_history::may_pass(ec::invalid_argument));
  EXPECT_FALSE(step_history::may_pass(ec::unknown_model));
}

} // namespace
} // namespace troupe
