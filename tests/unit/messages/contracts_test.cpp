#include "messages/contracts.hpp"

#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "messages/runs.pb.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace troupe {

namespace {

constexpr node_id self{1, 1};
constexpr node_id other{2, 2};

constexpr payload_kind all_kinds[] = {
#define TROUPE_LISTED(number, type) payload_kind::type,
    TROUPE_PAYLOADS(TROUPE_LISTED)
#undef TROUPE_LISTED
        payload_kind::none};

/// An address of that kind at `node`.
address place_of(parties one, node_id node) {
  if (one == party::slots)
    return address::of_agent(name{"echo#1"}, node);
  if (one == party::agents)
    return address::of_agent(name{"echo/ada"}, node);
  if (one == party::clients)
    return address::of_session({7}, node);
  address at;
  at.node = node;
  if (one == party::shell)
    return at;
  for (std::size_t i = 1; i < service_count; ++i)
    if (one == party::of(static_cast<service>(i)))
      return address::of(static_cast<service>(i), node);
  ADD_FAILURE() << "no such party " << one;
  return at;
}

/// Every kind of receiver and sender.
std::vector<parties> everybody() {
  std::vector<parties> all{party::slots, party::agents, party::clients, party::shell};
  for (std::size_t i = 1; i < service_count; ++i)
    all.push_back(party::of(static_cast<service>(i)));
  return all;
}

envelope message_of(payload_kind payload, message_kind kind, address from, address to) {
  envelope made;
  made.kind = kind;
  made.sender = std::move(from);
  made.target = std::move(to);
  made.body = payload::from_wire(payload, {});
  return made;
}

/// Looks up the table in the slow way.
bool stands_in_the_table(payload_kind payload, message_kind kind, parties from, bool one_node,
                         parties to) {
  if (from == party::slots)
    from = party::agents; // the same when they send
  auto fits = [&](const contract& row) {
    bool manner_fits =
        kind == message_kind::request ? row.as == manner::asked || row.as == manner::either
        : kind == message_kind::event ? row.as == manner::told || row.as == manner::either
                                      : row.as == manner::acknowledged;
    return row.payload == payload && (row.receivers & to) != 0 && manner_fits
           && (row.senders & from) != 0 && (one_node || row.from == reach::any_node);
  };
  return std::any_of(contracts.begin(), contracts.end(), fits);
}

std::string names_of(parties many) {
  std::string text;
  for (auto one : everybody())
    if (many & one)
      text += (text.empty() ? "" : ", ") + std::string{to_string_of_party(one)};
  return text;
}

/// The table in messages/README.md: one line per receiver.
std::string shown_table() {
  std::map<parties, std::string> lines;
  std::vector<parties> order;
  for (const auto& row : contracts) {
    auto& line = lines[row.receivers];
    if (line.empty())
      order.push_back(row.receivers);
    else
      line += "; ";
    line +=
        row.payload == payload_kind::none ? "acknowledgement" : std::string{to_string(row.payload)};
    line += " (" + names_of(row.senders) + (row.from == reach::any_node ? " of any node)" : ")");
    std::string replies = row.pieces ? "Piece*" : "";
    for (auto reply : row.replies)
      if (reply != payload_kind::none)
        replies += (replies.empty() ? "" : ", ") + std::string{to_string(reply)};
    if (!replies.empty())
      line += " → " + replies;
  }
  std::string text = "| to | what (from whom) → replies |\n|---|---|\n";
  for (auto receivers : order)
    text += "| " + names_of(receivers) + " | " + lines[receivers] + " |\n";
  return text;
}

} // namespace

TEST(contracts, every_payload_stands_in_the_table) {
  std::set<payload_kind> known{payload_kind::none, payload_kind::Failure, payload_kind::Piece};
  for (const auto& row : contracts) {
    known.insert(row.payload);
    known.insert(row.replies.begin(), row.replies.end());
  }
  for (auto kind : all_kinds)
    EXPECT_TRUE(known.contains(kind))
        << to_string(kind) << " is in payload_kinds.hpp, but nobody may send it: add a row to "
        << "messages/contracts.hpp that says who may, to whom, and what is answered";
}

