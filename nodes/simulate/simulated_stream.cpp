#include "nodes/simulate/anthropic_form.hpp"
#include "nodes/simulate/openai_form.hpp"
#include "nodes/simulate/simulated_call.hpp"

/// A call whose answer comes in pieces.
namespace troupe {

void simulated_call::begin_stream() {
  steps_ = steps_of(answer_);
  call_.when_gone([self = shared_from_this()] { self->gone(); });
  call_.begin(head("text/event-stream; charset=utf-8"));
  pump();
}

/// Writes steps until it must wait: for the time between two pieces, or for the reader.
void simulated_call::pump() {
  std::string out;
  auto again = [self = shared_from_this()] { self->pump(); };
  while (at_ < steps_.size()) {
    bool was_piece = steps_[at_].tokens > 0;
    if (!pump_step(out))
      return;
    bool pauses = was_piece && !given_.how.between.is_none();
    if (!pauses && out.size() < limits::simulate_write_bytes)
      continue;
    bool room = call_.write(out);
    out.clear();
    if (!room)
      return call_.when_room(again);
    if (pauses)
      return call_.after(given_.how.between.at(draw()), again);
  }
  finish_stream(out);
}

/// In the dialect of the request.
void simulated_call::append_event(std::string& out, const stream_step& step) const {
  if (is_anthropic(given_.request.api))
    anthropic_form::append_event(out, step, given_.request, answer_, given_.label);
  else
    openai_form::append_event(out, step, given_.request, answer_, given_.label);
}

/// Appends the next step, or what goes wrong instead. False: the stream has ended.
bool simulated_call::pump_step(std::string& out) {
  const auto& step = steps_[at_];
  bool due = pieces_ >= given_.how.after || step.what == event::end;
  if (due && !std::exchange(faulted_, true) && !stream_fault(out))
    return false;
  if (step.what == event::done)
    bill(given_.how.fault == simulated_fault::malformed_json
                 || given_.how.fault == simulated_fault::malformed_sse
             ? "garbled"
             : "answered",
         answer_.output_tokens);
  append_event(out, step);
  ++at_;
  pieces_ += step.tokens > 0 ? 1 : 0;
  produced_ += step.tokens;
  return true;
}

/// What goes wrong after `after` pieces. False: the stream has ended with it.
bool simulated_call::stream_fault(std::string& out) {
  switch (given_.how.fault) {
    case simulated_fault::reset_stream:
      return cut(out, server_call::cut::reset), false;
    case simulated_fault::cut_body:
      return cut(out, server_call::cut::close), false;
    case simulated_fault::stream_error: {
      request_error what;
      bool anthropic = is_anthropic(given_.request.api);
      what.type = anthropic ? "overloaded_error" : "server_error";
      what.message = "The server had an error while processing your request.";
      auto text = error_body(what);
      text.pop_back(); // the end of the line
      out += (anthropic ? "event: error\ndata: " : "data: ") + text + "\n\n";
      bill("cut", produced_);
      finish_stream(out);
      return false;
    }
    case simulated_fault::malformed_json:
      out += is_anthropic(given_.request.api) ? anthropic_form::half_an_event
                                              : openai_form::half_an_event;
      return true;
    case simulated_fault::malformed_sse:
      out +=
          is_anthropic(given_.request.api) ? anthropic_form::torn_event : openai_form::torn_event;
      return true;
    default:
      return true;
  }
}

void simulated_call::cut(std::string_view before, server_call::cut how) {
  call_.write(before);
  bill("cut", produced_);
  call_.cut_off(how);
}

void simulated_call::finish_stream(std::string_view last) {
  call_.write(last);
  call_.finish();
}

/// A byte at a time.
void simulated_call::drip() {
  if (text_.empty()) {
    auto begun =
        head(given_.request.stream ? "text/event-stream; charset=utf-8" : "application/json");
    if (given_.request.stream)
      for (const auto& step : steps_of(answer_))
        append_event(text_, step);
    else
      text_ = body();
    call_.when_gone([self = shared_from_this()] { self->gone(); });
    auto length = given_.request.stream ? std::optional<std::uint64_t>{} : text_.size();
    call_.begin(std::move(begun), length);
  }
  if (text_at_ + 1 == text_.size())
    bill("answered", answer_.output_tokens);
  call_.write(std::string_view{text_}.substr(text_at_, 1));
  produced_ = answer_.output_tokens * ++text_at_ / text_.size();
  if (text_at_ == text_.size())
    return call_.finish();
  auto pause = given_.how.between.is_none() ? std::chrono::nanoseconds{limits::simulate_drip}
                                            : given_.how.between.at(draw());
  call_.after(pause, [self = shared_from_this()] { self->drip(); });
}

} // namespace troupe
