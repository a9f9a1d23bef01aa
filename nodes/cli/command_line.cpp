#include "nodes/cli/command_line.hpp"

#include "config/durations.hpp"
#include "config/limits/links.hpp"
#include "config/limits/messages.hpp"
#include "config/suggest.hpp"
#include "nodes/cli/command_table.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/exit_codes.hpp"
#include "nodes/protobuf_log.hpp"

#include <chrono>
#include <sstream>

namespace troupe::cli {

void add_json(CLI::App* command, bool& as_json) {
  command->add_flag("--json", as_json, "Print JSON, also for errors: {\"error\": {...}}");
}

void add_cluster(CLI::App* command, cluster_flags& flags) {
  command->add_option("--data", flags.data, "Data folder of a local cluster")
      ->type_name("DIR")
      ->check(is_given)
      ->group("Which cluster (default: your own)");
  command->add_option("--peer", flags.peer, "One of the cluster's nodes")
      ->type_name("HOST:PORT")
      ->check(is_given)
      ->envname("TROUPE_PEER")
      ->group("Which cluster (default: your own)");
  command->add_option("--secret-file", flags.secret_file, "File with the cluster's secret")
      ->type_name("FILE")
      ->check(is_given)
      ->envname("TROUPE_SECRET_FILE")
      ->group("Which cluster (default: your own)");
  command->add_option("--cluster", flags.cluster, "The cluster's name, if no data folder says it")
      ->type_name("NAME")
      ->check(is_given)
      ->group("Which cluster (default: your own)");
}

namespace {

void add_config(CLI::App* command, std::string& file, settings& set) {
  command->add_option("--config", file, "Configuration file (YAML); see `troupe config show`")
      ->type_name("FILE")
      ->check(is_given)
      ->envname("TROUPE_CONFIG");
  command
      ->add_option_function<std::vector<std::string>>(
          "--set",
          [&set](const std::vector<std::string>& given) {
            for (const auto& each : given) {
              auto equals = each.find('=');
              if (equals == std::string::npos || equals == 0)
                throw CLI::ValidationError("--set", "write KEY=VALUE, not " + each);
              set.emplace_back(each.substr(0, equals), each.substr(equals + 1));
            }
          },
          "Set one key of the configuration; overrides file and environment; repeatable")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

/// Short for --set telemetry.log_level=LEVEL.
void add_log_level(CLI::App* command, settings& set) {
  command
      ->add_option_function<std::string>(
          "--log-level",
          [&set](const std::string& level) { set.emplace_back("telemetry.log_level", level); },
          "What is logged: debug (every transition), info, warning, error or off (default: info)")
      ->type_name("LEVEL")
      ->check(is_given);
}

/// Takes a duration as everywhere else (config/durations.hpp), and also a bare number of seconds.
void add_timeout(CLI::App* command, std::chrono::milliseconds& timeout, const std::string& what) {
  auto read = [&timeout](const std::string& text) {
    bool bare = text.find_first_not_of("0123456789.") == std::string::npos;
    auto time = parse_duration(bare ? text + "s" : text);
    if (!time || time->count() == 0 || *time > std::chrono::hours{24})
      throw CLI::ValidationError("--timeout", "write a time up to a day, such as "
                                                  + std::string(duration_examples)
                                                  + " or 30 (seconds), not " + text);
    timeout = *time;
  };
  command->add_option_function<std::string>("--timeout", read, what)->type_name("TIME");
}

void add_follow_links(CLI::App* command, bool& follow) {
  command->add_flag("--follow-links", follow,
                    "Also read what links in a folder lead to outside it");
}

void add_cluster_commands(command_table& table) {
  auto up = std::make_shared<up_command>();
  auto app = table.add("up", "Start a cluster of nodes on this machine and keep it running",
                       "  troupe up --nodes 3\n"
                       "  troupe up --nodes 3 --detach        returns when the cluster is ready\n"
                       "  troupe up --log-level debug         logs what becomes of each message\n"
                       "  troupe up --set telemetry.otlp_endpoint=http://127.0.0.1:4318",
                       up, cmd_up);
  app->add_option("--nodes", up->nodes,
                  "Number of nodes (default: as many as the folder has, else 3)")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, limits::members_max));
  app->add_option("--data", up->data,
                  "Data folder (default: $TROUPE_DATA, else troupe/default in $XDG_STATE_HOME)")
      ->type_name("DIR")
      ->check(is_given);
  add_config(app, up->config, up->set);
  add_log_level(app, up->set);
  app->add_flag("--detach", up->detach, "Return when the cluster is ready; `troupe down` stops it");
  app->add_flag_callback(
      "--no-restart", [up] { up->restart = false; }, "Do not restart nodes that end");
  add_json(app, up->as_json);

