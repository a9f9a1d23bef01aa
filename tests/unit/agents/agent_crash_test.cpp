#include "tests/unit/agents/durable_task.hpp"

#include <random>
#include <set>

/// A slot is killed at each moment of a task, and the next attempt begins with what the owner has
/// kept. What comes first, what fails, and which records still reach the owner, is drawn from a
/// seed.
namespace troupe {
namespace {

using namespace troupe::tests;

struct conversation : durable_task {
  std::mt19937_64 drawn;
  std::vector<envelope> on_way; ///< from the slot: records for the owner, calls, blobs
  std::size_t calls_made = 0;
  std::size_t calls_before = 0; ///< this attempt
  std::size_t known_before = 0; ///< outcomes
  std::optional<envelope> done;

  bool one_in(unsigned n) { return drawn() % n == 0; }

  void take(std::vector<envelope> sent) {
    for (auto& message : sent) {
      if (message.kind == message_kind::reply)
        done = std::move(message);
      else if (message.kind == message_kind::request)
        on_way.push_back(std::move(message));
    }
    for (auto& message : on_way)
      if (message.attempt == 1 && is_call(message)) {
        message.attempt = 2; // counted
        ++calls_made;
      }
  }
  static bool is_call(const envelope& message) { return message.target.svc == service::models; }

  /// Each call is answered otherwise, so that one that is made again shows.
  payload answer_to(envelope& call) {
    auto text = "#" + std::to_string(calls_made) + "." + std::to_string(drawn() % 1000);
    if (call.body.as<EmbeddingRequest>()) {
      EmbeddingAnswer made;
      made.set_id(text);
      return payload::of(made);
    }
    if (plan.starts_with('?') && one_in(3))
      return payload::of(to_proto({one_in(2) ? ec::overloaded : ec::unknown_model, "no"}));
    return payload::of(answer(text));
  }
  /// Something that is on its way arrives.
  void deliver() {
    auto at = on_way.begin() + static_cast<std::ptrdiff_t>(drawn() % on_way.size());
    auto message = std::move(*at);
    on_way.erase(at);
    if (message.body.as<StepsMade>())
      return take(keep(message));
    auto reply = reply_to(message, BlobData{});
    if (is_call(message))
      reply.body = answer_to(message);
    else
      reply.body.as<BlobData>()->set_bytes("page");
    take(give(std::move(reply)));
  }
  /// Until there is an answer, or so many things have arrived. True: there is an answer.
  bool go_on(std::size_t most) {
    while (!done && most-- > 0 && !on_way.empty())
      deliver();
    EXPECT_TRUE(done || !on_way.empty() || most + 1 == 0) << "it waits for nothing";
    return done.has_value();
  }
  /// What the slot has sent may still come to the owner. Returns the calls of this attempt that
  /// came to nothing that is recorded.
  std::size_t kill() {
    slot.reset();
    for (auto& message : on_way)
      if (auto made = message.body.as<StepsMade>(); made && one_in(2))
        owner.keep(*made);
    return calls_made - calls_before - (owner.known() - known_before);
  }
  std::string ended() {
    if (!done)
      return "no answer";
    if (auto reply = done->body.as<AgentReply>())
      return reply->text();
    auto why = failure_in(*done).value_or(failure{});
    return std::string{to_string(why.code)} + ": " + why.message;
  }
  void start(std::string asks, std::uint64_t seed) {
    drawn.seed(seed);
    owner = {};
    calls_made = 0;
    attempt = 0;
    plan = std::move(asks);
    next_attempt();
  }
  void next_attempt() {
    done.reset();
    on_way.clear();
    calls_before = calls_made;
    known_before = owner.known();
    take(begin());
  }
};

const std::vector<std::string> plans{"a",      "a|b|c",    "ab|c|d",      "abC|d|e|f|g",
                                     "xa|b|c", "?a|b|c|d", "?abc|d|e|fg", "?Ab|c|xd"};

TEST_F(conversation, no_call_with_a_recorded_outcome_is_made_again_whenever_its_slot_is_killed) {
  std::size_t kills = 0;
  for (const auto& asks : plans)
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
      for (std::size_t moment = 0;; ++moment) {
        SCOPED_TRACE(asks + ", seed " + std::to_string(seed) + ", killed after "
                     + std::to_string(moment));
        start(asks, seed);
        bool whole = go_on(moment);
        auto at_kill = whole ? 0u : kill();
        if (!whole) {
          ++kills;
          next_attempt();
          go_on(1'000);
        }
        ASSERT_TRUE(done && done->body.as<AgentReply>()) << ended();
        auto steps = owner.records.size();
        EXPECT_EQ(calls_made, steps + at_kill) << "each once, but for those in flight";
        auto first = ended();
        if (owner.known() == steps) { // all is known: a third attempt asks nothing
          auto before = calls_made;
          next_attempt();
          go_on(1'000);
          EXPECT_EQ(ended(), first);
          EXPECT_EQ(calls_made, before);
        }
        if (whole)
          break;
      }
  EXPECT_GT(kills, 500u);
}

TEST_F(conversation, comes_to_an_end_however_often_its_slot_is_killed) {
  for (const auto& asks : plans)
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      SCOPED_TRACE(asks + ", seed " + std::to_string(seed));
      start(asks, seed);
      std::size_t again = 0;
      while (!go_on(drawn() % 6)) {
        again += kill();
        ASSERT_LT(attempt, 1'000u);
        next_attempt();
      }
      ASSERT_TRUE(done && done->body.as<AgentReply>()) << ended();
      EXPECT_EQ(calls_made, owner.records.size() + again);
    }
}

} // namespace
} // namespace troupe
