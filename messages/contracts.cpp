#include "messages/contracts.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t payload_numbers = 128;

/// The rows of each payload stand together: a message is looked up by its payload first.
struct rows_by_payload {
  std::array<std::uint8_t, contracts.size()> row{};
  std::array<std::uint8_t, payload_numbers + 1> begin{};
};

constexpr rows_by_payload by_payload = [] {
  rows_by_payload made;
  std::size_t at = 0;
  for (std::size_t number = 0; number < payload_numbers; ++number) {
    made.begin[number] = static_cast<std::uint8_t>(at);
    for (std::size_t i = 0; i < contracts.size(); ++i)
      if (static_cast<std::size_t>(contracts[i].payload) == number)
        made.row[at++] = static_cast<std::uint8_t>(i);
  }
  made.begin[payload_numbers] = static_cast<std::uint8_t>(at);
  if (at != contracts.size())
    throw "a payload's number is too large for this index";
  return made;
}();

parties sender_of(const address& a) {
  switch (a.what) {
    case address::kind::service:
      return party::of(a.svc);
    case address::kind::agent:
      return party::agents;
    case address::kind::session:
      return party::clients;
    case address::kind::none:
      break;
  }
  return party::shell;
}

parties receiver_of(const address& a) {
  return a.what == address::kind::agent && is_pool_slot(a.agent) ? party::slots : sender_of(a);
}

constexpr bool comes_as(manner allowed, message_kind kind) {
  auto bit = kind == message_kind::request       ? manner::asked
             : kind == message_kind::event       ? manner::told
             : kind == message_kind::acknowledge ? manner::acknowledged
                                                 : manner{};
  return (static_cast<unsigned>(allowed) & static_cast<unsigned>(bit)) != 0;
}

ruling judge_request(const envelope& message, bool one_node) {
  auto number = static_cast<std::size_t>(message.body.kind());
  if (number >= payload_numbers)
    return ruling::unknown;
  auto receiver = receiver_of(message.target);
  auto sender = sender_of(message.sender);
  auto ruled = ruling::unknown;
  for (auto at = by_payload.begin[number]; at < by_payload.begin[number + 1]; ++at) {
    const auto& row = contracts[by_payload.row[at]];
    if ((row.receivers & receiver) == 0 || !comes_as(row.as, message.kind))
      continue;
    if ((row.senders & sender) != 0 && (one_node || row.from == reach::any_node))
      return ruling::kept;
    ruled = ruling::forbidden;
  }
  return ruled;
}

/// A sender that may ask may also give up its request.
ruling judge_cancel(const envelope& message, bool one_node) {
  auto receiver = receiver_of(message.target);
  auto sender = sender_of(message.sender);
  bool may_ask = std::any_of(contracts.begin(), contracts.end(), [&](const contract& row) {
    return (row.receivers & receiver) != 0 && (row.senders & sender) != 0
           && comes_as(row.as, message_kind::request) && (one_node || row.from == reach::any_node);
  });
  return may_ask ? ruling::kept : ruling::forbidden;
}

/// From another node: the receiver must be allowed to ask the answering sender there.
ruling judge_reply(const envelope& message) {
  auto payload = message.body.kind();
  if (message.kind == message_kind::reply && payload == payload_kind::Failure)
    return ruling::kept; // it may be the node's own, for what it could not deliver
  auto asked = receiver_of(message.sender);
  auto asker = sender_of(message.target);
  for (const auto& row : contracts) {
    if ((row.receivers & asked) == 0 || row.from != reach::any_node || (row.senders & asker) == 0)
      continue;
    bool listed =
        payload != payload_kind::none
        && std::find(row.replies.begin(), row.replies.end(), payload) != row.replies.end();
    bool comes_before = payload == payload_kind::Piece
                            ? row.pieces
                            : listed && payload == payload_kind::PiecesAsked;
    if (message.kind == message_kind::piece ? comes_before : listed && !comes_before)
      return ruling::kept;
  }
  return ruling::forbidden;
}

std::string who(const address& a) {
  if (a.empty())
    return a.node ? "the node " + to_string(a.node) : "a node's own links";
  if (a.what == address::kind::session)
    return "a client";
  auto text = to_string(a);
  return a.node ? text + " of node " + to_string(a.node) : text;
}

std::string what(payload_kind kind) {
  if (auto known = to_string(kind); known != "none")
    return std::string{known};
  if (kind == payload_kind::none)
    return "message without content";
  return "message of kind " + std::to_string(static_cast<unsigned>(kind))
         + " (of a newer version?)";
}

} // namespace

ruling judge(const envelope& message, node_id self) noexcept {
  bool from_here = !message.sender.node || message.sender.node == self;
  bool to_here = !message.target.node || message.target.node == self;
  if (!from_here && !to_here)
    return ruling::forbidden; // a node relays for its own clients, for nobody else
  if (message.kind == message_kind::cancel)
    return judge_cancel(message, from_here && to_here);
  if (message.kind != message_kind::reply && message.kind != message_kind::piece)
    return judge_request(message, from_here && to_here);
  if (from_here)
    return message.sender.what == address::kind::session ? ruling::forbidden : ruling::kept;
  return judge_reply(message);
}

failure explain(ruling why, const envelope& message) {
  auto receiver = to_string(message.target);
  auto content = what(message.body.kind());
  if (why == ruling::forbidden)
    return {ec::refused, who(message.sender) + " may not send a " + content + " to " + receiver};
  return {ec::bad_message, receiver + " takes no " + content};
}

std::string_view to_string_of_party(parties one) {
  switch (one) {
    case party::slots:
      return "slots";
    case party::agents:
      return "agents";
    case party::clients:
      return "clients";
    case party::shell:
      return "links";
    default:
      break;
  }
  for (std::size_t i = 1; i < service_count; ++i)
    if (one == party::of(static_cast<service>(i)))
      return to_string(static_cast<service>(i));
  return "nobody";
}

} // namespace troupe
