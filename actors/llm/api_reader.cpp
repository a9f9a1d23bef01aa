#include "actors/llm/api_reader.hpp"

#include "actors/llm/api_error.hpp"
#include "config/base/count_of.hpp"
#include "telemetry/text_escape.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace troupe {

namespace {

bool is_stream_of_events(std::string_view content_type) {
  return content_type.starts_with("text/event-stream");
}

} // namespace

api_reader::api_reader(const ModelRequest& what, const model_target& of)
    : model_(of.model), provider_(of.provider), hider_(of.hider), wants_pieces_(what.stream()) {}

model_target api_reader::target() const {
  return {.model = model_, .provider = provider_, .base_url = {}, .hider = hider_};
}

void api_reader::head(const http_response_head& of) {
  status_ = of.status;
  content_type_ = of.content_type.substr(0, limits::quoted_bytes_max);
  retry_after_ = of.retry_after.substr(0, limits::quoted_bytes_max);
  form_ = !is_good(status_)                    ? form::error
          : is_stream_of_events(content_type_) ? form::events
                                               : form::document;
}

result<void> api_reader::feed(std::string_view bytes, std::vector<Piece>& pieces) {
  received_bytes_ += bytes.size();
  switch (form_) {
    case form::unknown:
      return malformed("bytes before the head", bytes);
    case form::whole: // nothing behind it counts
      return {};
    case form::error:
      body_.append(bytes.substr(0, limits::error_body_bytes_max - body_.size()));
      return {};
    case form::events:
    case form::document:
      break;
  }
  if (received_bytes_ > limits::model_answer_bytes_max) {
    body_ = {};
    return fail_here({ec::too_large,
                      "the answer of " + provider_ + " has more than "
                          + std::to_string(limits::model_answer_bytes_max / limits::mib) + " MiB"});
  }
  if (form_ == form::events)
    return read_events(bytes, pieces);
  body_.append(bytes);
  return {};
}

result<void> api_reader::read_events(std::string_view bytes, std::vector<Piece>& pieces) {
  events_.give(bytes);
  while (auto each = events_.next()) {
    auto last = read_event(*each, pieces);
    if (!last)
      return unexpected{std::move(last).error()};
    if (*last) {
      form_ = form::whole;
      return {};
    }
  }
  if (events_.too_large())
    return fail_here({ec::provider_failed,
                      provider_ + " sent an event of more than "
                          + std::to_string(limits::sse_event_bytes_max / limits::mib) + " MiB"});
  return {};
}

result<ModelAnswer> api_reader::finish(std::vector<Piece>& pieces) {
  switch (form_) {
    case form::unknown:
      return fail(ec::provider_failed, provider_ + " closed the connection without an answer");
    case form::error:
      return unexpected{explain_status(status_, retry_after_, read_api_error(body_), target())};
    case form::events:
      return fail_here({ec::provider_failed, "the stream of " + provider_ + " ended without "
                                                 + std::string{last_event()}
                                                 + ", so the answer is not whole"});
    case form::document:
      if (auto read = read_body(pieces); !read)
        return unexpected{std::move(read).error()};
      break;
    case form::whole:
      break;
  }
  auto answer = take_answer();
  if (answer) {
    answer->set_provider(provider_);
    if (answer->model().empty())
      answer->set_model(model_);
  }
  return answer;
}

result<void> api_reader::read_body(std::vector<Piece>& pieces) {
  if (body_.empty())
    return fail(ec::provider_failed, provider_ + " answered with nothing");
  if (content_type_.find("json") == content_type_.npos && !parse_json(body_))
    return fail(
        ec::provider_failed,
        provider_ + " answered with "
            + (content_type_.empty() ? "bytes of no known kind" : one_line(content_type_))
            + ", no JSON: is its base_url right? It begins with "
            + in_quotes(without_secrets(body_.substr(0, limits::error_body_bytes_max), target())));
  auto body = read_object(body_);
  if (!body)
    return unexpected{std::move(body).error()};
  return read_document(*body, pieces);
}

failure api_reader::broken_off(const failure& why) const {
  if (form_ == form::error && !body_.empty())
    return explain_status(status_, retry_after_, read_api_error(body_), target());
  return fail_here({why.code, "the answer of " + provider_ + " broke off: " + why.message}).error;
}

void api_reader::pass_on(std::vector<Piece>& to, Piece piece) {
  if (!wants_pieces_)
    return;
  ++pieces_;
  to.push_back(std::move(piece));
}

result<json_value> api_reader::read_object(std::string_view bytes) const {
  auto parsed = parse_json_object(bytes);
  if (!parsed)
    return malformed(parsed.error(), bytes);
  if (auto fine = check_no_error(*parsed); !fine)
    return unexpected{std::move(fine).error()};
  return std::move(*parsed);
}

result<void> api_reader::check_no_error(const json_value& object) const {
  auto error = object.find("error");
  if (error == object.end() || error->is_null())
    return {};
  return fail_here(explain_error(read_api_error(write_json(object).value_or("")), target()));
}

unexpected<failure> api_reader::malformed(const std::string& what, std::string_view bytes) const {
  auto shown = without_secrets(bytes.substr(0, 2 * limits::quoted_bytes_max), target());
  return fail_here({ec::provider_failed,
                    provider_ + " sent what is no answer (" + what + "): " + in_quotes(shown)});
}

/// Says how far the answer had come.
unexpected<failure> api_reader::fail_here(failure why) const {
  why.message += after_what();
  return {std::move(why)};
}

std::string api_reader::after_what() const {
  if (wants_pieces_)
    return pieces_ == 0 ? " (before the first piece)"
                        : " (after piece " + std::to_string(pieces_) + ")";
  return received_bytes_ == 0 ? " (before the first byte)"
                              : " (after " + count_of(received_bytes_, "byte") + ")";
}

} // namespace troupe