  auto down = std::make_shared<down_command>();
  app = table.add("down", "Stop a cluster; its data is kept", "  troupe down", down, cmd_down);
  app->add_option("--data", down->data, "The cluster's data folder")
      ->type_name("DIR")
      ->check(is_given);
  add_json(app, down->as_json);

  auto status = std::make_shared<status_command>();
  app = table.add("status", "Show nodes, roles, agents, queues and memory",
                  "  troupe status\n  troupe status --json | jq '.nodes[].state'", status,
                  cmd_status);
  add_cluster(app, status->cluster);
  add_json(app, status->as_json);

  auto node = std::make_shared<node_command>();
  app = table.add("node", "Run one node in the foreground", "  troupe node --config node.yaml",
                  node, cmd_node);
  add_config(app, node->config, node->set);
  add_log_level(app, node->set);
  app->add_option("--ready-fd", node->ready_fd,
                  "Descriptor for reports (it listens, it is ready), one JSON object per line")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  app->add_flag("--pulses", node->pulses, "Write signs of life to that descriptor too");
}

void add_work_commands(command_table& table) {
  auto send = std::make_shared<send_command>();
  send->timeout = limits::request_timeout;
  auto app =
      table.add("send", "Send a message to an agent and print its answer as it comes",
                "  troupe send librarian/me \"Remember the folder /usr/share/common-licenses\"\n"
                "  troupe send librarian/me \"Who may change the licence?\"",
                send, cmd_send);
  app->add_option("agent", send->agent, "ROLE/KEY; `troupe roles` lists the roles")->required();
  app->add_option("text", send->text, "The message")->required();
  add_timeout(app, send->timeout, "How long to wait for the answer (default: 60s)");
  add_follow_links(app, send->follow_links);
  add_cluster(app, send->cluster);
  add_json(app, send->as_json);

  auto run = std::make_shared<run_command>();
  auto help = std::make_shared<bool>(false);
  app = table.add("run", "Run a graph of tasks and print its result",
                  "  troupe run digest --input dir=/usr/share/common-licenses \\\n"
                  "    --input question=\"What must I do when I give the program to others?\"\n"
                  "  troupe run digest --help            shows the inputs of the graph\n"
                  "  troupe run ./own.yaml --output report.md\n"
                  "  troupe run ./own.yaml --detach      prints the id; see `troupe runs`\n"
                  "  troupe run ./own.yaml --key nightly-2026-11-27",
                  run, cmd_run);
  app->set_help_flag();
  app->add_flag("-h,--help", *help, "Print this help, or the inputs of the named graph");
  app->add_option("graph", run->graph,
                  "A graph's name (`troupe graphs`), or a file: with a / or .yaml");
  app->add_option("--input,-i", run->inputs, "An input of the graph; repeatable")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app->add_option("--output,-o", run->output, "Write the result to this file")
      ->type_name("FILE")
      ->check(is_given);
  add_timeout(app, run->timeout, "Cancel the run after this time (default: no limit)");
  app->add_option(
         "--durability", run->durability,
         "What outlives a node's process: sync (all that was acknowledged), async (all but "
         "the last 100 ms), off (nothing); default: the graph's, else runs.durability")
      ->type_name("WORD")
      ->check(is_given);
  app->add_option("--key", run->key,
                  "A second run with this key begins nothing: it is shown the first")
      ->type_name("KEY")
      ->check(is_given);
  app->add_flag("--detach", run->detach, "Print the run's id once it is accepted, and end");
  add_follow_links(app, run->follow_links);
  add_cluster(app, run->cluster);
  add_json(app, run->as_json);
  app->callback([&table, run, help, app] {
    if (*help && run->graph.empty())
      throw CLI::CallForHelp();
    if (run->graph.empty())
      throw CLI::RequiredError("graph");
    table.chosen = [run, help] { return *help ? cmd_run_help(run->graph) : cmd_run(*run); };
  });

  auto trace = std::make_shared<trace_command>();
  app = table.add("trace", "Show where the time of a command went, on all nodes",
                  "  troupe trace last\n  troupe trace 4bf92f3577b34da6a3ce929d0e0e4736 --json",
                  trace, cmd_trace);
  auto which = app->add_option("trace", trace->trace,
                               "\"last\" (the trace of your last command), or a trace id");
  app->add_flag("--words", trace->words, "Show which spans and attributes there are, and end")
      ->excludes(which);
  add_cluster(app, trace->cluster);
  add_json(app, trace->as_json);
}

void add_models(command_table& table) {
  auto wanted = std::make_shared<models_command>();
  auto models = table.app.add_subcommand(
      "models",
      "List the models of the configuration, with keys, prices and health; or check them");
  models->footer("\nExamples:\n  troupe models --config troupe.yaml\n"
                 "  troupe models check --config troupe.yaml     one call of each provider\n"
                 "  troupe models check openai/gpt-4o-mini --config troupe.yaml");
  models->callback([&table, wanted] { table.chosen = [wanted] { return cmd_models(*wanted); }; });
  add_cluster(models, wanted->cluster);
  add_config(models, wanted->config, wanted->set);
  add_json(models, wanted->as_json);
  auto check = models->add_subcommand(
      "check", "Make the smallest call, and say in plain words what is wrong");
  check->callback([&table, wanted] {
    wanted->check = true;
    table.chosen = [wanted] { return cmd_models(*wanted); };
  });
  check->add_option("model", wanted->model, "Only this one: PROVIDER/MODEL or an alias")
      ->type_name("MODEL");
  add_config(check, wanted->config, wanted->set);
  add_json(check, wanted->as_json);
}

void add_route(command_table& table) {
  auto wanted = std::make_shared<route_command>();
  auto app = table.add("route", "Show which model a route chooses for a prompt, and why",
                       "  troupe route --explain \"Prove it.\" --config troupe.yaml\n"
                       "  troupe route auto --explain \"Plan a trip\" --complexity 0.7",
                       wanted, cmd_route);
  app->add_option("route", wanted->route, "Only needed if there are several")->type_name("ROUTE");
  app->add_option("--explain", wanted->text, "The prompt")->type_name("TEXT")->required();
  app->add_option("--role", wanted->role, "Use the route of that role")->type_name("ROLE");
  app->add_option("--task", wanted->task, "What the call is for, instead of an estimate")
      ->type_name("TASK");
  app->add_option("--complexity", wanted->complexity, "0 to 1, instead of an estimate")
      ->check(CLI::Range(0.0, 1.0));
  add_config(app, wanted->config, wanted->set);
  add_json(app, wanted->as_json);
}

void add_list_commands(command_table& table) {
  auto graphs = std::make_shared<graphs_command>();
  auto app = table.add("graphs", "List the built-in graphs", "  troupe graphs", graphs, cmd_graphs);
  add_json(app, graphs->as_json);

  auto roles = std::make_shared<roles_command>();
  app = table.add("roles", "List the roles of the cluster, or the built-in ones", "  troupe roles",
                  roles, cmd_roles);
  add_cluster(app, roles->cluster);
  add_json(app, roles->as_json);

  add_models(table);
  add_route(table);

  auto settings_of = std::make_shared<config_command>();
  auto config = table.app.add_subcommand("config", "Show and check the configuration");
  config->require_subcommand(1);
  config->footer("\nExamples:\n  troupe config show --config troupe.yaml\n"
                 "  troupe config show --keys           every key, its type and its meaning\n"
                 "  troupe config check --config troupe.yaml");
  app = config->add_subcommand("show", "Show the configuration and where each value comes from");
  app->callback([&table, settings_of] {
    table.chosen = [settings_of] { return cmd_config_show(*settings_of); };
  });
  add_config(app, settings_of->config, settings_of->set);
  app->add_flag("--keys", settings_of->keys, "Show all keys: type, default, meaning");
  add_json(app, settings_of->as_json);
  app = config->add_subcommand("check", "Say whether the configuration is valid");
  app->callback([&table, settings_of] {
    table.chosen = [settings_of] { return cmd_config_check(*settings_of); };
  });
  add_config(app, settings_of->config, settings_of->set);
  add_json(app, settings_of->as_json);
}

bool asks_for_json(int argc, const char* const* argv) {
  return std::any_of(argv + 1, argv + argc,
                     [](const char* word) { return std::string_view(word) == "--json"; });
}

/// The command that the words before the wrong one have chosen.
const CLI::App& chosen_in(const CLI::App& app) {
  auto deepest = &app;
  for (auto below = app.get_subcommands(); !below.empty(); below = deepest->get_subcommands())
    deepest = below.front();
  return *deepest;
}

std::string with_suggestion(const std::string& word, const std::vector<std::string>& all) {
  return did_you_mean(word, std::vector<std::string_view>(all.begin(), all.end()));
}

/// Names the first word that nothing was expected for, and what was probably meant.
std::string explain(const CLI::App& app, const CLI::ParseError& wrong) {
  const auto& where = chosen_in(app);
  auto unexpected_words = app.remaining(true);
  auto sort = static_cast<CLI::ExitCodes>(wrong.get_exit_code());
  bool is_about_them = sort == CLI::ExitCodes::ExtrasError || sort == CLI::ExitCodes::RequiredError;
  if (!is_about_them || unexpected_words.empty())
    return wrong.what();
  auto word = unexpected_words.front();
  std::vector<std::string> known;
  if (word.starts_with('-')) {
    word = word.substr(0, word.find('='));
    for (const auto* option : where.get_options())
      for (const auto& long_name : option->get_lnames())
        known.push_back("--" + long_name);
    return "unknown option " + word + with_suggestion(word, known);
  }
  for (const auto* command : where.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(command->get_name());
  if (known.empty())
    return "unexpected argument \"" + word + "\"";
  return "unknown command \"" + word + "\"" + with_suggestion(word, known);
}

int parse_and_run(int argc, const char* const* argv) {
  CLI::App app("Runs fleets of agents as actors on a cluster.", "troupe");
  app.set_version_flag("--version", std::string("troupe ") + TROUPE_VERSION, "Print the version");
  app.require_subcommand(1);
  app.footer(std::string("\nTo start:\n  troupe up --nodes 3 --detach\n  troupe graphs\n\n")
             + exit_codes_help);
  action chosen;
  command_table table{app, chosen};
  add_cluster_commands(table);
  add_work_commands(table);
  add_list_commands(table);
  add_prompt(table);
  add_journal(table);
  add_runs(table);
  add_simulate(table);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) { // help and version
    std::ostringstream text;
    auto code = app.exit(asked, text, text);
    print(text.str());
    return code;
  } catch (const CLI::ParseError& wrong) {
    auto used = app.get_subcommands();
    auto where = used.empty() ? "troupe" : "troupe " + used.front()->get_name();
    return report(usage_error(explain(app, wrong) + " (`" + where + " --help` shows more)"),
                  asks_for_json(argc, argv));
  }
  return chosen();
}

} // namespace

int run_command_line(int argc, const char* const* argv) {
  take_over_broken_pipes();
  route_protobuf_log(nullptr); // a node has a log for it, a client does not
  return finish_output(parse_and_run(argc, argv));
}

} // namespace troupe::cli
