#include "config/prices.hpp"
#include "config/providers.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/interrupts.hpp"
#include "nodes/cli/load_settings.hpp"
#include "nodes/cli/model_check.hpp"
#include "nodes/cli/node_providers.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/read_key.hpp"
#include "telemetry/text_escape.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace troupe::cli {

namespace {

struct listed_model {
  std::string name; ///< as a role calls it
  std::vector<std::string> aliases;
  const provider_config* provider = nullptr; ///< null: built in
  std::string model;
};

/// Every model that the configuration names. A provider without a list has one row for any name.
std::vector<listed_model> models_of(const models_catalog& all) {
  std::vector<listed_model> rows{{"offline", {}, nullptr, "offline"}};
  for (const auto& provider : all.providers) {
    auto* asked = provider.kind == provider_config::api::offline ? nullptr : &provider;
    for (const auto& model : provider.models)
      rows.push_back({provider.name + "/" + model, {}, asked, model});
    if (provider.models.empty())
      rows.push_back({provider.name + "/*", {}, asked, ""});
  }
  for (const auto& [alias, target] : all.aliases) {
    auto named = std::find_if(rows.begin(), rows.end(),
                              [&to = target](const listed_model& row) { return row.name == to; });
    if (named == rows.end()) { // of a provider that takes any name
      auto found = resolve_model(all, target);
      named = rows.insert(rows.end(), {target, {}, found->provider, found->model});
    }
    named->aliases.push_back(alias);
  }
  return rows;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts)
    all += (all.empty() ? "" : ", ") + text;
  return all;
}

std::int64_t today() {
  auto now = std::chrono::system_clock::now();
  return std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
}

/// How the providers of the running cluster are; empty if none runs, and none was named.
cli_result<std::vector<node_providers>> states_of(const cluster_flags& flags) {
  interrupts signals;
  auto cluster = attach(flags, signals.fd());
  bool named = !flags.peer.empty() || !flags.data.empty();
  if (!cluster && (named || cluster.error().exit_code != exit_unavailable))
    return unexpected{cluster.error()};
  if (!cluster)
    return std::vector<node_providers>{};
  return ask_providers(*cluster);
}

/// Dollars for a million tokens.
std::string shown_price(nano_usd for_a_token) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", static_cast<double>(for_a_token) / 1'000);
  return text;
}

/// Whether the keys can be read, in a few words; never a key.
std::string state_of_keys(const provider_config& provider) {
  if (provider.keys.empty())
    return "none";
  for (std::size_t i = 0; i < provider.keys.size(); ++i)
    if (auto read = read_key(provider.keys[i].place, provider.name, i); !read)
      return read.error();
  return provider.keys.size() == 1 ? "there" : std::to_string(provider.keys.size()) + " there";
}

