#include "nodes/simulate/simulation_rules.hpp"

#include "config/base/split_mix.hpp"
#include "config/yaml.hpp"

namespace troupe {

bool fits_glob(std::string_view pattern, std::string_view text) {
  std::size_t at = 0, star = pattern.npos, resumed = 0, i = 0;
  while (i < text.size()) {
    if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[i])
        && pattern[at] != '*') {
      ++at, ++i;
    } else if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resumed = i;
    } else if (star != pattern.npos) {
      at = star + 1;
      i = ++resumed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

config_result<simulation_rules::simulation_rule>
simulation_rules::read_rule(const yaml_node& node) {
  simulation_rule made;
  yaml_reader in(node, "rule");
  in.may("model", made.model);
  in.may("contains", made.contains);
  in.may("key", made.key);
  in.may("first", made.first);
  in.may("share", made.share, 0.0, 1.0);
  if (auto stream = in.may("stream")) {
    bool value = false;
    auto flag = stream->flag();
    if (!flag)
      return unexpected{std::move(flag.error())};
    value = *flag;
    made.stream = value;
  }
  if (auto api = in.may("api")) {
    for (auto one : {provider_api::chat, provider_api::embeddings, provider_api::messages,
                     provider_api::count})
      if (api->is_scalar() && to_string(one) == api->raw().Scalar())
        made.api = one;
    if (!made.api)
      return api->fail("expected chat, embeddings, messages or count, found " + api->found());
  }
  behaviour checked_on;
  for (auto key : behaviour_keys())
    if (auto value = in.may(key)) {
      auto text = value->text();
      if (!text)
        return unexpected{std::move(text.error())};
      if (auto problem = set_behaviour(checked_on, key, *text); !problem.empty())
        return value->fail(std::string{key} + ": " + problem);
      made.settings.emplace_back(key, std::move(*text));
    }
  if (auto done = in.done(); !done)
    return unexpected{std::move(done.error())};
  return made;
}

config_result<simulation_rules> simulation_rules::read(const config_result<yaml_node>& root) {
  if (!root)
    return unexpected{root.error()};
  simulation_rules made;
  yaml_reader in(*root, "the file");
  if (auto list = in.need("rules")) {
    auto items = list->list();
    if (!items)
      return unexpected{std::move(items.error())};
    for (const auto& item : *items) {
      auto one = read_rule(item);
      if (!one)
        return unexpected{std::move(one.error())};
      made.counts_ = made.counts_ || one->first > 0 || one->share < 1;
      made.rules_.push_back(std::move(*one));
    }
  }
  if (auto done = in.done(); !done)
    return unexpected{std::move(done.error())};
  return made;
}

config_result<simulation_rules> simulation_rules::parse(std::string_view text,
                                                        const std::string& file) {
  return read(parse_yaml(text, file));
}

config_result<simulation_rules> simulation_rules::load(const std::filesystem::path& file) {
  return read(load_yaml(file));
}

bool simulation_rules::holds(const simulation_rule& one, const provider_request& request,
                             std::string_view key) {
  return (one.model.empty() || fits_glob(one.model, request.model))
         && (!one.api || *one.api == request.api) && (one.key.empty() || one.key == key)
         && (!one.stream || *one.stream == request.stream)
         && (one.contains.empty() || request.question.find(one.contains) != std::string::npos);
}

std::uint64_t simulation_rules::count(const provider_request& request) const {
  auto question = request.hash_hi ^ request.hash_lo;
  std::lock_guard lock{asked_->mutex};
  auto& [mutex, young, old] = *asked_;
  auto [found, is_new] = young.try_emplace(question, 0);
  if (is_new)
    if (auto before = old.find(question); before != old.end())
      found->second = before->second;
  auto counted = ++found->second;
  if (young.size() >= limits::simulate_questions_max)
    old = std::exchange(young, {});
  return counted;
}

void simulation_rules::apply(const provider_request& request, std::string_view key,
                             std::uint64_t seed, behaviour& of) const {
  if (rules_.empty())
    return;
  auto nth = counts_ ? count(request) : 0;
  // The n-th call with the same question draws the same in each run, and another than the one
  // before: what is tried again may succeed.
  split_mix random{seed ^ request.hash_lo, nth};
  for (const auto& one : rules_) {
    auto drawn = random.share();
    if (!holds(one, request, key) || (one.first > 0 && nth > one.first) || drawn >= one.share)
      continue;
    for (const auto& [name, value] : one.settings)
      set_behaviour(of, name, value);
    return;
  }
}

} // namespace troupe