TEST(contracts, every_payload_from_every_sender_is_judged_as_the_table_says) {
  std::size_t kept = 0;
  for (auto payload : all_kinds)
    for (auto kind : {message_kind::request, message_kind::event, message_kind::acknowledge})
      for (auto from : everybody())
        for (auto to : everybody())
          for (auto [sender_node, target_node] :
               {std::pair{self, self}, std::pair{other, self}, std::pair{self, other},
                std::pair{other, other}, std::pair{node_id{}, node_id{}}}) {
            auto message =
                message_of(payload, kind, place_of(from, sender_node), place_of(to, target_node));
            bool here = sender_node != other, to_here = target_node != other;
            bool expected =
                (here || to_here) && stands_in_the_table(payload, kind, from, here && to_here, to);
            ASSERT_EQ(judge(message, self) == ruling::kept, expected)
                << to_string(payload) << " from " << to_string_of_party(from) << " of "
                << to_string(sender_node) << " to " << to_string_of_party(to) << " of "
                << to_string(target_node);
            kept += expected;
          }
  EXPECT_GT(kept, contracts.size());
}

TEST(contracts, a_client_may_send_to_agents_and_to_what_serves_people) {
  std::map<std::string, std::set<std::string>> may;
  for (auto payload : all_kinds)
    for (auto to : everybody())
      for (auto kind : {message_kind::request, message_kind::event, message_kind::acknowledge})
        if (judge(message_of(payload, kind, address::of_session({7}), place_of(to, self)), self)
            == ruling::kept)
          may[std::string{to_string_of_party(to)}].insert(std::string{to_string(payload)});
  using several = std::set<std::string>;
  EXPECT_EQ(may["agents"], (several{"AgentMessage", "Echo", "PiecesTaken", "none"}));
  EXPECT_EQ(may["blobs"], (several{"BlobPut", "BlobPuts", "BlobGet"}));
  EXPECT_TRUE(may["coordinator"].contains("RunSubmit"));
  for (auto internal : {"MembersChanged", "SessionClosed", "TaskDone", "TaskStarted",
                        "TasksRefused", "TasksHeld", "RunsQuery"})
    EXPECT_FALSE(may["coordinator"].contains(internal)) << internal;
  EXPECT_EQ(may["models"], (several{"EmbeddingRequest", "ProvidersQuery"}));
  for (auto closed : {"slots", "membership", "roles", "queue", "state", "clients"})
    EXPECT_TRUE(may[closed].empty()) << closed << " takes " << *may[closed].begin();
}

TEST(contracts, a_member_may_not_speak_for_the_links_or_the_membership_of_another_node) {
  for (auto payload :
       {payload_kind::LinkOpened, payload_kind::LinkClosed, payload_kind::MembersChanged,
        payload_kind::SessionClosed, payload_kind::SnapshotPut, payload_kind::SnapshotGet,
        payload_kind::ModelRequest, payload_kind::TaskWork, payload_kind::AgentStop,
        payload_kind::AgentsQuery, payload_kind::SlotsQuery})
    for (auto from : everybody())
      for (auto to : everybody())
        for (auto kind : {message_kind::request, message_kind::event})
          EXPECT_NE(
              judge(message_of(payload, kind, place_of(from, other), place_of(to, self)), self),
              ruling::kept)
              << to_string(payload) << " from " << to_string_of_party(from) << " to "
              << to_string_of_party(to);
}

