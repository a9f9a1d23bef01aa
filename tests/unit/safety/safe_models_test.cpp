#include "actors/llm/safe_models.hpp"

#include "actors/llm/routed_models.hpp"
#include "config/safety_section.hpp"
#include "tests/unit/llm/models_fixture.hpp"
#include "tests/unit/safety/sample_secrets.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// service::models with a section `safety`, in simulated time; all but its models are real.
class a_safe_call : public models_of_a_node {
protected:
  a_safe_call() {
    policies.all = usual_safety();
    set(policies.all.asked, safety_check::email, safety_action::mask);
  }

  static void set(safety_actions& of, safety_check check, safety_action action) {
    of[static_cast<std::size_t>(check)] = action;
  }

  void begin() {
    models_logic::options options;
    auto& one = options.catalog.providers.emplace_back();
    one.name = "api";
    one.base_url = "http://api";
    options.http = &port;
    options.speak = [](auto) { return std::make_unique<plain_dialect>(); };
    safe_ = std::make_unique<safe_models>(
        safe_models::options{policies, {"reader", "poet"}},
        std::make_unique<routed_models>(std::move(options), counted_), counted_);
    auto out = run([&](step_context& context) { safe_->start(context, self); });
    for (auto& line : out.logs)
      started_with += line.text + "\n";
  }
  outputs give(event input) {
    auto out = run([&](step_context& context) { safe_->step(context, std::move(input)); });
    EXPECT_TRUE(safe_->invariants());
    return out;
  }
  outputs come(const std::string& body, bool ended = false) {
    return give(event_of(came(port.started.back().id, body, ended)));
  }
  /// The whole answer, without a stream.
  std::string answer_to(const std::string& text, const std::string& answer) {
    auto asked = call_of(text, 1);
    asked.body.as<ModelRequest>()->set_stream(false);
    give(std::move(asked));
    return answer_in(come(answer, true));
  }
  static std::string text_of_pieces(outputs& out) {
    std::string joined;
    for (const auto& text : texts_of_pieces(out))
      joined += text.substr(text.find(' ') + 1);
    return joined;
  }
  std::string count(const std::string& check, const std::string& action) const {
    auto text = counted_.to_text();
    auto series = "troupe_safety_total{action=\"" + action + "\",check=\"" + check + "\"} ";
    auto at = text.find(series);
    auto begin = at + series.size();
    return at == text.npos ? "none" : text.substr(begin, text.find('\n', begin) - begin);
  }

  const address self = address::of(service::models);
  safety_config policies;
  std::unique_ptr<safe_models> safe_;
  std::string started_with; ///< lines of the log
};

TEST_F(a_safe_call, shows_its_model_placeholders_and_its_asker_the_values) {
  begin();
  auto answer = answer_to("Write to ada@engine.co.uk.", "To [EMAIL_1], with [EMAIL_2].");
  EXPECT_THAT(port.bodies(), ElementsAre("Write to [EMAIL_1]."));
  EXPECT_EQ(answer, "api/tiny: To ada@engine.co.uk, with [EMAIL_2].");
  EXPECT_EQ(count("email", "mask"), "1");
}

TEST_F(a_safe_call, is_unmasked_in_pieces_too) {
  begin();
  auto request = call_of("Write to ada@engine.co.uk.", 5);
  auto id = request.id;
  give(std::move(request));
  std::string joined;
  for (const auto* piece : {"To [EM", "AIL_", "1] now", "."}) {
    auto out = come(piece);
    for (const auto& sent : out.sends) {
      EXPECT_EQ(sent.id, id);
      EXPECT_EQ(sent.target, address::of_agent(name("reader/1")));
    }
    joined += text_of_pieces(out);
  }
  auto out = come("", true);
  joined += text_of_pieces(out);
  EXPECT_EQ(joined, "To ada@engine.co.uk now.");
  EXPECT_EQ(answer_in(out), "api/tiny: To ada@engine.co.uk now.");
}

TEST_F(a_safe_call, numbers_its_pieces_without_gaps) {
  begin();
  give(call_of("Why?", 5));
  std::vector<std::string> all;
  for (const auto* piece : {"One ", "wo", "rd ", "held."}) {
    auto out = come(piece);
    auto texts = texts_of_pieces(out);
    all.insert(all.end(), texts.begin(), texts.end());
  }
  auto out = come("", true);
  auto texts = texts_of_pieces(out);
  all.insert(all.end(), texts.begin(), texts.end());
  EXPECT_THAT(all, ElementsAre("0 One ", "1 word ", "2 held."));
}

/// In every place where a stream may be cut.
TEST_F(a_safe_call, masks_a_secret_that_an_answer_splits_over_pieces) {
  set(policies.all.answered, safety_check::secret, safety_action::mask);
  auto secret = sample_secrets().front();
  auto text = "Its key is " + secret + " today.";
  for (std::size_t cut = 1; cut < text.size(); cut += 7) {
    begin();
    give(call_of("Why?", 5));
    auto first = come(text.substr(0, cut)), second = come(text.substr(cut)), last = come("", true);
    auto joined = text_of_pieces(first) + text_of_pieces(second) + text_of_pieces(last);
    EXPECT_EQ(joined, "Its key is [SECRET_1] today.") << cut;
    EXPECT_EQ(answer_in(last), "api/tiny: Its key is [SECRET_1] today.");
  }
}

