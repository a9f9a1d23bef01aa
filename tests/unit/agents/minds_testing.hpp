#pragma once

#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "actors/agents/values.hpp"
#include "messages/values.pb.h"

#include "tests/support/reading.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace troupe::tests {

/// The mind of a built-in role.
inline std::unique_ptr<mind> mind_of_role(std::string_view role_name) {
  auto roles = load_roles({});
  if (!roles) {
    ADD_FAILURE() << to_string(roles.error());
    return nullptr;
  }
  return roles->find(role_name)->second->make();
}

/// A mind whose work on documents is done at once, by `documents`. Its requests for that no longer
/// appear among its commands.
class reading_mind final : public mind {
public:
  explicit reading_mind(std::string_view role_name) : inner_(mind_of_role(role_name)) {}

  library documents;

  commands decide(mind_event happened) override {
    commands left;
    for (auto& todo : inner_->decide(std::move(happened))) {
      auto asked = std::get_if<ask_reading>(&todo);
      if (!asked) {
        left.push_back(std::move(todo));
        continue;
      }
      auto [answer, why] = documents.answer(std::move(asked->call));
      for (auto& more : decide(reading_answered{asked->request, std::move(answer), why}))
        left.push_back(std::move(more));
    }
    return left;
  }
  std::string snapshot() const override { return inner_->snapshot(); }
  std::vector<std::string> blobs_named() const override { return inner_->blobs_named(); }
  bool restore(std::string_view bytes) override { return inner_->restore(bytes); }

private:
  std::unique_ptr<mind> inner_;
};

inline message_received said(std::string text, std::vector<BlobRef> documents = {}) {
  message_received message;
  message.text = std::move(text);
  message.documents = std::move(documents);
  return message;
}

inline message_received task_with(ValueMap input) {
  message_received message;
  message.input = std::move(input);
  message.is_task = true;
  return message;
}

inline BlobRef blob_named(std::string called, std::string hash = "h", std::uint64_t size = 10) {
  BlobRef blob;
  blob.set_name(std::move(called));
  blob.set_sha256(std::move(hash));
  blob.set_size_bytes(size);
  return blob;
}

inline Value value_of_blob(BlobRef blob) {
  Value value;
  *value.mutable_blob() = std::move(blob);
  return value;
}

inline model_answered answer_of(std::uint32_t request, std::string text) {
  model_answered answer;
  answer.request = request;
  answer.answer.set_text(std::move(text));
  answer.answer.set_provider("offline");
  answer.answer.set_model("extractive");
  return answer;
}

inline model_answered no_model(std::uint32_t request, ec code) {
  return {request, {}, {code, "no model"}};
}

/// The only command of that kind in `all`; fails the test if there is none.
template <class Command>
Command the(const commands& all) {
  for (const auto& one : all)
    if (auto found = std::get_if<Command>(&one))
      return *found;
  ADD_FAILURE() << "no such command among " << all.size();
  return {};
}

inline std::string text_of(const commands& all) { return the<reply_with>(all).reply.text(); }
inline ec failure_of(const commands& all) { return the<reply_failed>(all).why.code; }
inline std::string user_message(const ask_model& ask) {
  return ask.call.messages(ask.call.messages_size() - 1).content();
}

} // namespace troupe::tests
