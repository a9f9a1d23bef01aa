#include "config/model_capabilities.hpp"

#include "config/config.hpp"
#include "config/embedded_list.hpp"
#include "config/limits/choosing.hpp"
#include "config/model_versions.hpp"
#include "config/yaml.hpp"
#include "config/yaml_text.hpp"

namespace troupe {

namespace {

config_result<model_capabilities> read_one(const yaml_node& value, bool own) {
  model_capabilities made;
  std::string tier;
  constexpr auto most = static_cast<std::int64_t>(limits::context_tokens_max);
  yaml_reader in(value, "capabilities of a model");
  in.need("model", made.model);
  in.need("tier", tier);
  in.may("context", made.context_tokens, 1, most);
  in.may("output", made.output_tokens, 1, most);
  in.may("tools", made.tools);
  in.may("images", made.images);
  in.may("json_schema", made.json_schema);
  in.may("quantization", made.quantization);
  if (own) {
    in.may("date", made.date);
    in.may("source", made.source);
  } else {
    in.need("date", made.date);
    in.need("source", made.source);
  }
  if (auto read = to_model_tier(tier))
    made.tier = *read;
  else if (auto at = value.find("tier"); at && !in.failed())
    in.fail(at->error("tier: expected small, medium or large, found " + at->found()));
  if (auto done = in.done(); !done)
    return unexpected{std::move(done).error()};
  return made;
}

} // namespace

std::string_view to_string(model_tier tier) {
  switch (tier) {
    case model_tier::small:
      return "small";
    case model_tier::medium:
      return "medium";
    case model_tier::large:
      return "large";
  }
  return "unknown";
}

std::optional<model_tier> to_model_tier(std::string_view word) {
  for (auto tier : {model_tier::small, model_tier::medium, model_tier::large})
    if (to_string(tier) == word)
      return tier;
  return std::nullopt;
}

const std::vector<model_capabilities>& known_capabilities() {
  static const auto all = read_embedded_list<model_capabilities>(
      "capabilities", [](const yaml_node& list) { return read_capabilities(list); });
  return all;
}

const model_capabilities* find_capabilities(const std::vector<model_capabilities>& all,
                                            std::string_view model) {
  return find_version(all, model);
}

config_result<std::vector<model_capabilities>> read_capabilities(const yaml_node& list, bool own) {
  auto items = list.list();
  if (!items)
    return unexpected{std::move(items).error()};
  std::vector<model_capabilities> all;
  for (const auto& item : *items) {
    auto read = read_one(item, own);
    if (!read)
      return unexpected{std::move(read).error()};
    all.push_back(*std::move(read));
  }
  return all;
}

std::string show_capabilities(const model_capabilities& of) {
  auto word = [](bool can) { return can ? "true" : "false"; };
  auto shown = "{model: " + yaml_scalar(of.model) + ", tier: " + std::string(to_string(of.tier));
  if (of.context_tokens != 0)
    shown += ", context: " + std::to_string(of.context_tokens);
  if (of.output_tokens != 0)
    shown += ", output: " + std::to_string(of.output_tokens);
  shown.append(", tools: ").append(word(of.tools));
  shown.append(", images: ").append(word(of.images));
  shown.append(", json_schema: ").append(word(of.json_schema));
  if (!of.quantization.empty())
    shown += ", quantization: " + yaml_scalar(of.quantization);
  if (!of.date.empty())
    shown += ", date: " + yaml_scalar(of.date);
  if (!of.source.empty())
    shown += ", source: " + yaml_scalar(of.source);
  return shown + "}";
}

} // namespace troupe