json tokens_json(const token_prices& price) {
  auto per_million = [](nano_usd each) { return static_cast<double>(each) / 1'000; };
  return {{"input", per_million(price.input)},
          {"output", per_million(price.output)},
          {"cached", per_million(price.cached)},
          {"cache_written", per_million(price.cache_written)},
          {"reasoning", per_million(price.reasoning)}};
}

/// As `prices` of a provider in the configuration has it.
json price_json(const model_price& price) {
  constexpr double percent = 100;
  auto made = tokens_json(price.base);
  made["request"] = usd_of(price.request);
  made["batch"] = price.batch_percent / percent;
  if (price.long_above != 0) {
    made["above"] = tokens_json(price.above);
    made["above"]["tokens"] = price.long_above;
  }
  made["date"] = price.date;
  made["source"] = price.source;
  return made;
}

json model_json(const listed_model& row, const model_price* price) {
  json made{{"name", row.name}, {"aliases", row.aliases}};
  if (row.provider) {
    made["provider"] = row.provider->name;
    made["kind"] = to_string(row.provider->kind);
    made["base_url"] = row.provider->base_url;
    made["key"] = state_of_keys(*row.provider);
    made["calls_max"] = row.provider->calls_max;
  } else {
    made["provider"] = "offline";
  }
  if (price)
    made["price_usd_per_million_tokens"] = price_json(*price);
  return made;
}

int list(const models_catalog& all, const models_command& wanted) {
  auto states = states_of(wanted.cluster);
  if (!states)
    return report(states.error(), wanted.as_json);
  auto old = old_prices(all, known_prices(), today());
  auto colours = terminal_of(STDOUT_FILENO).colours;
  auto listed = json::array();
  std::vector<std::vector<std::string>> rows{
      {"MODEL", "ALIASES", "API", "KEY", "INPUT $/M", "OUTPUT $/M", "AT"}};
  for (const auto& row : models_of(all)) {
    auto* price = row.provider ? price_of(*row.provider, row.model, known_prices()) : nullptr;
    listed.push_back(model_json(row, price));
    auto of = [&](auto word) { return row.provider ? word(*row.provider) : std::string{"-"}; };
    auto built_in = !row.provider;
    rows.push_back({row.name, joined(row.aliases),
                    built_in ? "built in" : std::string{to_string(row.provider->kind)},
                    of([](const auto& p) { return state_of_keys(p); }),
                    built_in ? "0"
                    : price  ? shown_price(price->base.input)
                             : "?",
                    built_in ? "0"
                    : price  ? shown_price(price->base.output)
                             : "?",
                    of([](const auto& p) { return p.base_url; })});
  }
  if (wanted.as_json) {
    json made{{"models", std::move(listed)}, {"providers", providers_json(*states)}};
    if (!old.empty())
      made["warning"] = old;
    print_json(made);
    return exit_ok;
  }
  print(table(rows, colours));
  if (auto health = providers_text(*states, colours); !health.empty())
    print("\n" + health);
  if (!old.empty())
    print("\nwarning: " + one_line(old) + "\n");
  return exit_ok;
}

/// The first model that the configuration names of each provider, or that provider without one.
std::vector<listed_model> first_of_each(const models_catalog& all) {
  auto rows = models_of(all);
  std::vector<listed_model> chosen;
  for (const auto& provider : all.providers) {
    auto first = std::find_if(rows.begin(), rows.end(), [&](const listed_model& row) {
      return row.provider == &provider && !row.model.empty();
    });
    if (first != rows.end())
      chosen.push_back(*first);
    else if (provider.kind != provider_config::api::offline)
      chosen.push_back({provider.name, {}, &provider, ""});
  }
  return chosen;
}

/// `name` is that of a model, of an alias or of a provider; none: one model of each provider.
cli_result<std::vector<listed_model>> chosen(const models_catalog& all, const std::string& name) {
  if (name.empty())
    return first_of_each(all);
  auto found = resolve_model(all, name);
  if (found)
    return std::vector<listed_model>{{name, {}, found->provider, found->model}};
  for (auto& row : first_of_each(all))
    if (row.provider->name == name && !row.model.empty())
      return std::vector<listed_model>{std::move(row)};
  auto* provider = all.find(name);
  if (provider && provider->kind == provider_config::api::offline)
    return std::vector<listed_model>{{name, {}, nullptr, "offline"}};
  return unexpected{cli_error{
      exit_usage, "unknown_model",
      provider ? "provider " + name + " names no model: troupe models check " + name + "/MODEL"
               : found.error()}};
}

struct checked_model {
  json told;
  std::string line; ///< for a terminal
  bool failed = false;
  bool interrupted = false;
};

/// "60 requests (59 left)"; empty: the provider has said nothing of it.
std::string limit_text(const told_limit& of, std::string_view what) {
  if (!of.limit && !of.remaining)
    return {};
  auto text = of.limit ? std::to_string(*of.limit) + " " + std::string{what} : std::string{what};
  return of.remaining ? text + " (" + std::to_string(*of.remaining) + " left)" : text;
}

std::string limits_text(const limit_headers& of) {
  auto requests = limit_text(of.requests(), "requests"), tokens = limit_text(of.tokens(), "tokens");
  if (requests.empty() && tokens.empty())
    return {};
  return "; limits: " + requests + (requests.empty() || tokens.empty() ? "" : ", ") + tokens;
}

json limit_json(const told_limit& of) {
  json made = json::object();
  if (of.limit)
    made["limit"] = *of.limit;
  if (of.remaining)
    made["remaining"] = *of.remaining;
  if (of.reset)
    made["reset_ms"] = std::chrono::ceil<std::chrono::milliseconds>(*of.reset).count();
  return made;
}

checked_model check_row(const models_catalog& all, const listed_model& row, int interrupt_fd,
                        bool colours) {
  auto line = [&](std::string_view word, colour in, const std::string& rest) {
    return painted(std::string{word}, in, colours) + one_line(row.name) + "  " + rest + "\n";
  };
  if (row.model.empty()) {
    auto why = "names no model: troupe models check " + row.name + "/MODEL";
    return {{{"name", row.name}, {"skipped", why}},
            line("skipped  ", colour::yellow, one_line(why))};
  }
  model_check done;
  if (row.provider)
    done = check_model(all, {row.provider, row.model}, interrupt_fd);
  bool fine = done.why.code == ec::none;
  json told{{"name", row.name}, {"ok", fine}, {"ms", done.took.count()}};
  if (!fine)
    told["error"] = to_json(done.why);
  if (done.limits.is_told())
    told["limits"] = {{"requests", limit_json(done.limits.requests())},
                      {"tokens", limit_json(done.limits.tokens())}};
  auto words =
      fine ? "answered in " + human_duration(done.took) + (row.provider ? "" : ": it is built in")
           : one_line(done.why.message);
  words += limits_text(done.limits);
  return {std::move(told),
          line(fine ? "ok       " : "failed   ", fine ? colour::green : colour::red, words), !fine,
          done.why.code == ec::cancelled};
}

int check(const models_catalog& all, const models_command& wanted) {
  auto rows = chosen(all, wanted.model);
  if (!rows)
    return report(rows.error(), wanted.as_json);
  interrupts signals;
  auto results = json::array();
  bool failed = false;
  auto colours = terminal_of(STDOUT_FILENO).colours;
  for (const auto& row : *rows) {
    auto checked = check_row(all, row, signals.fd(), colours);
    if (checked.interrupted)
      return exit_interrupted;
    failed = failed || checked.failed;
    results.push_back(std::move(checked.told));
    if (!wanted.as_json)
      print(checked.line);
  }
  if (wanted.as_json)
    print_json({{"checked", std::move(results)}});
  else if (rows->empty())
    print("There is nothing to check: the configuration has no provider\n");
  return failed ? exit_failed : exit_ok;
}

} // namespace

int cmd_models(const models_command& wanted) {
  auto cfg = load_settings(wanted.config, wanted.set);
  if (!cfg)
    return report(cfg.error(), wanted.as_json);
  return wanted.check ? check(cfg->catalog, wanted) : list(cfg->catalog, wanted);
}

} // namespace troupe::cli
