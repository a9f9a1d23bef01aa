#include "config/limits/links.hpp"
#include "config/limits/reading_pace.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "tests/sim/client.hpp"
#include "tests/sim/minds.hpp"
#include "tests/sim/provider.hpp"
#include "tests/sim/world.hpp"

#include <gtest/gtest.h>

#include <optional>

/// Streams of a fast provider, through agents, to clients that read slowly, while links break and
/// words get lost: no stream is stuck, nothing is lost, and the provider waits for the reader.
namespace troupe::sim {

namespace {

using namespace std::chrono_literals;

role_table talkers() {
  auto made = std::make_shared<role>();
  made->info.set_name("talker");
  made->info.set_description("of the simulator");
  made->info.set_model("far/m");
  made->info.set_for_talk(true);
  made->info.set_state("none");
  made->mind = "talker";
  made->time_max = 1h;
  made->make = [] { return make_mind<talker_mind>("far/m"); };
  return {{"talker", made}};
}

/// What a reader has got of one answer.
struct heard_answer {
  std::string text; ///< of the pieces, of the last attempt
  std::optional<std::string> answer;
  std::optional<ec> failed;
  std::uint32_t attempt = 0;
  std::uint64_t pieces = 0;
  std::uint32_t next = 0;  ///< of this attempt
  bool lacks_some = false; ///< of the pieces of this attempt: they were lost with a link

  bool done() const { return answer || failed; }
  void piece(envelope& came) {
    auto* part = came.body.as<Piece>();
    if (!part || part->attempt() < attempt)
      return;
    if (part->attempt() > attempt) {
      text.clear();
      next = 0;
      lacks_some = false;
    }
    lacks_some = lacks_some || part->index() != next;
    next = part->index() + 1;
    attempt = part->attempt();
    text += part->text();
    ++pieces;
  }
  void reply(envelope& came) {
    if (auto why = failure_in(came))
      failed = why->code;
    else
      answer = came.body.as<AgentReply>()->text();
  }
};

struct scene {
  scene(std::uint64_t seed, std::size_t nodes, std::size_t readers, provider::options how)
      : random(seed, 21), how_(how), w(seed, options(nodes, readers)) {
    EXPECT_TRUE(w.settle());
    std::vector<machine> all;
    for (std::size_t i = 0; i < nodes; ++i)
      all.push_back(i);
    for (std::size_t i = 0; i < readers; ++i)
      clients.push_back(
          std::make_unique<client>(w.on(), w.client_machine(i), session_id{100 + i}, all, random));
  }

  world_options options(std::size_t nodes, std::size_t readers) {
    world_options made;
    made.nodes = nodes;
    made.clients = readers;
    made.roles = talkers();
    auto& far = made.cfg.catalog.providers.emplace_back();
    far.name = "far";
    far.base_url = "http://far/v1";
    made.network.latency_max = 5ms;
    made.provider = [this](process& node) {
      return std::make_unique<provider>(node, how_, random, ledger);
    };
    return made;
  }

  heard_answer& ask(std::size_t reader, const std::string& agent, std::chrono::milliseconds time,
                    std::function<std::chrono::nanoseconds()> reads) {
    auto& heard = *answers.emplace_back(std::make_unique<heard_answer>());
    AgentMessage message;
    message.set_text("Count.");
    message.set_paced(true);
    auto request =
        make_envelope(message_kind::request, address::of_agent(name{agent}), std::move(message));
    request.remaining = time;
    clients[reader]->ask_slowly(
        std::move(request), [&heard](envelope& came) { heard.reply(came); },
        [&heard](envelope& came) { heard.piece(came); }, std::move(reads));
    return heard;
  }
  bool all_done() const {
    return std::all_of(answers.begin(), answers.end(), [](const auto& one) { return one->done(); });
  }

