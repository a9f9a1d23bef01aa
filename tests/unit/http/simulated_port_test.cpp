#include "nodes/simulate/simulated_port.hpp"

#include "messages/http.pb.h"
#include "tests/unit/http/simulation.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <regex>

/// The provider within a node: it says what the server says.
namespace troupe {
namespace {

using namespace http_testing;
using namespace std::chrono_literals;

class a_simulated_port : public a_simulation {
protected:
  static models_catalog catalog(std::map<std::string, std::string> how) {
    models_catalog all;
    auto& one = all.providers.emplace_back();
    one.name = "sim";
    one.kind = provider_config::api::simulated;
    one.simulate = std::move(how);
    return all;
  }
  void make(std::map<std::string, std::string> how = {}) {
    auto all = catalog(std::move(how));
    ASSERT_EQ(simulated_port::mistake_in(all), "");
    port_ = std::make_unique<simulated_port>(all, [this](HttpEvent told) {
      std::lock_guard guard{mutex_};
      came_.push_back(std::move(told));
      changed_.notify_one();
    });
  }
  void begin(const json& body, const std::string& path = "/chat/completions") {
    http_port::outgoing wanted;
    wanted.id = 1;
    wanted.provider = "sim";
    wanted.path = path;
    wanted.body = body.dump();
    wanted.streams = body.value("stream", false);
    port_->start(std::move(wanted));
  }
  std::optional<HttpEvent> next(std::chrono::milliseconds within = 10s) {
    std::unique_lock lock{mutex_};
    if (!changed_.wait_for(lock, within, [this] { return !came_.empty(); }))
      return std::nullopt;
    auto first = std::move(came_.front());
    came_.erase(came_.begin());
    return first;
  }
  /// All of the answer; `last_` is its last event.
  std::string whole(const json& body, const std::string& path = "/chat/completions") {
    begin(body, path);
    std::string text;
    for (parts_ = 1;; ++parts_) {
      auto event = next();
      if (!event) {
        ADD_FAILURE() << "it never ended";
        return text;
      }
      text += event->body();
      last_ = *event;
      if (event->ended())
        return text;
      port_->taken(1);
    }
  }
  static std::string without_ids(const std::string& text) {
    auto made = std::regex_replace(text, std::regex{"chatcmpl-[0-9a-f]+"}, "chatcmpl-ID");
    return std::regex_replace(made, std::regex{"\"created\":[0-9]+"}, "\"created\":0");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HttpEvent> came_;
  HttpEvent last_;
  std::size_t parts_ = 0;
  std::unique_ptr<simulated_port> port_; ///< ends before what it tells of
};

TEST_F(a_simulated_port, answers_as_the_server_does) {
  make();
  auto served = [&](const json& body, const std::string& path = "/v1/chat/completions") {
    return without_ids(body_of(raw(path, body.dump())));
  };
  auto asked = question();
  EXPECT_EQ(without_ids(whole(asked)), served(asked));
  EXPECT_EQ(last_.status(), 200u);
  EXPECT_EQ(last_.content_type(), "application/json");
  asked["stream"] = true;
  asked["stream_options"] = {{"include_usage", true}};
  EXPECT_EQ(without_ids(whole(asked)), served(asked));
  EXPECT_TRUE(last_.content_type().starts_with("text/event-stream"));
  json texts{{"model", "m"}, {"input", {"a", "b"}}, {"dimensions", 3}};
  EXPECT_EQ(whole(texts, "/embeddings"), served(texts, "/v1/embeddings"));
  EXPECT_EQ(without_ids(whole({{"model", 5}})), served({{"model", 5}})) << "also what is wrong";
}

TEST_F(a_simulated_port, takes_its_time) {
  make({{"latency", "30ms"}, {"between", "2ms"}, {"output_tokens", "10"}});
  auto asked = question();
  asked["stream"] = true;
  auto begun = std::chrono::steady_clock::now();
  whole(asked);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 48ms);
  EXPECT_GE(parts_, 10u) << "a piece at a time";
}

TEST_F(a_simulated_port, does_not_go_on_before_what_it_said_was_taken) {
  make({{"between", "1ms"}, {"output_tokens", "5"}});
  auto asked = question();
  asked["stream"] = true;
  begin(asked);
  ASSERT_TRUE(next());
  EXPECT_FALSE(next(50ms)) << "the first was not taken";
  port_->taken(1);
  EXPECT_TRUE(next());
  port_->cancel(1);
  port_->taken(1);
  EXPECT_FALSE(next(50ms)) << "it was given up";
}

TEST_F(a_simulated_port, does_wrong_as_it_is_told) {
  make({{"fault", "rate_limited"}, {"retry_after", "2s"}});
  EXPECT_THAT(whole(question()), ::testing::HasSubstr("Rate limit reached"));
  EXPECT_EQ(last_.status(), 429u);
  EXPECT_EQ(last_.retry_after(), "2");
  make({{"fault", "cut_body"}, {"after", "2"}});
  auto asked = question();
  asked["stream"] = true;
  EXPECT_THAT(whole(asked), ::testing::Not(::testing::HasSubstr("[DONE]")));
  EXPECT_TRUE(last_.has_why());
  make({{"fault", "reset"}});
  whole(question());
  EXPECT_EQ(last_.status(), 0u);
  EXPECT_TRUE(last_.has_why());
  make({{"fault", "hang"}});
  begin(question());
  EXPECT_FALSE(next(50ms));
}

TEST_F(a_simulated_port, says_what_is_wrong_with_its_settings) {
  EXPECT_THAT(simulated_port::mistake_in(catalog({{"latency", "soon"}})),
              ::testing::StartsWith("provider sim: simulate.latency: "));
  EXPECT_THAT(simulated_port::mistake_in(catalog({{"colour", "blue"}})),
              ::testing::HasSubstr("simulate.colour: there is no such key"));
  EXPECT_THAT(simulated_port::mistake_in(catalog({{"fault", "slow_drip"}})),
              ::testing::HasSubstr("only `troupe simulate` can do that"));
  EXPECT_THAT(simulated_port::mistake_in(catalog({{"seed", "x"}})),
              ::testing::HasSubstr("expected a whole number"));
}

} // namespace
} // namespace troupe
