#include "tests/sim/provider.hpp"

#include "messages/errors.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::sim {

namespace {

std::string event_of(const std::string& delta, const char* finish) {
  return "data: {\"id\":\"sim\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{"
         "\"index\":0,\"delta\":{"
         + delta + "},\"finish_reason\":" + finish + "}]}\n\n";
}

/// The text of the last message of a chat: there is nothing in it that JSON would escape.
std::string question_in(std::string_view chat) {
  constexpr std::string_view field = "\"content\":\"";
  auto at = chat.rfind(field);
  if (at == std::string_view::npos)
    return {};
  chat.remove_prefix(at + field.size());
  return std::string{chat.substr(0, chat.find('"'))};
}

void break_off(HttpEvent& told) {
  told.set_ended(true);
  told.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
  told.mutable_why()->set_message("the connection broke");
}

std::string piece_text(std::uint64_t number) { return std::to_string(number) + " "; }

} // namespace

provider::~provider() {
  for (const auto& [id, given] : calls_)
    ledger_.open.erase({node_.id(), id});
}

std::string provider::text_of(std::uint64_t pieces) {
  std::string text;
  for (std::uint64_t i = 0; i < pieces; ++i)
    text += piece_text(i);
  return text;
}

void provider::start(outgoing wanted) {
  ++ledger_.begun;
  auto& made = calls_[wanted.id];
  if (!wanted.streams) {
    made.is_whole = static_cast<std::int64_t>(ledger_.whole_calls.size()) + 1;
    ledger_.whole_calls[made.is_whole].question = question_in(wanted.body);
  }
  deliver_later(wanted.id);
}

void provider::cancel(std::uint64_t id) {
  ledger_.cancelled += calls_.erase(id);
  ledger_.open.erase({node_.id(), id});
}

void provider::taken(std::uint64_t id) { deliver_later(id); }

void provider::deliver_later(std::uint64_t id) {
  node_.later(random_.between({}, how_.latency_max), [this, id] { deliver(id); });
}

void provider::deliver(std::uint64_t id) {
  auto found = calls_.find(id);
  if (found == calls_.end())
    return; // it was cancelled
  auto& of = found->second;
  HttpEvent told;
  told.set_call(id);
  if (of.given == 0 && random_.once_in(how_.refuses_once_in)) {
    static constexpr std::uint32_t too_many = 429, errors[] = {too_many, 500, 503};
    told.set_status(errors[random_.below(std::size(errors))]);
    if (told.status() == too_many)
      told.set_retry_after("1"); // as real ones say; else nodes rest longer each time
    told.set_content_type("application/json");
    told.set_body(R"({"error": {"message": "as the seed says"}})");
    told.set_ended(true);
    ++ledger_.refused;
    return post(std::move(told));
  }
  told.set_status(200);
  if (of.is_whole != 0)
    give_whole(of, told);
  else
    give_pieces(of, told);
  post(std::move(told));
}

void provider::give_pieces(call& of, HttpEvent& told) {
  auto& given = of.given;
  auto until = std::min(how_.pieces, given + 1 + random_.below(how_.pieces_of_event));
  ledger_.given += until - given;
  told.set_content_type("text/event-stream");
  while (given < until)
    *told.mutable_body() += event_of("\"content\":\"" + piece_text(given++) + "\"", "null");
  ledger_.open[{node_.id(), told.call()}] = given;
  if (random_.once_in(how_.cuts_once_in)) {
    break_off(told);
    ++ledger_.cut;
  } else if (given == how_.pieces) {
    *told.mutable_body() += event_of("", "\"stop\"") + "data: [DONE]\n\n";
    told.set_ended(true);
    ++ledger_.whole;
  }
}

void provider::give_whole(const call& of, HttpEvent& told) {
  told.set_content_type("application/json");
  told.set_ended(true);
  if (random_.once_in(how_.cuts_once_in)) {
    break_off(told);
    ++ledger_.cut;
    return;
  }
  told.set_body(R"({"id":"sim","object":"chat.completion","model":"m","choices":[{"index":0,)"
                R"("message":{"role":"assistant","content":")"
                + std::to_string(of.is_whole) + R"("},"finish_reason":"stop"}]})");
  ledger_.whole_calls[of.is_whole].is_given = true;
  ++ledger_.whole;
}

void provider::post(HttpEvent told) {
  if (told.ended()) {
    calls_.erase(told.call());
    ledger_.open.erase({node_.id(), told.call()});
  }
  node_.post(make_envelope(message_kind::event, address::of(service::models), std::move(told)));
}

} // namespace troupe::sim
