#pragma once

#include "actors/reading/reading_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/envelope.hpp"
#include "messages/reading.pb.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::tests {

/// service::reading and its blobs, in one thread and without waiting.
class library {
public:
  /// Stores bytes under that hash.
  void keep(const std::string& hash, std::string bytes) { bytes_[hash] = std::move(bytes); }
  void lose(const std::string& hash, failure why) { lost_[hash] = std::move(why); }

  /// The answer, or the failure if there is none.
  std::pair<ReadingAnswer, failure> answer(ReadingRequest asked) {
    auto message = make_envelope(message_kind::request, address::of(service::reading), asked);
    message.id = {{1}, ++sequence_};
    std::vector<event> due;
    due.emplace_back(std::move(message));
    for (std::size_t next = 0; next < due.size(); ++next) {
      outputs out;
      step_context context{instant{std::chrono::hours{1}}, random_, out};
      if (!std::exchange(started_, true))
        logic_.start(context, address::of(service::reading));
      logic_.step(context, std::move(due[next]));
      for (auto& sent : out.sends) {
        if (sent.body.kind() == payload_kind::BlobGet) {
          due.emplace_back(fetched(sent));
          continue;
        }
        auto why = failure_in(sent);
        auto made = sent.body.as<ReadingAnswer>();
        return {made ? std::move(*made) : ReadingAnswer{}, why.value_or(failure{})};
      }
    }
    return {{}, {ec::agent_failed, "the service did not answer"}};
  }

  std::size_t fetches() const { return fetches_; }

private:
  struct counting final : random_source {
    std::uint64_t drawn = 0;
    std::uint64_t next() override { return ++drawn; }
  };

  envelope fetched(envelope& get) {
    ++fetches_;
    const auto& hash = get.body.as<BlobGet>()->blob().sha256();
    if (auto lost = lost_.find(hash); lost != lost_.end())
      return reply_failure(get, lost->second);
    BlobData data;
    data.set_bytes(bytes_[hash]);
    return reply_to(get, std::move(data));
  }

  std::map<std::string, std::string> bytes_;
  std::map<std::string, failure> lost_;
  std::size_t fetches_ = 0;
  std::uint64_t sequence_ = 0;
  counting random_;
  bool started_ = false;
  reading_logic logic_{{}};
};

} // namespace troupe::tests
