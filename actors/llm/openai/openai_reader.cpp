#include "actors/llm/openai/openai_reader.hpp"

#include "actors/llm/json_fields.hpp"
#include "config/limits/dialects.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr std::array finish_words{
    finish_word{"stop", FINISH_STOP},
    finish_word{"length", FINISH_LENGTH},
    finish_word{"tool_calls", FINISH_TOOL_CALLS},
    finish_word{"function_call", FINISH_TOOL_CALLS},
    finish_word{"content_filter", FINISH_REFUSED},
};

/// What is read here; all else of a document is passed on.
constexpr std::array known_fields{"id", "object", "created", "model", "choices", "usage", "error"};

Finish meaning_of(const AnswerChoice& said) {
  if (!said.refusal().empty())
    return FINISH_REFUSED;
  for (const auto& each : finish_words)
    if (each.word == said.finish_reason())
      return each.means;
  return FINISH_OTHER;
}

/// Appends the elements of a list, as JSON, to those that came before.
void append_elements(std::string& to, const json_value* list) {
  if (list)
    for (const auto& element : *list)
      to += (to.empty() ? "" : ",") + write_json(element).value_or("null");
}

std::string logprobs_of(const std::string& tokens, const std::string& refusal) {
  if (tokens.empty() && refusal.empty())
    return {};
  return "{\"content\":[" + tokens + "],\"refusal\":[" + refusal + "]}";
}

} // namespace

void openai_reader::complain(std::string what) {
  if (wrong_.empty())
    wrong_ = std::move(what);
}

bool openai_reader::is_finished() const {
  return !drafts_.empty() && std::all_of(drafts_.begin(), drafts_.end(), [](const auto& each) {
    return each.is_finished;
  });
}

result<bool> openai_reader::read_event(const sse_event& of, std::vector<Piece>& pieces) {
  if (of.data == "[DONE]") {
    if (!is_finished())
      return malformed("its end came before a finish_reason", of.data);
    return true;
  }
  if (of.data.empty())
    return false;
  auto body = read_object(of.data);
  if (!body)
    return unexpected{std::move(body).error()};
  read(*body, "delta", pieces);
  if (!wrong_.empty())
    return malformed(wrong_, of.data);
  return false;
}

result<void> openai_reader::read_document(const json_value& body, std::vector<Piece>& pieces) {
  read(body, "message", pieces);
  if (wrong_.empty() && !is_finished())
    complain("it has no `choices` with a `finish_reason`");
  if (!wrong_.empty())
    return malformed(wrong_, write_json(body).value_or(""));
  return {};
}

void openai_reader::read(const json_value& body, const char* delta, std::vector<Piece>& pieces) {
  json_fields fields{body, wrong_};
  if (auto id = fields.text("id"); !id.empty())
    answer_.set_id(std::string{id});
  if (auto model = fields.text("model"); !model.empty())
    answer_.set_model(std::string{model});
  if (auto tier = fields.any("service_tier"); tier && tier->is_string())
    answer_.set_service_tier(tier->get_ref<const std::string&>());
  if (auto choices = fields.list("choices"))
    for (const auto& choice : *choices)
      read_choice(choice, delta, pieces);
  if (auto usage = fields.object("usage"))
    read_usage(*usage);
  keep_further(body);
}

void openai_reader::read_choice(const json_value& choice, const char* delta,
                                std::vector<Piece>& pieces) {
  if (!choice.is_object())
    return complain("an element of `choices` is no object");
  json_fields fields{choice, wrong_};
  auto index = fields.count("index");
  if (index >= limits::answer_choices_max)
    return complain("`index` of a choice is too large");
  if (index >= drafts_.size())
    drafts_.resize(index + 1);
  auto number = static_cast<std::uint32_t>(index);
  if (auto said = fields.object(delta))
    read_texts(*said, number, pieces);
  auto& answer = drafts_[index];
  if (auto tokens = fields.object("logprobs")) {
    json_fields lists{*tokens, wrong_};
    append_elements(answer.tokens, lists.list("content"));
    append_elements(answer.refusal_tokens, lists.list("refusal"));
  }
  if (auto reason = fields.text("finish_reason"); !reason.empty()) {
    answer.said.set_finish_reason(std::string{reason});
    answer.is_finished = true;
  }
}

void openai_reader::read_texts(const json_value& delta, std::uint32_t choice,
                               std::vector<Piece>& pieces) {
  json_fields fields{delta, wrong_};
  auto& answer = drafts_[choice];
  auto thinking = fields.text("reasoning_content");
  if (thinking.empty()) // vLLM's newer word; elsewhere it may be something else than text
    if (auto other = fields.any("reasoning"); other && other->is_string())
      thinking = other->get_ref<const std::string&>();
  auto add = [&](std::string_view text, auto append, auto set) {
    if (text.empty())
      return;
    append(text);
    Piece piece;
    piece.set_choice(choice);
    set(piece, std::string{text});
    pass_on(pieces, std::move(piece));
  };
  add(
      thinking, [&](auto text) { answer.thinking += text; },
      [](Piece& piece, std::string text) { piece.set_thinking(std::move(text)); });
  add(
      fields.text("content"), [&](auto text) { answer.said.mutable_text()->append(text); },
      [](Piece& piece, std::string text) { piece.set_text(std::move(text)); });
  add(
      fields.text("refusal"), [&](auto text) { answer.said.mutable_refusal()->append(text); },
      [](Piece& piece, std::string text) { piece.set_refusal(std::move(text)); });
  if (auto calls = fields.list("tool_calls"))
    read_calls(*calls, choice, pieces);
}

