#include "config/providers.hpp"

#include "config/config.hpp"
#include "config/durations.hpp"
#include "config/key_word.hpp"
#include "config/keys.hpp"
#include "config/otlp_target.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"

#include <sys/stat.h>

#include <algorithm>

namespace troupe {

namespace {

using api = provider_config::api;
using loaded = config_result<void>;
namespace fs = std::filesystem;

constexpr std::string_view offline = "offline";

std::string_view standard_url(api kind) {
  return kind == api::anthropic ? "https://api.anthropic.com" : "https://api.openai.com/v1";
}

bool is_variable_name(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text.front())
         && std::all_of(text.begin(), text.end(),
                        [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// Visible ASCII, and spaces within.
bool is_header_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool is_header_name(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || marks.find(c) != std::string_view::npos;
  });
}

// -- one provider ---------------------------------------------------------------------------------

class provider_reader {
public:
  provider_reader(const std::string& name, const yaml_node& value, const fs::path& file)
      : value_(value), file_(file), in_(value, "provider " + name) {
    made_.name = name;
  }

  config_result<provider_config> read() {
    read_kind();
    read_models();
    if (made_.kind != api::offline)
      read_calls();
    if (auto done = in_.done(); !done)
      return unexpected{std::move(done).error()};
    return std::move(made_);
  }

private:
  void fail_at(std::string_view key, const std::string& why) {
    auto at = value_.find(key);
    in_.fail(
        (at ? *at : value_).error("provider " + made_.name + ": " + std::string(key) + ": " + why));
  }

  fs::path absolute(const fs::path& path) const {
    return path.empty() ? path : (fs::absolute(file_).parent_path() / path).lexically_normal();
  }

  void read_kind() {
    std::string kind;
    in_.need("kind", kind);
    constexpr api all[] = {api::openai, api::anthropic, api::offline, api::simulated};
    auto found = std::find_if(std::begin(all), std::end(all),
                              [&](api one) { return to_string(one) == kind; });
    if (found != std::end(all))
      made_.kind = *found;
    else if (!in_.failed())
      fail_at("kind", mismatch("openai, anthropic, offline or simulated", kind).error);
  }

  void read_models() {
    in_.may("models", made_.models);
    if (made_.models.size() > limits::provider_models_max)
      fail_at("models", "expected at most " + std::to_string(limits::provider_models_max)
                            + " models, found " + std::to_string(made_.models.size()));
  }

  /// Where its calls go and how.
  void read_calls() {
    if (made_.kind == api::simulated) {
      in_.may("simulate", made_.simulate);
    } else {
      read_url();
      read_keys();
    }
    read_headers();
    read_timeouts();
    in_.may("calls_max", made_.calls_max, 1, limits::provider_calls_max);
    in_.may("ca_file", made_.ca_file);
    made_.ca_file = absolute(made_.ca_file);
    read_own_prices();
    read_own_capabilities();
  }

  void read_url() {
    made_.base_url = standard_url(made_.kind);
    in_.may("base_url", made_.base_url);
    while (made_.base_url.ends_with('/'))
      made_.base_url.pop_back();
    constexpr auto expected = "http://HOST:PORT or https://HOST, perhaps with a path, such as "
                              "https://api.openai.com/v1";
    auto url = parse_otlp_url(made_.base_url, otlp_path::signal);
    if (!url)
      fail_at("base_url", mismatch(expected, "something else").error);
    else if (url->full != url->shown)
      fail_at("base_url", "expected no user, password or query in it: a key has its own keys here "
                          "(api_key_env, api_key_file), and headers can say the rest");
  }

  void read_keys() {
    read_key_of(value_, in_, 1);
    auto list = in_.may("keys");
    if (!list)
      return;
    auto items = list->list();
    if (!items)
      return in_.fail(std::move(items).error());
    for (const auto& item : *items) {
      yaml_reader one(item, "a key of provider " + made_.name);
      std::uint32_t weight = 1;
      one.may("weight", weight, 1, limits::key_weight_max);
      auto before = made_.keys.size();
      read_key_of(item, one, weight);
      if (made_.keys.size() == before)
        one.fail(item.error("expected api_key_env, api_key_file or api_key"));
      in_.keep(one.done());
    }
    if (made_.keys.size() > limits::provider_keys_max)
      fail_at("keys", "expected at most " + std::to_string(limits::provider_keys_max)
                          + " keys, found " + std::to_string(made_.keys.size()));
  }

