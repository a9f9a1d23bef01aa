#include "config/base/utf8.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "config/prices.hpp"
#include "config/suggest.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "nodes/cli/command_trace.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/documents.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/reply_printer.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/upload.hpp"
#include "nodes/exit_codes.hpp"
#include "telemetry/span.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace troupe::cli {

namespace {

cli_result<RoleInfo> role_to_talk_to(attached_client& cluster, const std::string& wanted) {
  auto found = find_role(cluster, wanted);
  if (!found)
    return unexpected{found.error()};
  if (*found && (*found)->for_talk())
    return std::move(**found);
  if (*found)
    return unexpected{
        usage_error("the role " + wanted + " works only on tasks of graphs; it takes no messages")};
  auto roles = roles_of(cluster, true);
  if (!roles)
    return unexpected{roles.error()};
  std::vector<std::string_view> talkative;
  for (const auto& role : *roles)
    if (role.for_talk())
      talkative.push_back(role.name());
  return unexpected{cli_error{exit_usage, "unknown_role",
                              "no node has a role " + wanted + did_you_mean(wanted, talkative)
                                  + "; `troupe roles` lists them"}};
}

cli_result<std::string> role_in(const std::string& agent) {
  if (!is_utf8(agent))
    return unexpected{usage_error("an agent's name must be UTF-8 text, found \"" + valid_utf8(agent)
                                  + "\", where \xEF\xBF\xBD marks what is not")};
  auto slash = agent.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == agent.size())
    return unexpected{usage_error("\"" + agent
                                  + "\" is not an agent's name: write ROLE/KEY, such as "
                                    "librarian/me")};
  if (agent.size() > limits::agent_name_bytes_max)
    return unexpected{usage_error("an agent's name has at most "
                                  + std::to_string(limits::agent_name_bytes_max) + " bytes")};
  return agent.substr(0, slash);
}

/// The message, with the files that the agent is asked to remember.
cli_result<AgentMessage> make_message(attached_client& cluster, const send_command& wanted,
                                      const RoleInfo& role, uploaded_documents& files,
                                      command_trace& trace) {
  AgentMessage message;
  message.set_text(to_utf8(wanted.text));
  auto remember = role.reads_files() ? parse_remember(wanted.text) : std::nullopt;
  if (!remember)
    return message;
  auto found = find_documents(remember->path, remember->kind,
                              wanted.follow_links ? links::all : links::inside);
  if (!found)
    return unexpected{error_of(found.error())};
  auto sent = upload(cluster, *found, wanted.as_json, trace);
  if (!sent)
    return unexpected{sent.error()};
  files = std::move(*sent);
  for (const auto& blob : files.blobs)
    *message.add_documents() = blob;
  return message;
}

/// After `waited`. What ran out of its time before that (a model's provider) says so itself.
/// `settled`: the agent has said so; otherwise it may be at work still.
cli_error why_no_answer(const failure& why, const send_command& wanted, bool settled,
                        std::chrono::steady_clock::duration waited, command_trace& trace) {
  auto error = error_of(why);
  if (settled && why.code == ec::refused)
    error.exit_code = exit_failed; // by a model or its provider: the agent has tried
  if (why.code == ec::timed_out && waited >= wanted.timeout) {
    set(trace.span(), attr::cancel_reason, "client_timeout");
    error.message = wanted.agent + " did not answer within " + human_duration(wanted.timeout)
                    + (settled ? " and has given it up" : " and may still do it")
                    + "; --timeout sets a longer time";
  }
  return error;
}

/// What a message needs of the world, for as long as the command lasts.
struct talk_attachment {
  interrupts signals;
  std::optional<attached_client> cluster;
};

/// The role to talk to, at a cluster that let us in.
cli_result<RoleInfo> attach_to(const send_command& wanted, const std::string& role_name,
                               talk_attachment& to, command_trace& trace) {
  command_trace::part connecting{trace, span_names::connect};
  auto failed = [&](const cli_error& why) {
    connecting.failed(why);
    return unexpected{why};
  };
  auto cluster = attach_lasting(wanted.cluster, to.signals.fd());
  if (!cluster)
    return failed(cluster.error());
  to.cluster = std::move(*cluster);
  set(connecting.span(), attr::peer_node, to.cluster->node().name());
  auto role = role_to_talk_to(*to.cluster, role_name);
  if (!role)
    return failed(role.error());
  return role;
}

/// After an interrupt. The agent is told to give up and has a moment to say what came of it: so
/// nothing goes on after the command, in the trace and in truth.
cli_error take_back(const send_command& wanted, talk_attachment& to, command_trace& trace) {
  using clock = std::chrono::steady_clock;
  to.signals.take();
  set(trace.span(), attr::cancel_reason, "interrupted");
  auto became = " may still do it";
  auto& link = *to.cluster->link;
  auto id = link.last_asked();
  auto until = clock::now() + limits::take_back_max;
  auto left = [&] { return std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()); };
  bool told = id.sequence != 0
              && link.send(make_cancel(id, {}, address::of_agent(name(wanted.agent))), left());
  while (told) {
    auto next = link.receive(left());
    if (!next || !*next)
      break;
    auto& message = **next;
    if (message.kind != message_kind::reply || message.id != id)
      continue;
    trace.answered(message.trace);
    auto why = failure_in(message);
    if (!why || why->code == ec::cancelled)
      became = why ? " has given it up" : " had done it already";
    break;
  }
  return {exit_interrupted, "cancelled", "interrupted; " + wanted.agent + became};
}

