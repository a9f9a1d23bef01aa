#include "actors/agents/role_prompts.hpp"

#include "config/suggest.hpp"
#include "messages/cluster.pb.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace troupe {

namespace {

constexpr std::string_view system_prompt = "system";
constexpr std::string_view passages_of_documents = "passages";

/// Where that "{{" of a text is in the file. The text's own place, if the file does not write it
/// as it reads (escapes in a quoted text).
config_error error_in_text(const yaml_node& value, std::string_view file_text, std::size_t offset,
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
  std::tie(made.line, made.column) = line_and_column(file_text, at - 2);
  return made;
}

/// A prompt of the file.
struct written_prompt {
  yaml_node key;
  yaml_node value;
  const mind_kind::prompt_rule* rule = nullptr; ///< null: `system`, or one of the role's own
  std::string called() const { return key.raw().Scalar(); }
  bool is_own() const { return !rule && called() != system_prompt; }
};

class role_prompts_reader {
public:
  role_prompts_reader(const yaml_node& role_node, const role_prompts::sections& given,
                      std::string_view file_text, const mind_kind& kind, const RoleInfo& of)
      : role_(role_node), given_(given), file_text_(file_text), kind_(kind), of_(of) {}

  config_result<role_prompts> read() {
    for (auto step : {&role_prompts_reader::read_partials, &role_prompts_reader::read_variables,
                      &role_prompts_reader::read_keys, &role_prompts_reader::read_templates,
                      &role_prompts_reader::check_needs, &role_prompts_reader::check_order,
                      &role_prompts_reader::check_uses})
      if (auto done = (this->*step)(); !done)
        return unexpected{std::move(done).error()};
    return std::move(made_);
  }

private:
  bool takes_fields() const { return kind_.uses_fields && of_.for_tasks(); }

  /// What its mind gives to some prompt, under that name.
  bool is_given(std::string_view called) const {
    auto has = [&](const std::vector<std::string_view>& names) {
      return std::find(names.begin(), names.end(), called) != names.end();
    };
    return std::any_of(kind_.prompts.begin(), kind_.prompts.end(),
                       [&](const auto& rule) { return has(rule.must_use) || has(rule.may_use); });
  }

  config_result<void> read_partials() {
    if (!given_.partials)
      return {};
    auto fields = given_.partials->fields();
    if (!fields)
      return unexpected{std::move(fields).error()};
    for (const auto& [key, value] : *fields) {
      auto text = value.text();
      if (!text)
        return unexpected{std::move(text).error()};
      if (!is_template_name(key.raw().Scalar()))
        return key.fail("a partial is called by lower-case letters, digits and _, not "
                        + key.found());
      partials_.emplace(key.raw().Scalar(), *std::move(text));
      partial_nodes_.emplace_back(key, value);
    }
    return {};
  }

  config_result<void> read_variables() {
    if (!given_.variables)
      return {};
    auto read = troupe::read_variables(*given_.variables);
    if (!read)
      return unexpected{std::move(read).error()};
    made_.variables = *std::move(read);
    for (const auto& [called, variable] : made_.variables) {
      if (is_given(called))
        return at(variable, "{{" + called
                                + "}} is what the role is given: it is not declared, or the "
                                  "variable needs another name");
      if (variable.standard || (takes_fields() && !of_.for_talk()))
        continue;
      if (takes_fields())
        return at(variable, "a message gives {{" + called
                                + "}} no value: it needs a default, or the role `talk: false`");
      return at(variable, "nothing gives {{" + called + "}} a value: it needs a default");
    }
    return {};
  }

  unexpected<config_error> at(const template_variable& variable, std::string message) const {
    auto made = role_.error(std::move(message));
    std::tie(made.line, made.column) = variable.declared_at;
    return unexpected{std::move(made)};
  }

  config_result<void> read_keys() {
    if (!given_.prompts)
      return {};
    std::vector<std::string_view> known{system_prompt};
    for (const auto& rule : kind_.prompts)
      known.push_back(rule.called);
    auto fields = given_.prompts->fields();
    if (!fields)
      return unexpected{std::move(fields).error()};
    for (const auto& [key, value] : *fields) {
      written_prompt one{key, value};
      const auto& called = key.raw().Scalar();
      for (const auto& rule : kind_.prompts)
        if (rule.called == called)
          one.rule = &rule;
      if (kind_.prompts.empty() || (one.is_own() && !kind_.more_prompts))
        return key.fail("mind " + std::string{kind_.called} + " has no prompt \"" + called + "\""
                        + (kind_.prompts.empty() ? std::string{} : "; it has " + listed(known))
                        + did_you_mean(called, known));
      if (auto fine = check_name(one); !fine)
        return fine;
      written_.push_back(std::move(one));
    }
    return {};
  }

  config_result<void> check_name(const written_prompt& one) const {
    if (!one.is_own())
      return {};
    auto called = one.called();
    if (!is_template_name(called))
      return one.key.fail("a prompt that others use as {{NAME}} is called by lower-case letters, "
                          "digits and '_', not "
                          + one.key.found());
    if (is_given(called))
      return one.key.fail("{{" + called
                          + "}} is what the role is given: the prompt needs another name");
    if (made_.variables.contains(called))
      return one.key.fail("{{" + called + "}} is a variable: the prompt needs another name");
    return {};
  }

