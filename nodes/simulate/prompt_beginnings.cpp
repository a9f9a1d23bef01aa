#include "config/limits/simulate.hpp"
#include "nodes/simulate/json_view.hpp"

#include <xxhash.h>

#include <algorithm>
#include <memory>

/// Which beginnings of a request a provider may keep: both APIs read tools first, then messages.
namespace troupe {

namespace {

constexpr std::string_view cache_mark = "cache_control";

/// Hashes what is read, and counts its tokens as the readers of requests do.
class beginnings_hasher {
public:
  explicit beginnings_hasher(provider_request& into) : into_(into) {
    XXH3_64bits_reset(state_.get());
    auto api = to_string(into.api);
    update(api);
    update(into.model);
  }

  /// What stands around texts, such as the head of a message.
  void frame(std::string_view what, std::uint64_t tokens) {
    update(what);
    update("\x1f");
    tokens_ += tokens;
  }

  /// Keeps what ends within the text, each `simulate_cache_tokens_step`.
  void text_in_steps(std::string_view text) {
    for (;;) {
      auto next = std::max(limits::simulate_cache_tokens_min,
                           tokens_ + limits::simulate_cache_tokens_step
                               - tokens_ % limits::simulate_cache_tokens_step);
      auto bytes = (next - tokens_) * bytes_a_token;
      if (bytes > text.size())
        break;
      update(text.substr(0, bytes));
      text.remove_prefix(bytes);
      tokens_ = next;
      end_here(false);
    }
    text_whole(text);
  }

  void text_whole(std::string_view text) {
    update(text);
    tokens_ += tokens_of(text);
  }

  void end_here(bool is_marked) {
    into_.beginnings.push_back({tokens_, XXH3_64bits_digest(state_.get()), is_marked});
  }

private:
  static constexpr std::uint64_t bytes_a_token = 4;

  struct free_state {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  void update(std::string_view bytes) {
    XXH3_64bits_update(state_.get(), bytes.data(), bytes.size());
  }

  provider_request& into_;
  std::unique_ptr<XXH3_state_t, free_state> state_{XXH3_createState()};
  std::uint64_t tokens_ = 0;
};

constexpr std::uint64_t tokens_of_head = 4; // of a message

/// What a block or tool says, without the mark, which is no part of what is kept.
std::string said_by(const json_element& block) {
  std::string said;
  if (block.is_object())
    for (auto field : json_object(block))
      if (field.key != cache_mark)
        said.append(field.key).append(simdjson::minify(field.value));
  return said;
}

void add_block(beginnings_hasher& to, const json_element& block) {
  if (text_at(block, "type") == "text") {
    to.frame("text", 0);
    to.text_whole(text_at(block, "text"));
  } else {
    to.text_whole(said_by(block));
  }
  to.end_here(field_of(block, cache_mark).has_value());
}

void add_blocks(beginnings_hasher& to, const json_element& content) {
  if (content.is_array()) {
    for (auto block : json_array(content))
      add_block(to, block);
    return;
  }
  to.frame("text", 0);
  to.text_whole(text_of(content));
  to.end_here(false);
}

} // namespace

void find_openai_beginnings(const json_object& body, provider_request& into) {
  beginnings_hasher to{into};
  json_element found;
  if (body["tools"].get(found) == simdjson::SUCCESS && found.is_array())
    for (auto tool : json_array(found))
      if (auto function = field_of(tool, "function"))
        to.text_in_steps(simdjson::minify(*function));
  if (body["messages"].get(found) != simdjson::SUCCESS || !found.is_array())
    return;
  for (auto message : json_array(found)) {
    to.frame(text_at(message, "role"), tokens_of_head);
    auto content = field_of(message, "content");
    if (content && content->is_array()) {
      for (auto part : json_array(*content)) {
        auto said = text_at(part, "text");
        to.text_in_steps(said.empty() ? simdjson::minify(part) : std::string{said});
      }
    } else if (content) {
      to.text_in_steps(text_of(*content));
    }
    if (auto calls = field_of(message, "tool_calls"))
      to.text_in_steps(simdjson::minify(*calls));
  }
}

void find_anthropic_beginnings(const json_object& body, provider_request& into) {
  beginnings_hasher to{into};
  json_element found;
  if (body["tools"].get(found) == simdjson::SUCCESS && found.is_array())
    for (auto tool : json_array(found)) {
      to.text_whole(said_by(tool));
      to.end_here(field_of(tool, cache_mark).has_value());
    }
  if (body["system"].get(found) == simdjson::SUCCESS) {
    to.frame("system", 0);
    add_blocks(to, found);
  }
  if (body["messages"].get(found) == simdjson::SUCCESS && found.is_array())
    for (auto message : json_array(found)) {
      to.frame(text_at(message, "role"), tokens_of_head);
      if (auto content = field_of(message, "content"))
        add_blocks(to, *content);
    }
  auto& all = into.beginnings;
  if (std::none_of(all.begin(), all.end(), [](const auto& one) { return one.is_marked; }))
    all.clear();
  for (auto& one : all) // tools were counted as they are written, which may be more or less
    one.tokens = std::min(one.tokens, into.input_tokens);
}

} // namespace troupe
