#include "config/config.hpp"

#include "config/base/host_port.hpp"
#include "config/base/utf8.hpp"
#include "config/keys.hpp"
#include "config/limits/messages.hpp"
#include "config/otlp_target.hpp"
#include "config/safety_section.hpp"
#include "config/suggest.hpp"
#include "config/yaml.hpp"

#include <algorithm>
#include <set>

extern char** environ;

namespace troupe {

namespace {

using loaded = config_result<void>;

constexpr std::string_view environment_prefix = "TROUPE_";
constexpr std::string_view otel_prefix = "OTEL_";
constexpr std::string_view providers_section = "providers", aliases_section = "aliases",
                           routes_section = "routes", safety_section = "safety";

/// Variables with our prefix that are not keys: other parts read them.
constexpr std::string_view other_variables[] = {"TROUPE_REQUIRE",
                                                "TROUPE_DATA",
                                                "TROUPE_PEER",
                                                "TROUPE_CONFIG",
                                                "TROUPE_SECRET_FILE",
                                                "TROUPE_JAEGER_PORT",
                                                "TROUPE_JAEGER_OTLP_PORT",
                                                "TROUPE_LLAMA_PORT",
                                                "TROUPE_SERVERS",
                                                "TROUPE_JOBS"};
constexpr std::string_view test_prefix = "TROUPE_TEST_";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// In each container of a namespace, Kubernetes sets variables for each Service there (Docker does
/// so for its links). Those of a Service called "troupe" or "troupe-http" begin as ours do:
/// NAME_SERVICE_HOST, NAME_SERVICE_PORT, NAME_SERVICE_PORT_WORD, NAME_PORT and, with the numbers of
/// ports, NAME_PORT_4700_TCP, NAME_PORT_4700_TCP_ADDR and so on.
bool is_service_variable(std::string_view variable, std::string_view value) {
  variable.remove_prefix(environment_prefix.size() - 1); // "_SERVICE_HOST" too
  auto is_url = [](std::string_view text) {
    return text.starts_with("tcp://") || text.starts_with("udp://") || text.starts_with("sctp://");
  };
  if (variable.ends_with("_SERVICE_HOST"))
    return true;
  if (variable.find("_SERVICE_PORT") != std::string_view::npos)
    return is_number(value);
  if (variable.ends_with("_PORT") && is_url(value))
    return true;
  constexpr std::string_view port = "_PORT_";
  for (auto at = variable.find(port); at != std::string_view::npos;
       at = variable.find(port, at + 1)) {
    auto rest = variable.substr(at + port.size());
    auto digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    auto protocol = rest.substr(digits);
    if (digits == 0)
      continue;
    for (std::string_view known : {"_TCP", "_UDP", "_SCTP"})
      if (protocol.starts_with(known)) {
        auto what = protocol.substr(known.size());
        if (what.empty() || what == "_PROTO" || what == "_PORT" || what == "_ADDR")
          return true;
      }
  }
  return false;
}

bool is_other_variable(std::string_view variable) {
  return variable.starts_with(test_prefix)
         || std::find(std::begin(other_variables), std::end(other_variables), variable)
                != std::end(other_variables);
}

/// `error` about the value of `key`, with its place.
unexpected<config_error> wrong(config_error place, std::string_view key, const std::string& why) {
  place.message = std::string(key) + ": " + why;
  return {std::move(place)};
}

// -- file -----------------------------------------------------------------------------------------

std::vector<std::string_view> section_names() {
  std::vector<std::string_view> all;
  for (const auto& key : config_keys())
    if (all.empty() || all.back() != key.section())
      all.push_back(key.section());
  return all;
}

config_result<member_config> read_member(const yaml_node& value) {
  member_config made;
  yaml_reader in(value, "a member");
  in.need("id", made.id);
  in.need("name", made.name);
  in.need("address", made.address);
  if (auto read = in.done(); !read)
    return unexpected{std::move(read).error()};
  auto check = [&](std::string_view field, const outcome<void, std::string>& checked) {
    if (!checked)
      in.fail(value.find(field)->error(std::string(field) + " of a member: " + checked.error()));
  };
  check("id", check_node_id(made.id));
  check("name", check_plain_name(made.name));
  auto where = parse_listen(made.address);
  if (!where)
    check("address", unexpected{std::move(where).error()});
  else if (where->port == 0)
    check("address", mismatch("HOST:PORT with a port that others can dial", made.address));
  if (auto read = in.done(); !read)
    return unexpected{std::move(read).error()};
  return made;
}

loaded read_members(node_config& cfg, const yaml_node& value) {
  auto items = value.list();
  if (!items)
    return value.fail("cluster.members: expected a list of {id, name, address}, found "
                      + value.found());
  if (items->size() > limits::members_max)
    return value.fail("cluster.members: expected at most " + std::to_string(limits::members_max)
                      + " members, found " + std::to_string(items->size()));
  std::set<std::string> taken;
  for (const auto& item : *items) {
    auto member = read_member(item);
    if (!member)
      return unexpected{std::move(member).error()};
    for (auto* field : {"id", "name", "address"}) {
      auto text = item.find(field)->raw().Scalar();
      if (!taken.insert(std::string(field) + " " + text).second)
        return item.find(field)->fail("cluster.members: two members have the " + std::string(field)
                                      + " " + text);
    }
    cfg.cluster.members.push_back(*std::move(member));
  }
  return {};
}

loaded read_value(node_config& cfg, const config_key& key, const yaml_node& value) {
  if (key.kind == key_kind::members)
    return read_members(cfg, value);
  if (!value.is_scalar() || (key.kind == key_kind::number && value.is_quoted()))
    return wrong(value.error({}), key.name, "expected " + key.type + ", found " + value.found());
  if (auto set = key.set(cfg, value.raw().Scalar()); !set)
    return wrong(value.error({}), key.name, set.error());
  return {};
}

/// What was perhaps meant; if nothing is near, all there are.
std::string guess_or_list(std::string_view word, const std::vector<std::string_view>& names) {
  auto text = did_you_mean(word, names);
  if (!text.empty())
    return text;
  for (auto each : names)
    text.append(text.empty() ? "; expected one of " : ", ").append(each);
  return text;
}

loaded read_section(node_config& cfg, std::string_view section, const yaml_node& values) {
  if (values.is_null())
    return {}; // all of its keys are commented out
  auto fields = values.fields();
  if (!fields)
    return values.fail(std::string(section) + ": expected a mapping, found " + values.found());
  std::vector<std::string_view> leaves;
  for (const auto& key : config_keys())
    if (key.section() == section)
      leaves.push_back(key.leaf());
  for (const auto& [field, value] : *fields) {
    const auto& leaf = field.raw().Scalar();
    auto full = std::string(section) + "." + leaf;
    auto key = find_config_key(full);
    if (!key)
      return field.fail(full + " is not a key of the configuration" + guess_or_list(leaf, leaves));
    if (auto read = read_value(cfg, *key, value); !read)
      return read;
    cfg.origins[full] = value.file() + ":" + std::to_string(field.line());
  }
  return {};
}

/// A section that the table of keys does not know.
loaded read_other(node_config& cfg, std::string_view section, const yaml_node& values,
                  const std::filesystem::path& file) {
  if (values.is_null())
    return {}; // all of its entries are commented out
  if (section == providers_section) {
    auto read = read_providers(values, file);
    if (!read)
      return unexpected{std::move(read).error()};
    cfg.catalog.providers = *std::move(read);
  } else if (section == routes_section) {
    auto read = read_routes(values);
    if (!read)
      return unexpected{std::move(read).error()};
    cfg.catalog.routes = *std::move(read);
  } else if (section == safety_section) {
    auto read = read_safety(values, file);
    if (!read)
      return unexpected{std::move(read).error()};
    cfg.safety = *std::move(read);
  } else {
    auto read = read_aliases(values);
    if (!read)
      return unexpected{std::move(read).error()};
    cfg.catalog.aliases = *std::move(read);
  }
  return {};
}

loaded read_file(node_config& cfg, const std::filesystem::path& file) {
  auto root = load_yaml(file);
  if (!root)
    return unexpected{std::move(root).error()};
  if (root->is_null())
    return {};
  auto fields = root->fields();
  if (!fields)
    return unexpected{std::move(fields).error()};
  auto sections = section_names();
  constexpr std::string_view others[] = {providers_section, aliases_section, routes_section,
                                         safety_section};
  for (auto named : others)
    sections.push_back(named);
  for (const auto& [field, values] : *fields) {
    const auto& section = field.raw().Scalar();
    if (std::find(sections.begin(), sections.end(), section) == sections.end())
      return field.fail(section + " is not a section of the configuration"
                        + did_you_mean(section, sections));
    bool is_other = std::find(std::begin(others), std::end(others), section) != std::end(others);
    auto read =
        is_other ? read_other(cfg, section, values, file) : read_section(cfg, section, values);
    if (!read)
      return read;
  }
  if (auto aliases = root->find(aliases_section); aliases && !aliases->is_null())
    if (auto fine = check_aliases(cfg.catalog, *aliases); !fine)
      return fine;
  if (auto routes = root->find(routes_section); routes && !routes->is_null())
    return check_routes(cfg.catalog.routes, cfg.catalog, *routes);
  return {};
}

// -- environment and flags ------------------------------------------------------------------------

/// The variables of OpenTelemetry are kept unchanged for the exporter, but a sampler applies at
/// once. Errors in them are reported when a node starts, because the variables are not only for us.
void read_otel(node_config& cfg, const std::map<std::string, std::string>& variables) {
  for (const auto& [variable, value] : variables)
    if (variable.starts_with(otel_prefix))
      cfg.telemetry.otel.emplace(variable, value);
  if (auto ratio = otel_sample_ratio(cfg.telemetry.otel)) {
    cfg.telemetry.sample_ratio = *ratio;
    cfg.origins["telemetry.sample_ratio"] = "environment OTEL_TRACES_SAMPLER";
  }
}

/// Sets a key from text that is not from a file: a shell may pass any bytes. Paths may also be any
/// bytes.
outcome<void, std::string> set_checked(node_config& cfg, const config_key& key,
                                       const std::string& value) {
  if (key.type != "path" && !is_utf8(value))
    return unexpected{"expected UTF-8 text, found \"" + valid_utf8(value) + "\""};
  return key.set(cfg, value);
}

loaded read_environment(node_config& cfg, const std::map<std::string, std::string>& variables) {
  std::vector<std::string> known;
  for (const auto& key : config_keys())
    known.push_back(environment_name(key.name));
  std::vector<std::string_view> names(known.begin(), known.end());
  names.insert(names.end(), std::begin(other_variables), std::end(other_variables));
  for (const auto& [variable, value] : variables) {
    if (!variable.starts_with(environment_prefix) || is_other_variable(variable))
      continue;
    config_error place{"environment", 0, 0, {}};
    auto found = std::find(known.begin(), known.end(), variable);
    if (found == known.end() && is_service_variable(variable, value))
      continue;
    if (found == known.end()) {
      place.message =
          variable + " is not a variable of the configuration" + did_you_mean(variable, names);
      return unexpected{std::move(place)};
    }
    const auto& key = config_keys()[static_cast<std::size_t>(found - known.begin())];
    if (auto set = set_checked(cfg, key, value); !set)
      return wrong(std::move(place), variable, set.error());
    cfg.origins[std::string(key.name)] = "environment " + variable;
  }
  return {};
}

loaded read_flags(node_config& cfg, const std::vector<std::pair<std::string, std::string>>& flags) {
  for (const auto& [flag, value] : flags) {
    config_error place{"command line", 0, 0, {}};
    auto key = find_config_key(flag);
    if (!key) {
      std::vector<std::string_view> names;
      for (const auto& candidate : config_keys())
        names.push_back(candidate.name);
      place.message = flag + " is not a key of the configuration" + did_you_mean(flag, names);
      return unexpected{std::move(place)};
    }
    if (auto set = set_checked(cfg, *key, value); !set)
      return wrong(std::move(place), flag, set.error());
    cfg.origins[flag] = "flag";
  }
  return {};
}

// -- what no single key can tell ------------------------------------------------------------------

bool same_id(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

loaded check_together(const node_config& cfg) {
  const auto& members = cfg.cluster.members;
  if (members.empty() || cfg.node.id.empty())
    return {};
  auto self = std::find_if(members.begin(), members.end(),
                           [&](const auto& m) { return same_id(m.id, cfg.node.id); });
  if (self != members.end())
    return {};
  config_error place{cfg.origins.at("node.id"), 0, 0, {}};
  return wrong(std::move(place), "node.id",
               "expected the id of one of cluster.members (" + cfg.origins.at("cluster.members")
                   + "), found \"" + cfg.node.id + "\"");
}

} // namespace

std::string to_string(const config_error& e) {
  auto place = e.file;
  if (e.line > 0) {
    place += ":" + std::to_string(e.line);
    if (e.column > 0)
      place += ":" + std::to_string(e.column);
  }
  return place.empty() ? e.message : place + ": " + e.message;
}

std::map<std::string, std::string> troupe_environment() {
  std::map<std::string, std::string> found;
  for (auto entry = environ; entry && *entry; ++entry) {
    std::string_view variable(*entry);
    auto equals = variable.find('=');
    if (equals != std::string_view::npos
        && (variable.starts_with(environment_prefix) || variable.starts_with(otel_prefix)))
      found.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return found;
}

config_result<node_config> load_config(const config_sources& sources) {
  node_config cfg;
  read_otel(cfg, sources.environment);
  if (!sources.file.empty())
    if (auto read = read_file(cfg, sources.file); !read)
      return unexpected{std::move(read).error()};
  if (auto read = read_environment(cfg, sources.environment); !read)
    return unexpected{std::move(read).error()};
  if (auto read = read_flags(cfg, sources.flags); !read)
    return unexpected{std::move(read).error()};
  if (auto checked = check_together(cfg); !checked)
    return unexpected{std::move(checked).error()};
  return cfg;
}

} // namespace troupe