  /// What a prompt may use: what the role declares, what its rule says, and what the model says to
  /// the role's own prompts. Own prompts follow the first rule.
  template_scope scope_of(const written_prompt& one) const {
    template_scope made{made_.variables, partials_, false};
    if (one.called() == system_prompt)
      return made;
    made.others_are_texts = takes_fields() && !given_.variables;
    const auto& rule = one.rule ? *one.rule : kind_.prompts.front();
    for (const auto& names : {rule.must_use, rule.may_use})
      for (auto called : names)
        made.variables.try_emplace(std::string{called});
    if (auto found = made.variables.find(passages_of_documents); found != made.variables.end())
      found->second.standard = template_value{std::string{}}; // there may be no documents
    for (const auto& other : written_)
      if (other.is_own())
        made.variables.try_emplace(other.called());
    return made;
  }

  config_result<void> read_templates() {
    for (const auto& one : written_) {
      auto text = one.value.text();
      if (!text)
        return unexpected{std::move(text).error()};
      auto parsed = typed_template::parse(*text, scope_of(one));
      if (!parsed)
        return unexpected{error_of(one, parsed.error())};
      if (one.rule)
        for (auto needed : one.rule->must_use)
          if (!parsed->uses(needed))
            return one.value.fail("prompt \"" + one.called() + "\" must use the variable {{"
                                  + std::string{needed} + "}}");
      made_.prompts[one.called()] = *std::move(parsed);
    }
    return {};
  }

  config_error error_of(const written_prompt& one, const template_error& why) const {
    auto message = "prompt \"" + one.called() + "\": " + why.message;
    for (const auto& [key, value] : partial_nodes_)
      if (key.raw().Scalar() == why.partial)
        return error_in_text(value, file_text_, why.offset,
                             "partial \"" + why.partial + "\" in " + message);
    return error_in_text(one.value, file_text_, why.offset, std::move(message));
  }

  config_result<void> check_needs() {
    for (const auto& rule : kind_.prompts)
      if (!made_.prompts.contains(rule.called))
        return (given_.prompts ? *given_.prompts : role_)
            .fail("mind " + std::string{kind_.called} + " needs the prompt \""
                  + std::string{rule.called} + "\" in prompts");
    return {};
  }

  /// Each of the role's own prompts must be used by another, and none may wait for itself.
  config_result<void> check_order() {
    std::set<std::string, std::less<>> ready{std::string{system_prompt}};
    auto can_be_asked = [&](const std::string& called) {
      const auto& variables = made_.prompts.at(called).variables();
      return std::all_of(variables.begin(), variables.end(), [&](const auto& variable) {
        return !made_.prompts.contains(variable.first) || ready.contains(variable.first);
      });
    };
    for (bool more = true; std::exchange(more, false);)
      for (const auto& one : written_)
        if (!ready.contains(one.called()) && can_be_asked(one.called()))
          more = ready.insert(one.called()).second;
    for (const auto& one : written_) {
      if (!ready.contains(one.called()))
        return one.key.fail("the prompt \"" + one.called()
                            + "\" uses what the model says to itself");
      if (one.is_own() && !is_used(one.called()))
        return one.key.fail("no other prompt uses {{" + one.called()
                            + "}}, what the model says to this one" + meant(one.called()));
    }
    return {};
  }

  bool is_used(std::string_view variable) const {
    return std::any_of(made_.prompts.begin(), made_.prompts.end(),
                       [&](const auto& one) { return one.second.uses(variable); });
  }

  std::string meant(const std::string& prompt_name) const {
    std::vector<std::string_view> known;
    for (const auto& other : written_)
      if (other.rule)
        known.push_back(other.rule->called);
    return did_you_mean(prompt_name, known);
  }

  /// What is declared and not used is a name that was written wrongly somewhere else.
  config_result<void> check_uses() {
    for (const auto& [called, variable] : made_.variables)
      if (!is_used(called))
        return at(variable, "no prompt uses {{" + called + "}}");
    for (const auto& [key, value] : partial_nodes_)
      if (std::none_of(made_.prompts.begin(), made_.prompts.end(), [&key = key](const auto& one) {
            return one.second.partials().contains(key.raw().Scalar());
          }))
        return key.fail("no prompt uses the partial {{> " + key.raw().Scalar() + "}}");
    return {};
  }

  const yaml_node& role_;
  const role_prompts::sections& given_;
  std::string_view file_text_;
  const mind_kind& kind_;
  const RoleInfo& of_;
  template_partials partials_;
  std::vector<std::pair<yaml_node, yaml_node>> partial_nodes_;
  std::vector<written_prompt> written_;
  role_prompts made_;
};

} // namespace

config_result<role_prompts> role_prompts::read(const yaml_node& role_node, const sections& given,
                                               std::string_view file_text, const mind_kind& kind,
                                               const RoleInfo& of) {
  return role_prompts_reader{role_node, given, file_text, kind, of}.read();
}

} // namespace troupe