  dice random;
  provider::options how_;
  provider_ledger ledger;
  world w;
  std::vector<std::unique_ptr<client>> clients;
  std::vector<std::unique_ptr<heard_answer>> answers;
};

constexpr provider::options quick{3'000, 400, 2ms};
/// As long as three clients that are thought to have gone.
constexpr provider::options hesitant{120, 1, 500ms};

} // namespace

TEST(slow_readers, get_all_of_their_answers_and_the_provider_waits_for_them) {
  scene here{1, 2, 3, quick};
  std::uint64_t ahead_max = 0;
  for (std::size_t i = 0; i < 3; ++i)
    here.ask(i, "talker/" + std::to_string(i), 10min, [] { return 1ms; });
  here.w.run_until(
      [&] {
        std::uint64_t read = 0;
        for (const auto& one : here.answers)
          read += one->pieces;
        ahead_max = std::max(ahead_max, here.ledger.given - std::min(here.ledger.given, read));
        return here.all_done();
      },
      5min);
  auto whole = provider::text_of(quick.pieces);
  for (const auto& one : here.answers) {
    EXPECT_EQ(one->answer, whole);
    EXPECT_EQ(one->text, whole) << "joined, the pieces are the answer";
    EXPECT_EQ(one->attempt, 1u);
  }
  // Of each: its window, one event that goes beyond it, and the last one, which ends the answer.
  EXPECT_LE(ahead_max, 3 * (limits::stream_pieces_max + 2 * quick.pieces_of_event));
  for (const auto& one : here.clients)
    EXPECT_LE(one->unread_max(), limits::stream_pieces_max + quick.pieces_of_event + 2);
  EXPECT_TRUE(here.ledger.open.empty());
}

TEST(slow_readers, are_never_stuck_when_links_break_and_words_are_lost) {
  std::uint64_t lost = 0, again = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    scene here{seed, 3, 3, quick};
    dice fate{seed, 22};
    here.w.lose = [&](const envelope& message) {
      auto kind = message.body.kind();
      return (kind == payload_kind::PiecesTaken || kind == payload_kind::PiecesAsked)
             && fate.once_in(3);
    };
    for (std::size_t i = 0; i < 3; ++i) {
      auto most = fate.between(10us, 2ms);
      here.ask(i, "talker/" + std::to_string(i), 10min,
               [&fate, most] { return fate.between(0us, most); });
    }
    auto begun = here.w.now();
    auto next_fault = begun + fate.between(100ms, 1s);
    here.w.run_until(
        [&] {
          if (here.w.now() >= next_fault && here.w.now() < begun + 8s) {
            next_fault = here.w.now() + fate.between(200ms, 2s);
            auto a = fate.below(6), b = fate.below(3);
            if (a != b)
              here.w.on().net.break_all(a, b);
          }
          return here.all_done();
        },
        3min);
    lost += here.w.lost();
    auto whole = provider::text_of(quick.pieces);
    for (const auto& one : here.answers) {
      ASSERT_TRUE(one->done()) << "seed " << seed << ": stuck after " << one->pieces << " pieces";
      if (one->answer) {
        EXPECT_EQ(*one->answer, whole) << "seed " << seed;
        EXPECT_TRUE(one->lacks_some || whole.starts_with(one->text)) << "seed " << seed;
      }
      EXPECT_TRUE(one->answer || one->failed == ec::outcome_unknown
                  || one->failed == ec::unavailable)
          << "seed " << seed;
      again += one->attempt > 1;
    }
    here.w.run_until([&] { return here.ledger.open.empty(); }, 30s);
    EXPECT_TRUE(here.ledger.open.empty()) << "seed " << seed << ": a transfer that nobody reads";
    for (const auto& defect : here.w.on().defects)
      ADD_FAILURE() << "seed " << seed << ": " << defect;
  }
  EXPECT_GT(lost, 0u);
  EXPECT_GT(again, 0u) << "no client came back";
}

TEST(slow_readers, who_never_take_end_at_their_deadline_and_hold_up_no_other) {
  scene here{3, 2, 2, quick};
  here.ask(0, "talker/0", 20s, [] { return 1h; });
  auto& other = here.ask(1, "talker/1", 20s, [] { return 10us; });
  here.w.run_until([&] { return other.done(); }, 10s);
  EXPECT_EQ(other.answer, provider::text_of(quick.pieces));
  EXPECT_EQ(here.ledger.open.size(), 1u);
  EXPECT_LE(here.ledger.given, quick.pieces + limits::stream_pieces_max + quick.pieces_of_event);
  here.w.run_until([&] { return here.ledger.open.empty(); }, 25s);
  EXPECT_EQ(here.ledger.cancelled, 1u);
}

TEST(slow_readers, of_a_slow_provider_are_asked_and_found_on_every_node) {
  constexpr std::size_t readers = 6; // the homes of their agents are on all nodes
  scene here{5, 3, readers, hesitant};
  for (std::size_t i = 0; i < readers; ++i)
    here.ask(i, "talker/" + std::to_string(i), 10min, [] { return 1us; });
  here.w.run_until([&] { return here.all_done(); }, 2min);
  for (const auto& one : here.answers) {
    EXPECT_EQ(one->answer, provider::text_of(hesitant.pieces));
    EXPECT_EQ(one->attempt, 1u);
  }
  EXPECT_EQ(here.ledger.cancelled, 0u);
}

TEST(slow_readers, of_a_slow_provider_who_are_gone_free_their_call_as_soon) {
  scene here{6, 3, 3, hesitant};
  for (std::size_t i = 0; i < 3; ++i)
    here.ask(i, "talker/" + std::to_string(i), 30min, [] { return 1us; });
  here.w.run_until(
      [&] {
        return std::all_of(here.answers.begin(), here.answers.end(),
                           [](const auto& one) { return one->pieces > 3; });
      },
      10s);
  here.clients.clear();
  auto gone = here.w.now();
  EXPECT_TRUE(here.w.run_until([&] { return here.ledger.cancelled == 3; }, 15s));
  EXPECT_GE(here.w.now() - gone, limits::stream_reader_gone_max) << "they might have come back";
  EXPECT_TRUE(here.ledger.open.empty());
}

TEST(slow_readers, who_are_gone_free_their_call_long_before_its_deadline) {
  scene here{4, 2, 1, quick};
  here.ask(0, "talker/0", 30min, [] { return 5ms; });
  here.w.run_until([&] { return here.answers[0]->pieces > 100; }, 10s);
  EXPECT_EQ(here.ledger.open.size(), 1u);
  here.clients.clear();
  auto gone = here.w.now();
  EXPECT_TRUE(here.w.run_until([&] { return here.ledger.cancelled == 1; }, 60s));
  EXPECT_GE(here.w.now() - gone, limits::stream_reader_gone_max) << "it might have come back";
  EXPECT_TRUE(here.ledger.open.empty());
}

} // namespace troupe::sim