TEST_F(a_safe_call, never_takes_its_own_placeholder_for_one_of_the_question) {
  set(policies.all.answered, safety_check::email, safety_action::mask);
  begin();
  auto answer = answer_to("Write to ada@engine.co.uk.", "To [EMAIL_1], not bob@engine.co.uk.");
  EXPECT_EQ(answer, "api/tiny: To ada@engine.co.uk, not [EMAIL_2].");
}

TEST_F(a_safe_call, is_refused_with_the_check_and_the_place_and_never_the_content) {
  set(policies.all.asked, safety_check::secret, safety_action::block);
  begin();
  auto secret = sample_secrets()[8];
  auto out = give(call_of("My key: " + secret, 5));
  EXPECT_THAT(port.started, IsEmpty());
  EXPECT_EQ(answer_in(out),
            "refused: the safety check \"secret\" refuses the call: GitHub token at "
            "byte 8 of message 1 (user)");
  auto span = span_told(out).ShortDebugString();
  EXPECT_THAT(span, AllOf(HasSubstr("asked secret block 1"), HasSubstr("refused")));
  EXPECT_THAT(span, Not(HasSubstr(secret)));
  EXPECT_EQ(count("secret", "block"), "1");
}

TEST_F(a_safe_call, is_called_off_when_its_answer_is_refused) {
  set(policies.all.answered, safety_check::secret, safety_action::block);
  begin();
  give(call_of("Why?", 5));
  auto secret = sample_secrets().back();
  EXPECT_EQ(answer_in(come("Here: " + secret.substr(0, 40))), "none");
  auto out = come(secret.substr(40) + " and ");
  EXPECT_EQ(text_of_pieces(out), "");
  EXPECT_THAT(answer_in(out), HasSubstr("refused: the safety check \"secret\" refuses the call: "
                                        "private key at byte 6 of the answer"));
  EXPECT_THAT(port.cancelled, SizeIs(1));
  EXPECT_THAT(come("more").sends, IsEmpty());
  EXPECT_EQ(count("secret", "block"), "1");
}

TEST_F(a_safe_call, tells_what_was_found_on_the_span_of_the_call) {
  begin();
  give(call_of("ada@engine.co.uk, bob@engine.co.uk", 5));
  come("Ask eve@engine.co.uk ");
  auto out = come("now.", true);
  EXPECT_THAT(span_told(out).ShortDebugString(),
              HasSubstr("asked email mask 2, answered email flag 1"));
  EXPECT_EQ(out.sends.back().kind, message_kind::reply) << "the span comes before the answer";
  EXPECT_EQ(count("email", "mask"), "2");
  EXPECT_EQ(count("email", "flag"), "1") << "pieces and the whole answer count once";
}

TEST_F(a_safe_call, passes_unchanged_if_all_checks_of_its_role_are_off) {
  auto& poet = policies.roles["poet"];
  poet.asked.fill(safety_action::off);
  poet.data.fill(safety_action::off);
  poet.answered.fill(safety_action::off);
  begin();
  give(call_of("To ada@engine.co.uk", 1, "poet"));
  give(call_of("To ada@engine.co.uk", 2, "reader"));
  EXPECT_THAT(port.bodies(), ElementsAre("To ada@engine.co.uk", "To [EMAIL_1]"));
}

TEST_F(a_safe_call, has_the_rules_of_its_tenant_unless_its_role_says_otherwise) {
  set(policies.tenants["acme"].asked, safety_check::email, safety_action::block);
  set(policies.roles["poet"].asked, safety_check::email, safety_action::flag);
  begin();
  auto ask = [&](std::uint64_t number, const std::string& role, const std::string& tenant) {
    auto request = call_of("To ada@engine.co.uk", number, role);
    request.tenant = name(tenant);
    return answer_in(give(std::move(request)));
  };
  EXPECT_EQ(ask(1, "reader", "other"), "none");
  EXPECT_THAT(ask(2, "reader", "acme"), HasSubstr("refused"));
  EXPECT_EQ(ask(3, "poet", "acme"), "none");
  EXPECT_THAT(port.bodies(), ElementsAre("To [EMAIL_1]", "To ada@engine.co.uk"));
}

TEST_F(a_safe_call, of_the_offline_model_is_answered_through_the_checks) {
  begin();
  auto request = call_of("To ada@engine.co.uk", 5, "reader", "offline");
  auto id = request.id;
  auto sender = request.sender;
  auto out = give(std::move(request));
  ASSERT_THAT(out.sends, SizeIs(1));
  auto& asked = out.sends[0];
  EXPECT_EQ(asked.target.svc, service::offline);
  EXPECT_EQ(asked.sender, self) << "so that its answer comes here";
  EXPECT_EQ(asked.body.as<ModelRequest>()->messages(0).content(), "To [EMAIL_1]");
  ModelAnswer answer;
  answer.set_text("[EMAIL_1]");
  auto back = give(reply_to(asked, std::move(answer)));
  ASSERT_THAT(back.sends, SizeIs(2));
  EXPECT_THAT(span_told(back).ShortDebugString(), HasSubstr("asked email mask 1"));
  EXPECT_EQ(back.sends[1].id, id);
  EXPECT_EQ(back.sends[1].target, sender);
  EXPECT_EQ(answer_in(back), "/: ada@engine.co.uk");
}

