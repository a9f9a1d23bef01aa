#pragma once

#include "nodes/simulate/simulated_provider.hpp"
#include "tests/unit/http/caller.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace troupe::http_testing {

using json = nlohmann::json;

/// A simulated provider, asked by a plain socket.
class a_simulation : public ::testing::Test {
protected:
  a_simulation() { start({}); }

  void start(simulation_options options) {
    provider_.reset();
    auto opened = simulated_provider::open(std::move(options), log_);
    ASSERT_TRUE(opened) << opened.error().message;
    provider_ = std::move(*opened);
  }

  /// The whole answer as bytes; until the connection ends.
  std::string raw(const std::string& path, const std::string& body, const std::string& headers = {},
                  const std::string& method = "POST") {
    caller peer{provider_->address()};
    peer.say(request(path, body, headers, method));
    auto heard = peer.hear_all();
    error_ = peer.last_error();
    return heard;
  }
  static std::string request(const std::string& path, const std::string& body,
                             const std::string& headers = {}, const std::string& method = "POST") {
    auto length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return method + " " + path
           + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n"
             "Authorization: Bearer sk-test\r\nanthropic-version: 2023-06-01\r\n"
           + length + headers + "\r\n" + body;
  }

  static std::string body_of(const std::string& heard) {
    auto at = heard.find("\r\n\r\n");
    auto body = at == heard.npos ? std::string{} : heard.substr(at + 4);
    if (heard.substr(0, at).find("chunked") == heard.npos)
      return body;
    std::string whole;
    for (std::size_t from = 0; from < body.size();) {
      auto line = body.find("\r\n", from);
      if (line == body.npos)
        break;
      auto size = std::stoul(body.substr(from, line - from), nullptr, 16);
      whole += body.substr(line + 2, size);
      from = line + 2 + size + 2;
    }
    return whole;
  }

  json ask(const std::string& path, const json& body, const std::string& headers = {}) {
    auto text = body_of(raw(path, body.dump(), headers));
    auto parsed = json::parse(text, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << text;
    return parsed;
  }
  json chat(const json& body, const std::string& headers = {}) {
    return ask("/v1/chat/completions", body, headers);
  }
  static std::string text_of(const json& completion) {
    return completion["choices"][0]["message"]["content"];
  }

  /// The data of a stream's events.
  std::vector<json> events(const std::string& path, const json& body,
                           const std::string& headers = {}) {
    std::vector<json> found;
    auto text = body_of(raw(path, body.dump(), headers));
    for (auto at = text.find("data: "); at != text.npos; at = text.find("data: ", at + 1)) {
      if (at > 0 && text[at - 1] != '\n')
        continue; // within a text
      auto data = text.substr(at + 6, text.find('\n', at) - at - 6);
      if (data != "[DONE]")
        found.push_back(json::parse(data, nullptr, false));
    }
    done_ = text.ends_with("data: [DONE]\n\n") || text.find("event: message_stop") != text.npos;
    return found;
  }

  static json question(const std::string& text = "Where is the stapler?") {
    return {{"model", "gpt-4o"}, {"messages", {{{"role", "user"}, {"content", text}}}}};
  }
  static json message(const std::string& text = "Where is the stapler?") {
    return {{"model", "claude"},
            {"max_tokens", 100},
            {"messages", {{{"role", "user"}, {"content", text}}}}};
  }

  listening_sink log_;
  std::unique_ptr<simulated_provider> provider_;
  int error_ = 0;
  bool done_ = false;
};

} // namespace troupe::http_testing
