#include "tests/sim/workload.hpp"

#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"

#include <string>
#include <vector>

namespace troupe::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t keepers = 6;
constexpr std::size_t advisers = 3;
constexpr std::size_t librarians = 3;
constexpr std::size_t talkative = 4; ///< quick agents, and talkers
constexpr auto fact_time = 20s;
} // namespace

workload::workload(world& in, std::uint64_t seed, std::chrono::nanoseconds until)
    : world_(in), dice_(seed, 5), until_(in.now() + until), rest_max_(dice_.between(10ms, 500ms)),
      runs_(in, dice_) {
  for (std::size_t i = 0; i < in.clients(); ++i) {
    std::vector<machine> nodes;
    for (std::size_t n = 0; n < in.nodes(); ++n)
      nodes.push_back((n + i) % in.nodes());
    clients_.push_back(std::make_unique<client>(in.on(), in.client_machine(i), session_id{100 + i},
                                                std::move(nodes), dice_));
  }
}

void workload::begin() {
  for (std::size_t lane = 0; lane < lanes * clients_.size(); ++lane) {
    ++busy_;
    next(lane);
  }
}

bool workload::done() const { return busy_ == 0 && waiting().empty(); }

std::vector<std::string> workload::waiting() const {
  std::vector<std::string> all;
  for (const auto& one : clients_)
    for (auto& text : one->silent_since(std::chrono::nanoseconds{-1}))
      all.push_back(std::move(text));
  return all;
}

std::uint64_t workload::repetitions() const {
  std::uint64_t sum = 0;
  for (const auto& one : clients_)
    sum += one->repetitions();
  return sum;
}

void workload::next(std::size_t lane) {
  world_.on().when.later(dice_.between(1ms, rest_max_), [this, lane] {
    if (world_.now() >= until_) {
      --busy_;
      return;
    }
    auto then = [this, lane] { next(lane); };
    switch (dice_.below(11)) {
      case 0:
      case 1:
        return runs_.submit(client_of(lane), then);
      case 6:
        return runs_.look_after(client_of(lane), then);
      case 2:
        return store_document(lane);
      case 3:
        return ask_librarian(lane);
      case 4:
        return tell(lane, to_quick_, "quick/");
      case 5:
        return tell(lane, to_talkers_, "talker/");
      default:
        return tell_fact(lane);
    }
  });
}

void workload::tell_fact(std::size_t lane) {
  auto& fact = *facts_.emplace_back(std::make_unique<told_fact>());
  fact.keeper = dice_.below(6) == 0 ? "adviser/" + std::to_string(dice_.below(advisers))
                                    : "keeper/" + std::to_string(dice_.below(keepers));
  fact.text = "fact-" + std::to_string(facts_.size());
  AgentMessage message;
  message.set_text(fact.text);
  auto request = make_envelope(message_kind::request, address::of_agent(name{fact.keeper}),
                               std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &fact, asked](envelope& reply) {
    auto failed = failure_in(reply);
    fact.answer = failed ? failed->code : ec::none;
    if (auto* said = reply.body.as<AgentReply>())
      fact.reply = said->text();
    fact.why = failed ? failed->message : "";
    fact.took = world_.now() - asked;
    next(lane);
  });
}

void workload::store_document(std::size_t lane) {
  auto& document = *documents_.emplace_back(std::make_unique<told_document>());
  document.librarian = "librarian/" + std::to_string(dice_.below(librarians));
  BlobPut put;
  put.set_name("document-" + std::to_string(documents_.size()));
  put.set_bytes("The " + put.name() + " says that the key is under the mat. It says no more.");
  client_of(lane).ask(
      make_envelope(message_kind::request, address::of(service::blobs), std::move(put)),
      [this, lane, &document](envelope& reply) {
        if (auto stored = reply.body.as<BlobStored>())
          remember(lane, document, std::move(*stored->mutable_blob()));
        else
          next(lane);
      });
}

void workload::remember(std::size_t lane, told_document& document, BlobRef blob) {
  document.sha256 = blob.sha256();
  AgentMessage message;
  message.set_text("Remember the file " + blob.name());
  *message.add_documents() = std::move(blob);
  auto request = make_envelope(message_kind::request, address::of_agent(name{document.librarian}),
                               std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &document, asked](envelope& reply) {
    auto failed = failure_in(reply);
    document.answer = failed ? failed->code : ec::none;
    document.took = world_.now() - asked;
    next(lane);
  });
}

void workload::ask_librarian(std::size_t lane) {
  AgentMessage message;
  message.set_text("Where is the key?");
  auto whom = "librarian/" + std::to_string(dice_.below(librarians));
  auto request =
      make_envelope(message_kind::request, address::of_agent(name{whom}), std::move(message));
  request.remaining = fact_time;
  client_of(lane).ask(std::move(request), [this, lane](envelope&) { next(lane); });
}

void workload::tell(std::size_t lane, std::vector<std::unique_ptr<told_text>>& all,
                    std::string agent) {
  auto& told = *all.emplace_back(std::make_unique<told_text>());
  told.agent = std::move(agent) + std::to_string(dice_.below(talkative));
  told.text = "text-" + std::to_string(all.size());
  AgentMessage message;
  message.set_text(told.text);
  auto request =
      make_envelope(message_kind::request, address::of_agent(name{told.agent}), std::move(message));
  request.remaining = fact_time;
  auto asked = world_.now();
  client_of(lane).ask(std::move(request), [this, lane, &told, asked](envelope& reply) {
    auto failed = failure_in(reply);
    told.answer = failed ? failed->code : ec::none;
    if (auto said = reply.body.as<AgentReply>())
      told.reply = said->text();
    told.took = world_.now() - asked;
    next(lane);
  });
}

} // namespace troupe::sim