TEST_F(a_safe_call, is_cancelled_at_once_wherever_it_is) {
  begin();
  auto request = call_of("Why?", 5, "reader", "offline");
  auto cancel = cancel_of(request);
  auto asked = give(std::move(request));
  auto out = give(std::move(cancel));
  EXPECT_THAT(answer_in(out), HasSubstr("cancelled"));
  ASSERT_THAT(out.sends, SizeIs(2));
  EXPECT_EQ(out.sends[1].kind, message_kind::cancel);
  EXPECT_EQ(out.sends[1].target.svc, service::offline);
  EXPECT_EQ(out.sends[1].id, asked.sends[0].id);
  EXPECT_EQ(out.sends[1].sender, self);
}

TEST_F(a_safe_call, that_is_repeated_is_made_once) {
  begin();
  give(call_of("To ada@engine.co.uk", 5));
  auto again = call_of("To ada@engine.co.uk", 5);
  again.attempt = 2;
  give(std::move(again));
  EXPECT_THAT(port.started, SizeIs(1));
}

/// The held word grows by thousands of pieces, of which its asker never hears and takes none.
TEST_F(a_safe_call, does_not_wait_for_an_asker_who_has_nothing_to_take) {
  policies.all.answered.fill(safety_action::flag);
  begin();
  auto request = call_of("Why?", 5);
  request.body.as<ModelRequest>()->set_unit(UNIT_LINES);
  give(std::move(request));
  constexpr std::size_t many = 3'000;
  for (std::size_t i = 0; i < many; ++i)
    come("word ");
  EXPECT_THAT(port.took, SizeIs(many)) << "each was done with at once";
}

TEST_F(a_safe_call, waits_for_a_slow_asker) {
  begin();
  give(call_of("Why?", 5));
  constexpr std::size_t too_many = 3'000;
  std::size_t sent = 0;
  while (port.took.size() == sent && sent < too_many) {
    come("word ");
    ++sent;
  }
  EXPECT_LT(sent, too_many);
  PiecesTaken told;
  told.set_attempt(1);
  told.set_pieces(sent);
  told.set_bytes(std::uint64_t{1} << 20);
  auto taken = make_envelope(message_kind::acknowledge, self, std::move(told));
  taken.id = {{7}, 5};
  taken.sender = address::of_agent(name("reader/1"));
  give(std::move(taken));
  EXPECT_THAT(port.took, SizeIs(sent)) << "the transfer goes on";
}

TEST_F(a_safe_call, is_cut_into_units_behind_its_checks) {
  begin();
  auto request = call_of("Why?", 5);
  request.body.as<ModelRequest>()->set_unit(UNIT_LINES);
  give(std::move(request));
  EXPECT_THAT(come("one\ntw").sends, SizeIs(1));
  auto out = come("o\nthree.");
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("1 two\n"));
  out = come("", true);
  EXPECT_THAT(texts_of_pieces(out), ElementsAre("2 three."));
}

TEST_F(a_safe_call, of_embeddings_is_checked_as_data) {
  set(policies.all.data, safety_check::email, safety_action::mask);
  begin();
  EmbeddingRequest asked;
  asked.set_model("api/vectors");
  asked.add_inputs("ada@engine.co.uk");
  auto request = make_envelope(message_kind::request, self, std::move(asked));
  request.id = {{7}, 5};
  request.sender = address::of_session(session_id{9});
  request.trace = {{1, 2}, {3}, 1};
  give(std::move(request));
  EXPECT_THAT(port.bodies(), ElementsAre("[EMAIL_1]"));
  auto out = come("vectors", true);
  ASSERT_THAT(out.sends, SizeIs(1)) << "a client hears of no spans";
  EXPECT_TRUE(out.sends[0].body.as<EmbeddingAnswer>());
}

TEST_F(a_safe_call, is_answered_when_the_models_stop) {
  begin();
  give(call_of("Why?", 5));
  give(call_of("Why?", 6, "reader", "offline"));
  auto out = run([&](step_context& context) { safe_->stop(context); });
  std::vector<std::string> replies;
  for (auto& sent : out.sends)
    if (auto why = failure_in(sent))
      replies.emplace_back(to_string(why->code));
  EXPECT_THAT(replies, ElementsAre("unavailable", "unavailable"));
}

TEST_F(a_safe_call, of_a_role_that_is_not_there_is_told_at_the_start) {
  policies.roles["raeder"];
  begin();
  EXPECT_EQ(started_with,
            "safety.roles.raeder: this node has no such role (did you mean reader?)\n");
}

} // namespace troupe