/// The span at the door of a node that was lost meanwhile. What the agent did may be below it.
void write_lost_doors(const client& link, command_trace& trace, command_trace::part& waiting) {
  for (const auto& one : link.lost_requests()) {
    if (one.id != link.last_asked())
      continue;
    auto what = to_string(payload_kind::AgentMessage);
    auto span = begin_span(span_names::door, what, waiting.inside(), one.door,
                           instant{std::chrono::nanoseconds{waiting.span().start_ns()}});
    set(span, attr::message, what);
    set(span, attr::written_for, one.node_name);
    set(span, attr::node_name, one.node_name);
    set_failed(span, {ec::unavailable, "the node " + one.node_name + " was lost"});
    trace.add(std::move(span));
  }
}

/// The agent's answer. Its pieces are printed as they come.
cli_result<AgentReply> ask(const send_command& wanted, talk_attachment& to, AgentMessage message,
                           command_trace& trace, reply_printer& printer) {
  command_trace::part waiting{trace, span_names::wait};
  auto& cluster = *to.cluster;
  set(waiting.span(), attr::peer_node, cluster.node().name());
  auto request = make_envelope(message_kind::request, address::of_agent(name(wanted.agent)),
                               std::move(message));
  request.trace = waiting.inside();
  request.remaining = wanted.timeout;
  auto begun = std::chrono::steady_clock::now();
  auto reply = cluster.link->request(std::move(request), wanted.timeout, [&](envelope& other) {
    if (auto piece = other.body.as<Piece>(); piece && !wanted.as_json)
      print_data(printer.piece(*piece), [&] { cluster.link->attend(); });
  });
  write_lost_doors(*cluster.link, trace, waiting);
  if (reply)
    trace.answered(reply->trace);
  auto why = reply ? failure_in(*reply) : std::optional{reply.error()};
  auto answer = why ? nullptr : reply->body.as<AgentReply>();
  if (!why && !answer)
    why = failure{ec::bad_message, "the agent's answer could not be read"};
  if (!why)
    return std::move(*answer);
  auto told = why->code == ec::cancelled
                  ? take_back(wanted, to, trace)
                  : why_no_answer(*why, wanted, reply.has_value(),
                                  std::chrono::steady_clock::now() - begun, trace);
  waiting.failed(told);
  return unexpected{told};
}

cli_result<void> send(const send_command& wanted, talk_attachment& to, command_trace& trace) {
  auto role_name = role_in(wanted.agent);
  if (!role_name)
    return unexpected{role_name.error()};
  set(trace.span(), attr::agent_id, wanted.agent);
  auto role = attach_to(wanted, *role_name, to, trace);
  if (!role)
    return unexpected{role.error()};
  trace.called("send " + role->name());
  remember_trace(to.cluster->data, trace.id());
  uploaded_documents files;
  auto message = make_message(*to.cluster, wanted, *role, files, trace);
  if (!message)
    return unexpected{message.error()};
  if (!wanted.as_json) {
    tell_skipped(files.skipped);
    tell_notes(files.notes);
  }
  reply_printer printer(terminal_of(STDOUT_FILENO));
  auto answer = ask(wanted, to, std::move(*message), trace, printer);
  if (!answer) {
    print_data(printer.broken_off());
    return unexpected{answer.error()};
  }
  if (!wanted.as_json) {
    print_data(printer.end(answer->text()));
    for (const auto& note : answer->notes())
      tell("troupe: " + one_line(note) + "\n");
    return {};
  }
  auto notes = files_json(files.notes, "note");
  for (const auto& note : answer->notes())
    notes.push_back({{"note", note}});
  print_json({{"agent", wanted.agent},
              {"text", answer->text()},
              {"trace_id", to_string(trace.id())},
              {"input_tokens", answer->input_tokens()},
              {"output_tokens", answer->output_tokens()},
              {"cost_usd", usd_of(answer->cost_nano_usd())},
              {"skipped", files_json(files.skipped.named, "why")},
              {"skipped_more", files.skipped.more},
              {"notes", std::move(notes)}});
  return {};
}

} // namespace

int cmd_send(const send_command& wanted) {
  command_trace trace{"send", std::getenv("TRACEPARENT")};
  talk_attachment to;
  auto done = send(wanted, to, trace);
  auto code = done ? exit_ok : report(done.error(), wanted.as_json);
  trace.end(code, done ? nullptr : &done.error(), to.cluster ? &*to.cluster : nullptr);
  return code;
}

} // namespace troupe::cli
