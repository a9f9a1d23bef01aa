#pragma once

#include "actors/agents/agent_logic.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

namespace troupe::tests {

using namespace std::chrono_literals;

/// Does what the text of its message says. Its state is what it was told to keep.
struct obedient_mind {
  struct state {
    std::string kept;
    std::string last;
    std::vector<std::string> blobs;
  };
  static std::vector<std::string> blobs_named(const state& now) { return now.blobs; }
  std::pair<state, commands> decide(state&& now, mind_event happened) const {
    commands todo;
    if (auto message = std::get_if<message_received>(&happened))
      received(now, *message, todo);
    else if (auto answer = std::get_if<model_answered>(&happened))
      todo.push_back(answer->error.code != ec::none
                         ? command{reply_failed{std::move(answer->error)}}
                     : answer->answer.text() == "fail" ? command{reply_failed{as_you_wish()}}
                                                       : say(answer->answer.text()));
    else if (auto blob = std::get_if<blob_fetched>(&happened))
      todo.push_back(say(blob->error.code == ec::none ? blob->bytes : blob->error.message));
    else if (auto kept = std::get_if<blobs_kept>(&happened)) {
      for (const auto& one : kept->blobs)
        now.blobs.push_back(one.sha256());
      now.kept += std::to_string(now.blobs.size());
      todo.push_back(say(kept->error.code == ec::none ? "all" : kept->error.message));
    } else if (auto read = std::get_if<reading_answered>(&happened)) {
      todo.push_back(say(read->error.code == ec::none ? "read" : read->error.message));
    } else if (auto vectors = std::get_if<texts_embedded>(&happened)) {
      auto count = std::to_string(vectors->answer.embeddings_size());
      todo.push_back(say(vectors->error.code == ec::none ? count : vectors->error.message));
    } else
      now.last = "cancelled";
    return {std::move(now), std::move(todo)};
  }
  static failure as_you_wish() { return {ec::not_found, "as you wish"}; }
  static command say(std::string text) {
    reply_with made;
    made.reply.set_text(std::move(text));
    return made;
  }
  static void received(state& now, message_received& message, commands& todo) {
    auto text = message.is_task ? "say " + std::to_string(message.input.fields_size())
                                : std::move(message.text);
    if (text == "model" || text == "stream" || text.starts_with("model ")) {
      ask_model asked{4, {}, text == "stream", "NO"};
      if (auto space = text.find(' '); space != text.npos)
        asked.call.set_model(text.substr(space + 1));
      todo.push_back(std::move(asked));
    } else if (text == "vectors") {
      ask_embeddings asked{8, {}};
      asked.call.set_model("api/tiny");
      asked.call.set_purpose("search");
      asked.call.add_inputs("a");
      todo.push_back(std::move(asked));
    } else if (text == "blob")
      todo.push_back(fetch_blob{5, {}});
    else if (text == "read")
      todo.push_back(ask_reading{7, {}});
    else if (text == "documents")
      todo.push_back(keep_blobs{6, std::move(message.documents)});
    else if (text == "fail")
      todo.push_back(reply_failed{as_you_wish()});
    else if (text == "many")
      for (std::uint32_t i = 0; i <= limits::agent_asks_pending_max; ++i)
        todo.push_back(fetch_blob{i, {}});
    else if (text.starts_with("keep ")) {
      now.kept = text.substr(5);
      todo.push_back(say("kept"));
    } else if (text != "silence")
      todo.push_back(say(text == "what" ? now.kept + now.last : text));
  }
  static std::string save(const state& now) { return now.kept; }
  static bool load(state& now, std::string_view bytes) {
    now.kept = bytes;
    return bytes != "damaged";
  }
};

inline role obedient_role(bool durable = false) {
  role made;
  made.info.set_name("obedient");
  made.info.set_for_talk(true);
  made.info.set_for_tasks(true);
  made.durable = durable;
  made.time_max = 10s;
  made.make = [] { return make_mind<obedient_mind>(); };
  return made;
}

/// An agent with an obedient mind, and the client `ada`, which sends it messages.
struct agent_test : ::testing::Test {
  metrics counted;
  stage scene;
  std::uint64_t sequence = 0;
  std::shared_ptr<const role> kind = std::make_shared<const role>(obedient_role());
  std::unique_ptr<agent_logic> subject;

  void SetUp() override { begin(); }
  void begin(std::shared_ptr<const span_terms> terms = nullptr) {
    subject = std::make_unique<agent_logic>(kind, counted, instant::max(),
                                            limits::blob_keep / limits::blob_keep_parts,
                                            std::move(terms));
    scene.start(*subject, address::of_agent(name{"obedient/ada"}, this_node));
  }
  void use(role changed) {
    kind = std::make_shared<const role>(std::move(changed));
    begin();
  }
  envelope saying_now(std::string text) {
    return request_of("obedient/ada", ++sequence, saying(std::move(text)));
  }
  /// They are the reply to ada's first message, and nothing else.
  static void expect_first_reply(const std::vector<envelope>& sent) {
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].kind, message_kind::reply);
    EXPECT_EQ(sent[0].id, (message_id{ada, 1}));
    EXPECT_EQ(sent[0].target, client());
    EXPECT_EQ(sent[0].sender, address::of_agent(name{"obedient/ada"}, this_node));
  }
  /// Sends one message and returns the outputs.
  std::vector<envelope> tell(std::string text) { return tell(saying_now(std::move(text))); }
  std::vector<envelope> tell(envelope message) {
    auto sends = std::move(scene.step(*subject, std::move(message)).sends);
    EXPECT_TRUE(subject->invariants());
    return sends;
  }
  /// What a durable agent sends once the store has written what `sent` gives it.
  std::vector<envelope> written(std::vector<envelope> sent) {
    if (sent.size() != 1 || !sent[0].body.as<SnapshotPut>())
      return sent;
    return tell(reply_to(sent[0], SnapshotWritten{}));
  }
  std::string text_of(std::vector<envelope> sends) {
    if (sends.size() != 1 || !sends[0].body.as<AgentReply>())
      return "no reply among " + std::to_string(sends.size());
    return sends[0].body.as<AgentReply>()->text();
  }
  ec failure_of(std::vector<envelope> sends) {
    return sends.size() == 1 ? code_of(sends[0]) : ec::none;
  }
  bool armed(std::uint32_t timer, std::chrono::nanoseconds after) {
    for (const auto& one : scene.out.timers)
      if (one.id == timer && one.after == after)
        return true;
    return false;
  }
};

} // namespace troupe::tests