TEST(contracts, replies_of_another_node_come_from_whom_one_may_ask_there) {
  auto reply = [](payload_kind payload, address from, address to,
                  message_kind kind = message_kind::reply) {
    return judge(message_of(payload, kind, std::move(from), std::move(to)), self);
  };
  auto client = address::of_session({7}, self);
  auto ada = address::of_agent(name{"echo/ada"}, other);
  EXPECT_EQ(reply(payload_kind::AgentReply, ada, client), ruling::kept);
  EXPECT_EQ(reply(payload_kind::Piece, ada, client, message_kind::piece), ruling::kept);
  EXPECT_EQ(reply(payload_kind::PiecesAsked, ada, client, message_kind::piece), ruling::kept)
      << "or this node would say that the client is gone";
  EXPECT_EQ(reply(payload_kind::PiecesAsked, ada, client), ruling::forbidden) << "it is no answer";
  EXPECT_EQ(reply(payload_kind::AgentReply, ada, client, message_kind::piece), ruling::forbidden);
  EXPECT_EQ(reply(payload_kind::Failure, ada, client), ruling::kept);
  EXPECT_EQ(reply(payload_kind::BlobData, address::of(service::blobs, other),
                  address::of(service::blobs, self)),
            ruling::kept);
  EXPECT_EQ(reply(payload_kind::AgentReply, ada, address::of(service::queue, self)),
            ruling::forbidden);
  EXPECT_EQ(reply(payload_kind::SnapshotFound, address::of(service::state, other),
                  address::of_agent(name{"echo/ada"}, self)),
            ruling::forbidden);
  EXPECT_EQ(reply(payload_kind::BlobData, ada, address::of(service::blobs, self)),
            ruling::forbidden);
  EXPECT_EQ(
      reply(payload_kind::Piece, address::of(service::desk, other), client, message_kind::piece),
      ruling::forbidden);
}

TEST(contracts, who_may_ask_may_give_it_up) {
  auto cancel = [](address from, address to) {
    return judge(make_cancel({{7}, 1}, std::move(from), std::move(to)), self);
  };
  auto client = address::of_session({7});
  EXPECT_EQ(cancel(client, address::of_agent(name{"echo/ada"})), ruling::kept);
  EXPECT_EQ(cancel(client, address::of(service::blobs)), ruling::kept);
  EXPECT_EQ(cancel(address::of(service::queue, self), address::of_agent(name{"echo#1"}, self)),
            ruling::kept);
  EXPECT_EQ(cancel(client, address::of_agent(name{"echo#1"})), ruling::forbidden);
  EXPECT_EQ(cancel(client, address::of(service::models)), ruling::kept) << "its embeddings";
  EXPECT_EQ(cancel(client, address::of(service::state)), ruling::forbidden);
  EXPECT_EQ(cancel(address::of(service::queue, other), address::of_agent(name{"echo#1"}, self)),
            ruling::forbidden);
}

TEST(contracts, clients_answer_nobody) {
  for (auto kind : {message_kind::reply, message_kind::piece})
    EXPECT_EQ(judge(message_of(payload_kind::AgentReply, kind, address::of_session({7}),
                               address::of(service::queue, self)),
                    self),
              ruling::forbidden);
}

TEST(contracts, a_message_of_a_newer_version_is_no_accident) {
  auto newer = message_of(static_cast<payload_kind>(9999), message_kind::request,
                          address::of_session({7}), address::of(service::desk));
  ASSERT_EQ(judge(newer, self), ruling::unknown);
  auto why = explain(ruling::unknown, newer);
  EXPECT_EQ(why.code, ec::bad_message);
  EXPECT_EQ(why.message, "desk takes no message of kind 9999 (of a newer version?)");
}

TEST(contracts, a_refusal_says_who_may_not_send_what_to_whom) {
  auto forged = message_of(payload_kind::TaskDone, message_kind::event, address::of_session({7}),
                           address::of(service::coordinator));
  ASSERT_EQ(judge(forged, self), ruling::forbidden);
  auto why = explain(ruling::forbidden, forged);
  EXPECT_EQ(why.code, ec::refused);
  EXPECT_EQ(why.message, "a client may not send a TaskDone to coordinator");
}

TEST(contracts, the_folders_README_shows_the_table) {
  std::ifstream file{TROUPE_SOURCE_DIR "/messages/README.md"};
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(shown_table()), std::string::npos)
      << "messages/README.md must contain this:\n\n"
      << shown_table();
}

} // namespace troupe
