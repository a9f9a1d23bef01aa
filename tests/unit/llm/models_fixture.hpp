#pragma once

#include "actors/llm/models_logic.hpp"
#include "messages/agents.pb.h"
#include "messages/http.pb.h"
#include "tests/unit/llm/counting_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

/// service::models with a provider of the API below, in simulated time, without a network.
namespace troupe {

using namespace std::chrono_literals;

/// An API whose answer is its body, whole if it ends with a full stop. Every chunk is a piece.
class plain_reader : public answer_reader {
public:
  void head(const http_response_head& of) override { status_ = of.status; }
  result<void> feed(std::string_view bytes, std::vector<Piece>& pieces) override {
    if (bytes.starts_with("malformed"))
      return fail(ec::provider_failed, "malformed bytes");
    text_ += bytes;
    pieces.emplace_back().set_text(std::string(bytes));
    return {};
  }
  bool is_whole() const override { return text_.ends_with('.'); }
  result<ModelAnswer> finish(std::vector<Piece>&) override {
    if (status_ != 200)
      return fail(ec::provider_failed, "status " + std::to_string(status_));
    if (!is_whole())
      return fail(ec::provider_failed, "half an answer");
    ModelAnswer answer;
    answer.set_text(text_);
    answer.set_output_tokens(text_.size());
    return answer;
  }
  failure broken_off(const failure& why) const override {
    return {why.code, "after " + std::to_string(text_.size()) + " bytes: " + why.message};
  }

private:
  unsigned status_ = 0;
  std::string text_;
};

class plain_dialect : public dialect {
public:
  result<http_request> ask(const ModelRequest& what, const model_target& of) const override {
    auto text = what.messages_size() > 0 ? what.messages(0).content() : "";
    if (text == "an image")
      return fail(ec::invalid_argument, "it takes no images");
    return http_request{"POST", "/plain", {"model: " + std::string(of.model)}, text};
  }
  std::unique_ptr<answer_reader> reader(const ModelRequest&, const model_target&) const override {
    return std::make_unique<plain_reader>();
  }
  /// The vectors are the lengths of the texts; the model `blind` has none.
  result<http_request> embed(const EmbeddingRequest& what, const model_target& of) const override {
    if (of.model == "blind")
      return fail(ec::invalid_argument, "it has no embeddings");
    return http_request{"POST", "/vectors", {}, what.inputs(0)};
  }
  result<EmbeddingAnswer> read_embeddings(const EmbeddingRequest& what, const model_target&,
                                          const http_response_head& head,
                                          std::string_view body) const override {
    if (head.status != 200 || body != "vectors")
      return fail(ec::provider_failed, "no vectors: " + std::string{body});
    EmbeddingAnswer made;
    for (const auto& input : what.inputs())
      made.add_embeddings()->add_values(static_cast<float>(input.size()));
    made.set_input_tokens(1'000);
    return made;
  }
  std::string key_header(std::string_view key) const override { return "key: " + std::string(key); }
};

struct recording_port : http_port {
  void start(outgoing wanted) override { started.push_back(std::move(wanted)); }
  void cancel(std::uint64_t id) override { cancelled.push_back(id); }
  void taken(std::uint64_t id) override { took.push_back(id); }
  std::vector<refused_key> refused_keys(const std::string&) override { return refused; }
  std::optional<limit_headers> take_limits(const std::string&) override {
    return std::exchange(limits_told, std::nullopt);
  }
  bool has_rested_key(const std::string&) override { return rested_key; }
  std::string without_keys(std::string_view provider, std::string text) const override {
    return provider == "api" ? without_key(std::move(text), key) : std::move(text);
  }

  std::vector<std::string> bodies() const {
    std::vector<std::string> all;
    for (const auto& one : started)
      all.push_back(one.body);
    return all;
  }

  std::vector<outgoing> started;
  std::vector<std::uint64_t> cancelled, took;
  std::vector<refused_key> refused;
  std::optional<limit_headers> limits_told; ///< by the next answer
  bool rested_key = false;
  std::string key;
};

class models_of_a_node : public ::testing::Test {
protected:
  void make(std::uint32_t calls_max = 10, std::size_t waiting_max = 10) {
    models_logic::options options;
    auto& one = options.catalog.providers.emplace_back();
    one.name = "api";
    one.base_url = "http://api";
    one.calls_max = calls_max;
    options.catalog.aliases = {{"small", "api/tiny"}};
    options.http = &port;
    options.speak = [](auto) { return std::make_unique<plain_dialect>(); };
    options.waiting_max = waiting_max;
    prepare(options);
    logic_ = std::make_unique<models_logic>(std::move(options), counted_);
    run([&](step_context& context) { logic_->start(context, address::of(service::models)); });
  }

  /// What a test wants to be otherwise.
  virtual void prepare(models_logic::options&) {}

  /// The request `number`, of an agent of that role.
  envelope call_of(const std::string& text, std::uint64_t number,
                   const std::string& role = "reader",
                   const std::string& model = "api/tiny") const {
    ModelRequest asked;
    asked.set_model(model);
    asked.set_stream(true);
    auto* message = asked.add_messages();
    message->set_role("user");
    message->set_content(text);
    auto made =
        make_envelope(message_kind::request, address::of(service::models), std::move(asked));
    made.id = {{7}, number};
    made.sender = address::of_agent(name(role + "/1"));
    made.trace = {{1, 2}, {3}, 1};
    return made;
  }
  envelope cancel_of(const envelope& request) const {
    envelope made;
    made.kind = message_kind::cancel;
    made.target = address::of(service::models);
    made.id = request.id;
    made.sender = request.sender;
    return made;
  }
  static envelope event_of(HttpEvent happened) {
    return make_envelope(message_kind::event, address::of(service::models), std::move(happened));
  }
  static HttpEvent came(std::uint64_t call, const std::string& body, bool ended = false,
                        std::uint32_t status = 200) {
    HttpEvent happened;
    happened.set_call(call);
    happened.set_status(status);
    happened.set_body(body);
    happened.set_ended(ended);
    return happened;
  }

  outputs take(event input) {
    auto out = run([&](step_context& context) { logic_->step(context, std::move(input)); });
    EXPECT_TRUE(logic_->invariants());
    return out;
  }
  template <class Do>
  outputs run(Do todo) {
    outputs out;
    step_context context{now_, random_, out};
    todo(context);
    return out;
  }

  static std::vector<std::string> texts_of_pieces(outputs& out) {
    std::vector<std::string> all;
    for (auto& sent : out.sends)
      if (auto* piece = sent.kind == message_kind::piece ? sent.body.as<Piece>() : nullptr)
        all.push_back(std::to_string(piece->index()) + " " + piece->text());
    return all;
  }
  static SpanData span_told(outputs& out) {
    for (auto& sent : out.sends)
      if (auto* told = sent.kind == message_kind::piece ? sent.body.as<CallSpan>() : nullptr)
        return told->span();
    ADD_FAILURE() << "no span was told";
    return {};
  }
  static std::string answer_in(outputs&& out) { return answer_in(out); }
  static std::string answer_in(outputs& out) {
    for (auto& sent : out.sends) {
      if (sent.kind != message_kind::reply)
        continue;
      if (auto why = failure_in(sent))
        return std::string(to_string(why->code)) + ": " + why->message;
      if (auto* answer = sent.body.as<ModelAnswer>())
        return answer->provider() + "/" + answer->model() + ": " + answer->text();
    }
    return "none";
  }

  metrics counted_;
  counting_source random_;
  instant now_{1'000s};
  recording_port port;
  std::unique_ptr<models_logic> logic_;
};

} // namespace troupe
