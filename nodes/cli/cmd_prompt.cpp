#include "config/suggest.hpp"
#include "messages/cluster.pb.h"
#include "messages/models.pb.h"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/cli/prompt_values.hpp"
#include "nodes/exit_codes.hpp"

#include <unistd.h>

#include <string>
#include <vector>

namespace troupe::cli {

namespace {

/// A prompt with its values in it.
struct rendered_prompt {
  std::string called;
  std::string text;
  std::size_t fixed_bytes = 0;  ///< at its beginning
  std::size_t fixed_behind = 0; ///< fixed too, but behind a value: no provider keeps it
};

cli_result<role_file> role_called(const prompt_command& wanted) {
  const auto& called = wanted.role;
  if (called.find('/') != std::string::npos || called.ends_with(".yaml")
      || called.ends_with(".yml")) {
    auto read = role_file::load(called);
    if (!read)
      return unexpected{error_of(to_string(read.error()))};
    return *std::move(read);
  }
  auto cfg = load_settings(wanted.config, {});
  if (!cfg)
    return unexpected{cfg.error()};
  auto all = role_file::load_all(cfg->node.roles);
  if (!all)
    return unexpected{error_of(to_string(all.error()))};
  if (auto found = all->find(called); found != all->end())
    return std::move(found->second);
  std::vector<std::string_view> names;
  for (const auto& [name, unused] : *all)
    names.push_back(name);
  return unexpected{usage_error("there is no role " + called + did_you_mean(called, names)
                                + "; there are " + listed(names)
                                + "; a file's name must contain a / or end in .yaml")};
}

/// As they are sent: `system` first, the prompts after it.
cli_result<std::vector<rendered_prompt>> rendered(const script& says,
                                                  const template_values& values) {
  std::vector<rendered_prompt> all;
  auto add = [&](const std::string& called, const ChatMessage& from) {
    auto filled = says.prompts.find(called)->second.fill(values);
    auto fixed = filled ? filled->fixed_bytes + filled->fixed_behind : from.fixed_bytes();
    all.push_back({called, from.content(), from.fixed_bytes(), fixed - from.fixed_bytes()});
  };
  for (const auto& [called, prompt] : says.prompts) {
    if (!says.asks(called))
      continue;
    auto call = says.say(called, values);
    if (!call)
      return unexpected{usage_error(call.error().message)};
    if (all.empty() && call->messages_size() > 1)
      add("system", call->messages(0));
    add(called, *call->messages().rbegin());
  }
  return all;
}

json values_json(const template_value& value) {
  if (auto number = std::get_if<double>(&value.content))
    return *number;
  if (auto flag = std::get_if<bool>(&value.content))
    return *flag;
  if (auto texts = std::get_if<std::vector<std::string>>(&value.content))
    return *texts;
  if (auto records = std::get_if<std::vector<template_value::record>>(&value.content)) {
    auto made = json::array();
    for (const auto& one : *records)
      made.push_back(json(one));
    return made;
  }
  return value.text();
}

json rendered_json(const role_file& of, const std::vector<rendered_prompt>& prompts) {
  auto variables = json::array(), texts = json::array();
  for (const auto& [called, variable] : variables_of(*of.says)) {
    json one{{"name", called}, {"type", to_string(variable.type)}};
    if (!variable.fields.empty())
      one["fields"] = variable.fields;
    if (variable.standard)
      one["default"] = values_json(*variable.standard);
    variables.push_back(std::move(one));
  }
  for (const auto& prompt : prompts)
    texts.push_back({{"name", prompt.called},
                     {"text", prompt.text},
                     {"bytes", prompt.text.size()},
                     {"fixed_bytes", prompt.fixed_bytes}});
  return {{"role", of.parsed.info.name()},
          {"file", of.file},
          {"model", of.says->model},
          {"variables", std::move(variables)},
          {"prompts", std::move(texts)}};
}

std::string rendered_text(const rendered_prompt& prompt, const terminal& place) {
  auto size = prompt.text.size();
  auto head = "== " + prompt.called + ": " + std::to_string(size) + " bytes, ";
  if (prompt.fixed_bytes == size)
    head += "all of them fixed";
  else
    head += (prompt.fixed_bytes == 0 ? "none" : "the first " + std::to_string(prompt.fixed_bytes))
            + " of them fixed";
  if (prompt.fixed_behind > 0)
    head += ", " + std::to_string(prompt.fixed_behind) + " more behind a value";
  auto text = painted(head, colour::bold, place.colours) + "\n"
              + shown_on(place, prompt.text.substr(0, prompt.fixed_bytes));
  if (prompt.fixed_bytes > 0 && prompt.fixed_bytes < size)
    text += painted("[fixed up to here]", colour::yellow, place.colours);
  text += shown_on(place, prompt.text.substr(prompt.fixed_bytes));
  return text.ends_with('\n') ? text : text + "\n";
}

} // namespace

int cmd_prompt_render(const prompt_command& wanted) {
  auto found = role_called(wanted);
  if (!found)
    return report(found.error(), wanted.as_json);
  const auto& of = *found;
  if (of.says->prompts.empty())
    return report(usage_error("role " + of.parsed.info.name() + " has no prompts: its mind is "
                              + of.parsed.mind),
                  wanted.as_json);
  auto values = read_values(of, wanted.set, wanted.values);
  if (!values)
    return report(values.error(), wanted.as_json);
  auto prompts = rendered(*of.says, *values);
  if (!prompts)
    return report(prompts.error(), wanted.as_json);
  if (wanted.as_json) {
    print_json(rendered_json(of, *prompts));
    return exit_ok;
  }
  auto place = terminal_of(STDOUT_FILENO);
  for (const auto& prompt : *prompts)
    print(rendered_text(prompt, place));
  return exit_ok;
}

} // namespace troupe::cli
