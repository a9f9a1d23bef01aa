#include "config/base/utf8.hpp"
#include "config/limits/messages.hpp"
#include "config/suggest.hpp"
#include "messages/agents.pb.h"
#include "messages/cluster.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/documents.hpp"
#include "nodes/cli/exit_codes.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/reply_printer.hpp"
#include "nodes/cli/trace_ids.hpp"
#include "nodes/cli/upload.hpp"

#include <unistd.h>

#include <algorithm>
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
                                      const RoleInfo& role, uploaded_documents& files) {
  AgentMessage message;
  message.set_text(to_utf8(wanted.text));
  auto remember = role.reads_files() ? parse_remember(wanted.text) : std::nullopt;
  if (!remember)
    return message;
  auto found = find_documents(remember->path, remember->kind,
                              wanted.follow_links ? links::all : links::inside);
  if (!found)
    return unexpected{error_of(found.error())};
  auto sent = upload(cluster, *found, wanted.as_json);
  if (!sent)
    return unexpected{sent.error()};
  files = std::move(*sent);
  for (const auto& blob : files.blobs)
    *message.add_documents() = blob;
  return message;
}

cli_error why_no_answer(const failure& why, const send_command& wanted) {
  auto error = error_of(why);
  if (why.code == ec::timed_out)
    error.message = wanted.agent + " did not answer within " + human_duration(wanted.timeout)
                    + " and may still do it; --timeout sets a longer time";
  else if (why.code == ec::cancelled)
    error = {exit_interrupted, "cancelled", "interrupted; " + wanted.agent + " may still do it"};
  return error;
}

} // namespace

int cmd_send(const send_command& wanted) {
  auto role_name = role_in(wanted.agent);
  if (!role_name)
    return report(role_name.error(), wanted.as_json);
  interrupts signals;
  auto cluster = attach_lasting(wanted.cluster, signals.fd());
  if (!cluster)
    return report(cluster.error(), wanted.as_json);
  auto role = role_to_talk_to(*cluster, *role_name);
  if (!role)
    return report(role.error(), wanted.as_json);
  uploaded_documents files;
  auto message = make_message(*cluster, wanted, *role, files);
  if (!message)
    return report(message.error(), wanted.as_json);
  if (!wanted.as_json) {
    tell_skipped(files.skipped);
    tell_notes(files.notes);
  }

  auto request = make_envelope(message_kind::request, address::of_agent(name(wanted.agent)),
                               std::move(*message));
  request.trace = new_trace(std::getenv("TRACEPARENT"));
  request.remaining = wanted.timeout;
  auto trace = request.trace.trace;
  remember_trace(cluster->data, trace);
  reply_printer printer(terminal_of(STDOUT_FILENO));
  auto reply = cluster->link->request(std::move(request), wanted.timeout, [&](envelope& other) {
    if (auto piece = other.body.as<Piece>(); piece && !wanted.as_json)
      print_data(printer.piece(*piece));
  });
  auto why = reply ? failure_in(*reply) : std::optional{reply.error()};
  auto answer = why ? nullptr : reply->body.as<AgentReply>();
  if (!why && !answer)
    why = failure{ec::bad_message, "the agent's answer could not be read"};
  if (why) {
    print_data(printer.broken_off());
    return report(why_no_answer(*why, wanted), wanted.as_json);
  }
  if (!wanted.as_json) {
    print_data(printer.end(answer->text()));
    return exit_ok;
  }
  print_json({{"agent", wanted.agent},
              {"text", answer->text()},
              {"trace_id", to_string(trace)},
              {"input_tokens", answer->input_tokens()},
              {"output_tokens", answer->output_tokens()},
              {"skipped", files_json(files.skipped.named, "why")},
              {"skipped_more", files.skipped.more},
              {"notes", files_json(files.notes, "note")}});
  return exit_ok;
}

} // namespace troupe::cli
