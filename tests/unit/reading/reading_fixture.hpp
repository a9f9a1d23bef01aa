#pragma once

#include "actors/reading/reading_logic.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"
#include "tests/unit/agents/stage.hpp"

#include <gtest/gtest.h>

namespace troupe::tests {

using namespace std::chrono_literals;

inline constexpr std::size_t long_text = limits::reading_at_once_bytes_max + 1'000;

inline BlobRef blob(std::string hash, std::uint64_t bytes) {
  BlobRef made;
  made.set_sha256(hash);
  made.set_name("doc " + hash);
  made.set_size_bytes(bytes);
  return made;
}

inline ReadingRequest read_of(const std::string& hash, std::uint64_t bytes = long_text) {
  ReadingRequest made;
  *made.mutable_read()->mutable_document() = blob(hash, bytes);
  made.mutable_read()->set_question("what?");
  return made;
}

inline ReadingRequest gather_of(const std::vector<std::string>& hashes, std::uint64_t bytes) {
  ReadingRequest made;
  made.mutable_gather()->set_question("what?");
  for (const auto& hash : hashes)
    *made.mutable_gather()->add_documents() = blob(hash, bytes);
  return made;
}

inline std::string text_of_size(std::size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += "Some words of a document about nothing.\n\n";
  return text;
}

/// Jobs run when the test says so.
struct reading_logic_test : ::testing::Test {
  stage on;
  std::vector<std::function<void()>> jobs;
  std::vector<ReadingDone> told;
  std::unique_ptr<reading_logic> subject;
  std::uint64_t sequence = 0;

  reading_logic_test() { make({}); }

  void make(reading_logic::options options) {
    options.run = [this](auto job) { jobs.push_back(std::move(job)); };
    options.tell = [this](ReadingDone done) { told.push_back(std::move(done)); };
    subject = std::make_unique<reading_logic>(std::move(options));
    on.start(*subject, address::of(service::reading, this_node));
  }

  outputs& ask(ReadingRequest what, std::chrono::milliseconds time = 10s,
               trace_context trace = {}) {
    auto message =
        make_envelope(message_kind::request, address::of(service::reading), std::move(what));
    message.id = {ada, ++sequence};
    message.trace = trace;
    message.sender = client();
    message.remaining = time;
    return on.step(*subject, std::move(message));
  }
  /// The requests for blobs among the sent messages.
  std::vector<envelope> gets() {
    std::vector<envelope> found;
    for (auto& sent : on.out.sends)
      if (sent.body.kind() == payload_kind::BlobGet)
        found.push_back(std::move(sent));
    return found;
  }
  outputs& give(const envelope& get, std::string bytes) {
    BlobData data;
    data.set_bytes(std::move(bytes));
    return on.step(*subject, reply_to(get, std::move(data)));
  }
  /// Does the waiting jobs and reports each to the logic.
  outputs& work() {
    for (auto& job : std::exchange(jobs, {}))
      job();
    outputs all;
    for (auto& done : std::exchange(told, {})) {
      on.step(*subject, make_envelope(message_kind::event, address::of(service::reading), done));
      for (auto& sent : on.out.sends)
        all.sends.push_back(std::move(sent));
    }
    on.out = std::move(all);
    return on.out;
  }
  /// What the last step said about the time of a request.
  std::optional<ReadingTimes> the_times() {
    bool answered = false;
    for (auto& sent : on.out.sends) {
      answered = answered || sent.kind == message_kind::reply;
      if (auto times = sent.body.as<ReadingTimes>()) {
        EXPECT_EQ(sent.kind, message_kind::piece);
        EXPECT_FALSE(answered) << "it comes before the answer";
        return *times;
      }
    }
    return std::nullopt;
  }
  envelope the_reply() {
    for (auto& sent : on.out.sends)
      if (sent.kind == message_kind::reply)
        return std::move(sent);
    ADD_FAILURE() << "no reply among " << on.out.sends.size();
    return {};
  }
};

} // namespace troupe::tests
