#include "actors/agents/role_prompts.hpp"

#include "config/suggest.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr std::string_view system_prompt = "system";

/// Where the `number`th "{{" of a template is in the file. The template's own place, if the file
/// does not write it as it reads (escapes in a quoted text).
config_error template_error(const yaml_node& value, std::string_view file_text, std::size_t offset,
                            std::string message) {
  const auto& as_read = value.raw().Scalar();
  auto made = value.error(std::move(message));
  auto at = static_cast<std::size_t>(std::max(0, value.raw().Mark().pos));
  for (auto seen = as_read.find("{{"); seen <= offset; seen = as_read.find("{{", seen + 2)) {
    at = file_text.find("{{", at);
    if (at == std::string_view::npos)
      return made;
    at += 2;
  }
  auto before = file_text.substr(0, at - 2);
  made.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  made.column = static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1;
  return made;
}

config_result<prompt_template> read_template(const yaml_node& value, std::string_view file_text,
                                             const mind_kind::prompt_rule& rule,
                                             bool any_variable) {
  auto text = value.text();
  if (!text)
    return unexpected{std::move(text).error()};
  auto parsed = prompt_template::parse(*text);
  if (!parsed)
    return unexpected{
        template_error(value, file_text, parsed.error().offset, parsed.error().message)};
  std::vector<std::string_view> allowed = rule.must_use;
  allowed.insert(allowed.end(), rule.may_use.begin(), rule.may_use.end());
  for (const auto& variable : parsed->variables()) {
    if (any_variable || std::find(allowed.begin(), allowed.end(), variable.called) != allowed.end())
      continue;
    auto may =
        allowed.empty() ? "no variable can be used here" : "here there are " + listed(allowed);
    return unexpected{template_error(value, file_text, variable.offset,
                                     "prompt \"" + std::string{rule.called}
                                         + "\" uses the unknown variable {{" + variable.called
                                         + "}}; " + may + did_you_mean(variable.called, allowed))};
  }
  for (auto needed : rule.must_use)
    if (!parsed->uses(needed))
      return value.fail("prompt \"" + std::string{rule.called} + "\" must use the variable {{"
                        + std::string{needed} + "}}");
  return parsed.value();
}

/// A prompt of the file.
struct written_prompt {
  yaml_node key;
  yaml_node value;
  const mind_kind::prompt_rule* rule = nullptr; ///< null: `system`, or one of the role's own
  std::string called() const { return key.raw().Scalar(); }
  bool is_own() const { return !rule && called() != system_prompt; }
};

bool is_variable(std::string_view called) {
  return !called.empty() && std::all_of(called.begin(), called.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

config_result<std::vector<written_prompt>> read_keys(const yaml_node& given,
                                                     const mind_kind& kind) {
  std::vector<written_prompt> found;
  std::vector<std::string_view> known{system_prompt};
  for (const auto& rule : kind.prompts)
    known.push_back(rule.called);
  auto fields = given.fields();
  if (!fields)
    return unexpected{std::move(fields).error()};
  for (const auto& [key, value] : *fields) {
    written_prompt one{key, value};
    const auto& called = key.raw().Scalar();
    for (const auto& rule : kind.prompts)
      if (rule.called == called)
        one.rule = &rule;
    if (kind.prompts.empty() || (one.is_own() && !kind.more_prompts))
      return key.fail("mind " + std::string{kind.called} + " has no prompt \"" + called + "\""
                      + (kind.prompts.empty() ? std::string{} : "; it has " + listed(known))
                      + did_you_mean(called, known));
    if (one.is_own() && !is_variable(called))
      return key.fail(
          "a prompt that others use as {{NAME}} is called by lower-case letters, digits "
          "and '_', not "
          + key.found());
    found.push_back(std::move(one));
  }
  for (const auto& one : found)
    for (const auto& rule : kind.prompts)
      if (one.is_own()
          && std::find(rule.may_use.begin(), rule.may_use.end(), one.called())
                 != rule.may_use.end())
        return one.key.fail("{{" + one.called()
                            + "}} is what the role is given: the prompt needs "
                              "another name");
  return found;
}

/// What a prompt may use: as its rule says, and what the model says to the role's own prompts. Own
/// prompts follow the first rule.
mind_kind::prompt_rule rule_for(const written_prompt& one, const mind_kind& kind,
                                const std::vector<std::string>& own) {
  if (one.called() == system_prompt)
    return {system_prompt, {}, {}};
  auto rule = one.rule ? *one.rule : kind.prompts.front();
  rule.may_use.insert(rule.may_use.end(), own.begin(), own.end());
  return rule;
}

/// Each of the role's own prompts must be used by another, and none may wait for itself.
config_result<void> check_order(const std::vector<written_prompt>& all, const prompt_map& prompts) {
  std::set<std::string, std::less<>> ready{std::string{system_prompt}};
  auto can_be_asked = [&](const std::string& called) {
    const auto& variables = prompts.at(called).variables();
    return std::all_of(variables.begin(), variables.end(), [&](const auto& variable) {
      return !prompts.contains(variable.called) || ready.contains(variable.called);
    });
  };
  for (bool more = true; std::exchange(more, false);)
    for (const auto& one : all)
      if (!ready.contains(one.called()) && can_be_asked(one.called()))
        more = ready.insert(one.called()).second;
  for (const auto& one : all) {
    if (!ready.contains(one.called()))
      return one.key.fail("the prompt \"" + one.called() + "\" uses what the model says to itself");
    auto uses_it = [&](const auto& other) { return other.second.uses(one.called()); };
    if (one.is_own() && std::none_of(prompts.begin(), prompts.end(), uses_it)) {
      std::vector<std::string_view> known;
      for (const auto& other : all)
        if (other.rule)
          known.push_back(other.rule->called);
      return one.key.fail("no other prompt uses {{" + one.called()
                          + "}}, what the model says to this one"
                          + did_you_mean(one.called(), known));
    }
  }
  return {};
}

} // namespace

config_result<prompt_map> read_prompts(const yaml_node& role_node,
                                       const std::optional<yaml_node>& given,
                                       std::string_view file_text, const mind_kind& kind,
                                       bool for_tasks) {
  prompt_map prompts;
  std::vector<written_prompt> all;
  if (given) {
    auto keys = read_keys(*given, kind);
    if (!keys)
      return unexpected{std::move(keys).error()};
    all = std::move(*keys);
  }
  std::vector<std::string> own;
  for (const auto& one : all)
    if (one.is_own())
      own.push_back(one.called());
  for (const auto& one : all) {
    bool any = kind.uses_fields && for_tasks && one.called() != system_prompt;
    auto read = read_template(one.value, file_text, rule_for(one, kind, own), any);
    if (!read)
      return unexpected{std::move(read).error()};
    prompts[one.called()] = std::move(*read);
  }
  for (const auto& rule : kind.prompts)
    if (!prompts.contains(rule.called))
      return (given ? *given : role_node)
          .fail("mind " + std::string{kind.called} + " needs the prompt \""
                + std::string{rule.called} + "\" in prompts");
  if (auto ordered = check_order(all, prompts); !ordered)
    return unexpected{std::move(ordered).error()};
  return prompts;
}

} // namespace troupe