void openai_reader::read_calls(const json_value& list, std::uint32_t choice,
                               std::vector<Piece>& pieces) {
  for (const auto& call : list) {
    if (!call.is_object())
      return complain("an element of `tool_calls` is no object");
    read_call(call, choice, pieces);
  }
}

/// A part of a call, or all of it. Some servers count no calls, or call all of them the first: then
/// a new id begins a new call.
void openai_reader::read_call(const json_value& call, std::uint32_t choice,
                              std::vector<Piece>& pieces) {
  json_fields fields{call, wrong_};
  auto& calls = drafts_[choice].calls;
  auto id = fields.text("id");
  auto last = calls.empty() ? 0 : calls.size() - 1;
  auto index = fields.any("index") ? fields.count("index") : last;
  if (index < calls.size() && !id.empty() && !calls[index].id().empty() && calls[index].id() != id)
    index = calls.size();
  if (index >= limits::answer_parts_max)
    return complain("`index` of a tool call is too large");
  if (index >= calls.size())
    calls.resize(index + 1);
  auto& whole = calls[index];
  ToolCallPiece part;
  part.set_index(static_cast<std::uint32_t>(index));
  if (whole.id().empty() && !id.empty()) {
    whole.set_id(std::string{id});
    part.set_id(whole.id());
  }
  if (auto function = fields.object("function")) {
    json_fields of{*function, wrong_};
    if (auto name = of.text("name"); whole.name().empty() && !name.empty()) {
      whole.set_name(std::string{name});
      part.set_name(whole.name());
    }
    auto arguments = of.any("arguments");
    if (arguments && arguments->is_object()) // as some servers write them
      part.set_arguments(write_json(*arguments).value_or(""));
    else
      part.set_arguments(std::string{of.text("arguments")});
    whole.mutable_arguments()->append(part.arguments());
  }
  Piece piece;
  piece.set_choice(choice);
  *piece.mutable_tool_call() = std::move(part);
  pass_on(pieces, std::move(piece));
}

void openai_reader::read_usage(const json_value& usage) {
  json_fields fields{usage, wrong_};
  answer_.set_input_tokens(fields.count("prompt_tokens"));
  answer_.set_output_tokens(fields.count("completion_tokens"));
  answer_.set_cached_tokens(fields.count("prompt_cache_hit_tokens")); // DeepSeek's
  if (auto details = fields.object("prompt_tokens_details"))
    answer_.set_cached_tokens(json_fields{*details, wrong_}.count("cached_tokens"));
  if (auto details = fields.object("completion_tokens_details"))
    answer_.set_reasoning_tokens(json_fields{*details, wrong_}.count("reasoning_tokens"));
}

void openai_reader::keep_further(const json_value& body) {
  for (const auto& [name, value] : body.items()) {
    if (value.is_null()
        || std::find(known_fields.begin(), known_fields.end(), name) != known_fields.end())
      continue;
    auto known = std::find_if(further_.begin(), further_.end(),
                              [&named = name](const auto& each) { return each.first == named; });
    if (known == further_.end() && further_.size() < limits::answer_fields_max)
      known = further_.emplace(known, name, std::string{});
    if (known != further_.end())
      known->second = write_json(value).value_or("null");
  }
}

result<ModelAnswer> openai_reader::take_answer() {
  for (auto& each : drafts_) {
    auto& said = each.said;
    said.set_finish(meaning_of(said));
    said.set_logprobs(logprobs_of(each.tokens, each.refusal_tokens));
    bool is_text_alone = each.thinking.empty() && each.calls.empty() && said.refusal().empty();
    if (is_text_alone)
      continue;
    if (!each.thinking.empty())
      said.add_parts()->mutable_thinking()->set_text(std::move(each.thinking));
    if (!said.text().empty())
      said.add_parts()->set_text(said.text());
    if (!said.refusal().empty())
      said.add_parts()->set_refusal(said.refusal());
    for (auto& call : each.calls)
      *said.add_parts()->mutable_tool_call() = std::move(call);
  }
  auto& first = drafts_.front().said;
  answer_.set_text(std::move(*first.mutable_text()));
  answer_.mutable_parts()->Swap(first.mutable_parts());
  answer_.set_refusal(std::move(*first.mutable_refusal()));
  answer_.set_finish_reason(std::move(*first.mutable_finish_reason()));
  answer_.set_finish(first.finish());
  answer_.set_logprobs(std::move(*first.mutable_logprobs()));
  for (std::size_t i = 1; i < drafts_.size(); ++i)
    *answer_.add_further() = std::move(drafts_[i].said);
  std::string further;
  for (const auto& [name, value] : further_)
    further += (further.empty() ? "" : ",") + json_value(name).dump() + ":" + value;
  if (!further.empty())
    answer_.set_passed_on("{" + further + "}");
  return std::move(answer_);
}

} // namespace troupe