  void read_key_of(const yaml_node& value, yaml_reader& in, std::uint32_t weight) {
    for (auto [word, kind] : key_words) {
      std::string what;
      in.may(word, what);
      if (what.empty())
        continue;
      if (kind == key_place::sort::variable && !is_variable_name(what))
        in.fail(value.find(word)->error(std::string(word) + ": "
                                        + mismatch("the name of a variable", what).error));
      if (kind != key_place::sort::variable)
        what = absolute(what).string();
      made_.keys.push_back({{kind, std::move(what)}, weight});
    }
    std::string secret;
    in.may("api_key", secret);
    if (secret.empty())
      return;
    made_.keys.push_back(
        {{key_place::sort::config_file, fs::absolute(file_).lexically_normal().string()}, weight});
    struct stat seen {};
    if (::stat(file_.c_str(), &seen) == 0 && (seen.st_mode & (S_IRWXG | S_IRWXO)) != 0)
      in.fail(value.find("api_key")->error(
          "api_key: others can read this file: chmod 600 it, or name the place of the key with "
          "api_key_env or api_key_file"));
  }

  void read_headers() {
    in_.may("headers", made_.headers);
    for (const auto& [name, text] : made_.headers)
      if (!is_header_name(name) || !is_header_value(text))
        fail_at("headers",
                "expected NAME: VALUE in visible ASCII, found the header \"" + name + "\"");
  }

  void read_timeouts() {
    auto given = in_.may("timeouts");
    if (!given)
      return;
    yaml_reader in(*given, "timeouts of provider " + made_.name);
    auto& to = made_.timeouts;
    for (auto [key, into] : {std::pair{"connect", &to.connect}, std::pair{"first", &to.first},
                             std::pair{"between", &to.between}, std::pair{"total", &to.total}}) {
      in.may(key, *into);
      if (into->count() <= 0 || *into > limits::provider_timeout_max)
        in.fail(given->find(key)->error(std::string(key) + ": expected a duration, at most "
                                        + format_duration(limits::provider_timeout_max)));
    }
    in_.keep(in.done());
  }

  void read_own_prices() {
    auto list = in_.may("prices");
    if (!list)
      return;
    constexpr bool own = true;
    auto read = read_prices(*list, own);
    if (!read)
      return in_.fail(std::move(read).error());
    if (read->size() > limits::provider_prices_max)
      fail_at("prices", "expected at most " + std::to_string(limits::provider_prices_max)
                            + " prices, found " + std::to_string(read->size()));
    made_.prices = *std::move(read);
  }

  void read_own_capabilities() {
    auto list = in_.may("capabilities");
    if (!list)
      return;
    constexpr bool own = true;
    auto read = read_capabilities(*list, own);
    if (!read)
      return in_.fail(std::move(read).error());
    if (read->size() > limits::provider_models_max)
      fail_at("capabilities", "expected at most " + std::to_string(limits::provider_models_max)
                                  + " models, found " + std::to_string(read->size()));
    made_.capabilities = *std::move(read);
  }

