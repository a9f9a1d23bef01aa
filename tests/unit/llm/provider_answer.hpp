#pragma once

#include "actors/llm/dialect.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::tests {

inline constexpr const char* some_key = "Plain/Marker\"Key";

/// What knows the one key of `acme`.
struct one_key_hider : key_hider {
  std::string without_keys(std::string_view provider, std::string text) const override {
    return provider == "acme" ? without_key(std::move(text), some_key) : std::move(text);
  }
};
inline const one_key_hider some_hider;

inline const model_target some_target{
    .model = "m1", .provider = "acme", .base_url = "https://acme.test/v1", .hider = &some_hider};

/// What came out of an answer.
struct told {
  std::vector<Piece> pieces;
  result<ModelAnswer> answer = fail(ec::none, "not read");

  /// The texts of all pieces.
  std::string text() const {
    std::string joined;
    for (const auto& piece : pieces)
      joined += piece.text();
    return joined;
  }
  /// The failure's words; empty if there is an answer.
  std::string why() const { return answer ? "" : answer.error().message; }
  ec code() const { return answer ? ec::none : answer.error().code; }
};

inline http_response_head stream_head() { return {200, "text/event-stream; charset=utf-8", {}}; }
inline http_response_head json_head(unsigned status = 200) {
  return {status, "application/json", {}};
}

/// Feeds `parts`, as a transfer does that ends in order.
inline told read_parts(const dialect& api, const http_response_head& head,
                       const std::vector<std::string>& parts, bool stream = true,
                       const model_target& of = some_target) {
  ModelRequest what;
  what.set_stream(stream);
  auto reader = api.reader(what, of);
  reader->head(head);
  told made;
  for (const auto& part : parts)
    if (auto fed = reader->feed(part, made.pieces); !fed) {
      made.answer = unexpected{std::move(fed).error()};
      return made;
    }
  made.answer = reader->finish(made.pieces);
  return made;
}

inline told read_answer(const dialect& api, const http_response_head& head, std::string body,
                        bool stream = true) {
  return read_parts(api, head, {std::move(body)}, stream);
}

/// The same, a byte at a time.
inline told read_by_byte(const dialect& api, const http_response_head& head,
                         std::string_view body) {
  std::vector<std::string> bytes;
  for (auto byte : body)
    bytes.emplace_back(1, byte);
  return read_parts(api, head, bytes);
}

inline ModelRequest question(const std::string& text) {
  ModelRequest made;
  auto& message = *made.add_messages();
  message.set_role("user");
  message.set_content(text);
  return made;
}

inline MessagePart& add_message(ModelRequest& to, const std::string& role) {
  auto& message = *to.add_messages();
  message.set_role(role);
  return *message.add_parts();
}

} // namespace troupe::tests
