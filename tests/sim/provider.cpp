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
  calls_[wanted.id] = 0;
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
  auto& given = found->second;
  HttpEvent told;
  told.set_call(id);
  if (given == 0 && random_.once_in(how_.refuses_once_in)) {
    static constexpr std::uint32_t errors[] = {429, 500, 503};
    told.set_status(errors[random_.below(std::size(errors))]);
    told.set_content_type("application/json");
    told.set_body(R"({"error": {"message": "as the seed says"}})");
    told.set_ended(true);
    ++ledger_.refused;
    return post(std::move(told));
  }
  auto until = std::min(how_.pieces, given + 1 + random_.below(how_.pieces_of_event));
  ledger_.given += until - given;
  told.set_status(200);
  told.set_content_type("text/event-stream");
  while (given < until)
    *told.mutable_body() += event_of("\"content\":\"" + piece_text(given++) + "\"", "null");
  ledger_.open[{node_.id(), id}] = given;
  if (random_.once_in(how_.cuts_once_in)) {
    told.set_ended(true);
    told.mutable_why()->set_code(static_cast<std::uint32_t>(ec::provider_failed));
    told.mutable_why()->set_message("the connection broke");
    ++ledger_.cut;
  } else if (given == how_.pieces) {
    *told.mutable_body() += event_of("", "\"stop\"") + "data: [DONE]\n\n";
    told.set_ended(true);
    ++ledger_.whole;
  }
  post(std::move(told));
}

void provider::post(HttpEvent told) {
  if (told.ended()) {
    calls_.erase(told.call());
    ledger_.open.erase({node_.id(), told.call()});
  }
  node_.post(make_envelope(message_kind::event, address::of(service::models), std::move(told)));
}

} // namespace troupe::sim
