#include "tests/unit/http/simulation.hpp"

#include <set>

/// What goes wrong on purpose, and what is billed for it.
namespace troupe {
namespace {

using namespace http_testing;

class a_ledger_of_faults : public a_simulation {
protected:
  a_ledger_of_faults() {
    file_ = std::filesystem::temp_directory_path()
            / ("troupe-ledger-" + std::to_string(::getpid()) + ".jsonl");
    std::filesystem::remove(file_);
    reopen();
  }
  ~a_ledger_of_faults() override {
    provider_.reset();
    std::filesystem::remove(file_);
  }

  void reopen() {
    simulation_options options;
    options.ledger_file = file_;
    start(std::move(options));
  }

  json calls() { return json::parse(body_of(raw("/ledger", "", "", "GET")))["calls"]; }
  json sum() { return json::parse(body_of(raw("/ledger/sum", "", "", "GET"))); }

  /// The only entry, once it is there; the ledger is cleared then.
  json billed() {
    json found;
    for (int i = 0; i < 2'000 && (found = calls()).empty(); ++i)
      std::this_thread::sleep_for(1ms); // a call that was cut is billed when its end is noticed
    EXPECT_EQ(found.size(), 1u);
    raw("/ledger", "", "", "DELETE");
    return found.empty() ? json::object() : found[0];
  }

  std::string fault(const std::string& name, bool streams, const std::string& more = {}) {
    auto body = question();
    body["stream"] = streams;
    return raw("/v1/chat/completions", body.dump(),
               "X-Simulate-Fault: " + name + "\r\nX-Simulate-Output-Tokens: 10\r\n" + more);
  }

  std::filesystem::path file_;
};

TEST_F(a_ledger_of_faults, bills_an_answer_by_its_tokens) {
  auto answer = chat(question());
  auto entry = billed();
  EXPECT_EQ(entry["outcome"], "answered");
  EXPECT_EQ(entry["input_tokens"], answer["usage"]["prompt_tokens"]);
  EXPECT_EQ(entry["output_tokens"], answer["usage"]["completion_tokens"]);
  EXPECT_EQ(entry["billed_nano_usd"],
            entry["input_tokens"].get<int>() * 1'000 + entry["output_tokens"].get<int>() * 4'000);
  EXPECT_EQ(entry["model"], "gpt-4o");
  EXPECT_EQ(entry["request_hash"].get<std::string>().size(), 32u);
  EXPECT_EQ(entry["key_hash"].get<std::string>().size(), 16u);
  EXPECT_EQ(entry.dump().find("sk-test"), std::string::npos);
}

TEST_F(a_ledger_of_faults, refuses_for_nothing) {
  const std::pair<const char*, int> kinds[] = {{"unauthorized", 401}, {"forbidden", 403},
                                               {"rate_limited", 429}, {"server_error", 500},
                                               {"unavailable", 503},  {"overloaded", 529}};
  for (auto [name, status] : kinds)
    for (bool streams : {false, true}) {
      auto heard = fault(name, streams, "X-Simulate-Retry-After: 1500ms\r\n");
      EXPECT_EQ(status_line(heard).substr(9, 3), std::to_string(status)) << name;
      EXPECT_TRUE(json::parse(body_of(heard))["error"]["message"].is_string());
      if (status == 429) {
        EXPECT_NE(heard.find("retry-after: 2\r\n"), heard.npos) << heard;
        EXPECT_NE(heard.find("retry-after-ms: 1500\r\n"), heard.npos) << heard;
      }
      auto entry = billed();
      EXPECT_EQ(entry["outcome"], name);
      EXPECT_EQ(entry["billed_nano_usd"], 0);
    }
}

TEST_F(a_ledger_of_faults, resets_before_the_answer_and_bills_all_of_it) {
  for (bool streams : {false, true}) {
    EXPECT_EQ(fault("reset", streams), "");
    EXPECT_EQ(error_, ECONNRESET);
    auto entry = billed();
    EXPECT_EQ(entry["outcome"], "lost");
    EXPECT_EQ(entry["output_tokens"], 10);
  }
}

TEST_F(a_ledger_of_faults, cuts_a_stream_and_bills_what_was_sent) {
  for (auto name : {"cut_body", "reset_stream", "stream_error"}) {
    auto heard = fault(name, true, "X-Simulate-After: 4\r\n");
    EXPECT_EQ(heard.find("[DONE]"), heard.npos);
    if (name == std::string{"cut_body"}) {
      EXPECT_FALSE(heard.ends_with("0\r\n\r\n"));
      EXPECT_EQ(error_, 0);
    } else if (name == std::string{"stream_error"}) {
      EXPECT_NE(heard.find("data: {\"error\":"), heard.npos);
    } else {
      EXPECT_EQ(error_, ECONNRESET);
    }
    auto entry = billed();
    EXPECT_EQ(entry["outcome"], "cut") << name;
    EXPECT_EQ(entry["output_tokens"], 4) << name;
  }
}

TEST_F(a_ledger_of_faults, cuts_a_whole_answer_short_of_its_length) {
  for (auto name : {"cut_body", "reset_stream"}) {
    auto heard = fault(name, false);
    auto length = heard.find("Content-Length: ");
    if (name == std::string{"cut_body"}) {
      ASSERT_NE(length, heard.npos);
      EXPECT_LT(body_of(heard).size(), std::stoul(heard.substr(length + 16)));
      EXPECT_FALSE(body_of(heard).empty());
    }
    EXPECT_EQ(billed()["outcome"], "cut");
  }
}

TEST_F(a_ledger_of_faults, garbles_json_and_events) {
  auto broken = fault("malformed_json", false);
  EXPECT_TRUE(json::parse(body_of(broken), nullptr, false).is_discarded());
  EXPECT_EQ(billed()["outcome"], "garbled");
  for (auto name : {"malformed_json", "malformed_sse"}) {
    auto body = question();
    body["stream"] = true;
    std::size_t bad = 0;
    for (const auto& one :
         events("/v1/chat/completions", body, "X-Simulate-Fault: " + std::string{name} + "\r\n"))
      bad += one.is_discarded() ? 1 : 0;
    EXPECT_EQ(bad, 1u) << name;
    EXPECT_TRUE(done_) << "all else is right";
    EXPECT_EQ(billed()["outcome"], "garbled");
  }
  auto message = question();
  message["stream"] = true;
  message["max_tokens"] = 100;
  for (auto name : {"malformed_json", "malformed_sse"}) {
    auto setting = "X-Simulate-Fault: " + std::string{name} + "\r\n";
    auto heard = raw("/v1/messages", message.dump(), setting);
    EXPECT_NE(heard.find("event: content_block_delta\ndata: {\"type\":\"content_bl"), heard.npos);
    EXPECT_EQ(heard.find("\"choi"), heard.npos) << name << ": that is the other API's";
    EXPECT_NE(heard.find("event: message_stop"), heard.npos) << "all else is right";
    std::size_t bad = 0;
    for (const auto& one : events("/v1/messages", message, setting))
      bad += one.is_discarded() ? 1 : 0;
    EXPECT_EQ(bad, 1u) << name;
  }
  auto page = fault("wrong_type", true);
  EXPECT_NE(page.find("Content-Type: text/html"), page.npos);
  EXPECT_EQ(status_line(page), "HTTP/1.1 200 OK");
}

TEST_F(a_ledger_of_faults, names_each_call_that_it_refuses_for_its_form) {
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i)
    ids.insert(ask("/v1/messages", {{"model", 7}})["request_id"].get<std::string>());
  for (int i = 0; i < 2; ++i)
    ids.insert(json::parse(body_of(raw("/v1/messages", {}, {}, "PUT")))["request_id"]);
  EXPECT_EQ(ids.size(), 5u);
}

TEST_F(a_ledger_of_faults, drips_and_floods) {
  auto begun = std::chrono::steady_clock::now();
  for (bool streams : {false, true}) {
    auto heard = fault("slow_drip", streams, "X-Simulate-Between: 1ms\r\nX-Simulate-Reply: x\r\n");
    EXPECT_EQ(status_line(heard), "HTTP/1.1 200 OK");
    EXPECT_GT(body_of(heard).size(), 100u);
    EXPECT_EQ(billed()["outcome"], "answered");
  }
  EXPECT_GT(std::chrono::steady_clock::now() - begun, 200ms) << "hundreds of bytes, one each ms";
  auto huge = fault("huge_answer", false, "X-Simulate-Bytes: 3000000\r\n");
  EXPECT_EQ(text_of(json::parse(body_of(huge))).size(), 3'000'000u);
  EXPECT_EQ(billed()["output_tokens"], 750'000);
}

TEST_F(a_ledger_of_faults, notices_a_client_that_goes) {
  {
    caller peer{provider_->address()};
    peer.say(request("/v1/chat/completions", question().dump(), "X-Simulate-Fault: hang\r\n"));
    EXPECT_TRUE(calls().empty());
    EXPECT_TRUE(peer.hears_nothing());
  }
  auto hung = billed();
  EXPECT_EQ(hung["outcome"], "cancelled");
  EXPECT_EQ(hung["output_tokens"], 0);
  EXPECT_GT(hung["input_tokens"], 0);
  {
    caller peer{provider_->address()};
    peer.say(request("/v1/chat/completions", question().dump(),
                     "X-Simulate-Latency: 1h\r\nX-Simulate-Output-Tokens: 10\r\n"));
    EXPECT_TRUE(calls().empty());
  }
  auto late = billed();
  EXPECT_EQ(late["outcome"], "cancelled");
  EXPECT_EQ(late["output_tokens"], 10) << "it is made as a whole";
  {
    caller peer{provider_->address()};
    auto body = question();
    body["stream"] = true;
    peer.say(request("/v1/chat/completions", body.dump(),
                     "X-Simulate-Between: 1h\r\nX-Simulate-Output-Tokens: 10\r\n"));
    while (peer.hear_until("}\n\n\r\n").find("\"content\":\"\"") == std::string::npos) {
    }
  }
  auto streamed = billed();
  EXPECT_EQ(streamed["outcome"], "cancelled");
  EXPECT_EQ(streamed["output_tokens"], 1) << "the piece that was made";
}

TEST_F(a_ledger_of_faults, keeps_its_ledger_when_it_ends_and_mends_a_torn_line) {
  chat(question());
  chat(question("Another?"));
  auto before = sum();
  EXPECT_EQ(before["calls"], 2);
  provider_.reset();
  std::ofstream{file_, std::ios::app} << R"({"id":"torn","time":"2026)";
  reopen();
  EXPECT_EQ(sum(), before);
  chat(question("A third?"));
  EXPECT_EQ(calls().size(), 3u);
  EXPECT_EQ(sum()["outcomes"]["answered"], 3);
  raw("/ledger", "", "", "DELETE");
  EXPECT_EQ(sum()["calls"], 0);
  EXPECT_EQ(std::filesystem::file_size(file_), 0u);
}

TEST_F(a_ledger_of_faults, takes_no_file_for_a_ledger_that_is_none) {
  auto other = file_;
  other += ".txt";
  std::ofstream{other} << "important\n";
  simulation_options options;
  options.ledger_file = other;
  auto opened = simulated_provider::open(std::move(options), log_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ec::bad_message);
  EXPECT_EQ(std::filesystem::file_size(other), 10u) << "it is left alone";
  std::filesystem::remove(other);
}

TEST_F(a_simulation, says_that_there_is_no_ledger) {
  EXPECT_NE(raw("/ledger", "", "", "GET").find("--ledger FILE"), std::string::npos);
}

TEST_F(a_simulation, refuses_a_header_that_it_does_not_understand) {
  for (auto header : {"X-Simulate-Fault: rate_limitted", "X-Simulate-Latency: soon",
                      "X-Simulate-Colour: red", "X-Simulate-Cached-Tokens: 2"}) {
    auto error = chat(question(), std::string{header} + "\r\n")["error"]["message"];
    EXPECT_NE(error.get<std::string>().find("X-Simulate-"), std::string::npos) << error;
  }
}

} // namespace
} // namespace troupe