  const yaml_node& value_;
  const fs::path& file_;
  yaml_reader in_;
  provider_config made_;
};

/// Its calls cost what its own prices say, or nothing.
bool is_free(const provider_config& provider) {
  return provider.kind == api::simulated || provider.kind == api::offline;
}

std::string names_of(const models_catalog& all) {
  std::string names{offline};
  for (const auto& [alias, target] : all.aliases)
    names += ", " + alias;
  for (const auto& route : all.routes)
    names += ", " + route.name;
  for (const auto& provider : all.providers) {
    if (provider.models.empty())
      names += ", " + provider.name + "/MODEL";
    for (const auto& model : provider.models)
      names += ", " + provider.name + "/" + model;
  }
  return names;
}

} // namespace

std::string_view to_string(provider_config::api kind) {
  switch (kind) {
    case api::openai:
      return "openai";
    case api::anthropic:
      return "anthropic";
    case api::offline:
      return "offline";
    case api::simulated:
      return "simulated";
  }
  return "unknown";
}

const model_price* price_of(const provider_config& provider, std::string_view model,
                            const std::vector<model_price>& known) {
  if (auto own = find_price(provider.prices, model))
    return own;
  return is_free(provider) ? nullptr : find_price(known, model);
}

std::string old_prices(const models_catalog& all, const std::vector<model_price>& known,
                       std::int64_t today) {
  std::string_view oldest;
  auto look_at = [&](const model_price* price) {
    if (!price || !price->is_old(today))
      return;
    if (oldest.empty() || price->date < oldest)
      oldest = price->date;
  };
  for (const auto& provider : all.providers) {
    for (const auto& model : provider.models)
      look_at(price_of(provider, model, known));
    if (provider.models.empty() && !is_free(provider)) // any of them may be asked
      for (const auto& price : known)
        look_at(&price);
  }
  if (oldest.empty())
    return {};
  return "the prices of models are older than " + std::to_string(limits::price_age_days_max)
         + " days (the oldest is of " + std::string(oldest)
         + "): costs may be wrong; `prices` of a provider in the configuration says others";
}

const provider_config* models_catalog::find(std::string_view provider) const {
  for (const auto& one : providers)
    if (one.name == provider)
      return &one;
  return nullptr;
}

const route_config* models_catalog::find_route(std::string_view route) const {
  for (const auto& one : routes)
    if (one.name == route)
      return &one;
  return nullptr;
}

outcome<resolved_model, std::string> resolve_model(const models_catalog& all,
                                                   std::string_view asked) {
  if (asked.empty())
    asked = offline;
  std::string_view meant = asked;
  if (auto alias = all.aliases.find(std::string(asked)); alias != all.aliases.end())
    meant = alias->second;
  if (meant == offline || meant == "offline/offline")
    return resolved_model{nullptr, std::string(offline)};
  auto slash = meant.find('/');
  auto provider = slash == meant.npos ? nullptr : all.find(meant.substr(0, slash));
  auto model = slash == meant.npos ? std::string_view{} : meant.substr(slash + 1);
  auto has = [&] {
    const auto& known = provider->models;
    return known.empty() || std::find(known.begin(), known.end(), model) != known.end();
  };
  if (provider && !model.empty() && has()) {
    if (provider->kind == api::offline)
      return resolved_model{nullptr, std::string(offline)};
    return resolved_model{provider, std::string(model)};
  }
  return unexpected{"there is no model \"" + std::string(asked)
                    + "\" here; the models there are: " + names_of(all)};
}

config_result<std::vector<provider_config>> read_providers(const yaml_node& section,
                                                           const fs::path& file) {
  auto fields = section.fields();
  if (!fields)
    return section.fail("providers: expected a mapping from a name to {kind, base_url, ...}, found "
                        + section.found());
  if (fields->size() > limits::providers_max)
    return section.fail("providers: expected at most " + std::to_string(limits::providers_max)
                        + " providers, found " + std::to_string(fields->size()));
  std::vector<provider_config> all;
  for (const auto& [field, value] : *fields) {
    const auto& name = field.raw().Scalar();
    if (auto fine = check_plain_name(name); !fine)
      return field.fail("the name of a provider: " + fine.error());
    if (name == offline)
      return field.fail("offline is built in: another provider needs another name");
    auto read = provider_reader{name, value, file}.read();
    if (!read)
      return unexpected{std::move(read).error()};
    all.push_back(*std::move(read));
  }
  return all;
}

config_result<std::map<std::string, std::string>> read_aliases(const yaml_node& section) {
  auto fields = section.fields();
  if (!fields)
    return section.fail("aliases: expected a mapping from a name to PROVIDER/MODEL, found "
                        + section.found());
  if (fields->size() > limits::model_aliases_max)
    return section.fail("aliases: expected at most " + std::to_string(limits::model_aliases_max)
                        + " aliases, found " + std::to_string(fields->size()));
  std::map<std::string, std::string> all;
  for (const auto& [field, value] : *fields) {
    const auto& name = field.raw().Scalar();
    if (auto fine = check_plain_name(name); !fine)
      return field.fail("the name of an alias: " + fine.error());
    if (name == offline)
      return field.fail("offline is the built-in model: an alias needs another name");
    auto target = value.text();
    if (!target)
      return unexpected{std::move(target).error()};
    all.emplace(name, *std::move(target));
  }
  return all;
}

loaded check_aliases(const models_catalog& all, const yaml_node& section) {
  auto without_aliases = models_catalog{all.providers, {}, {}};
  for (const auto& [alias, target] : all.aliases)
    if (auto found = resolve_model(without_aliases, target); !found)
      return section.find(alias)->fail("aliases." + alias + ": " + found.error());
  return {};
}

} // namespace troupe
