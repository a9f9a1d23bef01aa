#include "nodes/cli/command_table.hpp"
#include "nodes/cli/commands.hpp"

namespace troupe::cli {

namespace {

using runs_action = int (*)(const runs_command&);

struct runs_word {
  const char* word;
  const char* what;
  const char* examples;
  runs_action run;
};

constexpr runs_word words[] = {
    {"show", "Show one run and its tasks",
     "  troupe runs show 4f2a91c0\n  troupe runs show 4f2a91c0 --steps    each call of a model\n"
     "  troupe runs show 4f2a91c0 --json | jq '.tasks[].node'",
     cmd_runs_show},
    {"attach", "Follow a run from where it is to its end, and print its result, as `run` does",
     "  troupe runs attach 4f2a91c0\n  troupe runs attach 4f2a91c0 --output report.md",
     cmd_runs_attach},
    {"cancel", "Cancel a run and wait for its end", "  troupe runs cancel 4f2a91c0",
     cmd_runs_cancel},
    {"retry", "Begin a new run with the graph and the inputs of one that has ended",
     "  troupe runs retry 4f2a91c0 --failed    keeps the results of the tasks that succeeded\n"
     "  troupe runs retry 4f2a91c0 --detach    prints the id of the new run",
     cmd_runs_retry},
    {"delete", "Forget a run that has ended", "  troupe runs delete 4f2a91c0", cmd_runs_delete}};

void add_output(CLI::App* app, runs_command& wanted) {
  app->add_option("--output,-o", wanted.output, "Write the result to this file")
      ->type_name("FILE")
      ->check(is_given);
}

} // namespace

void add_runs(command_table& table) {
  auto wanted = std::make_shared<runs_command>();
  auto runs = table.app.add_subcommand("runs", "List durable runs; show, attach to, cancel, retry "
                                               "or delete one");
  runs->footer("\nExamples:\n  troupe runs\n  troupe runs --state failed --limit 100\n"
               "  troupe runs show 4f2a91c0       the beginning of the id is enough\n"
               "  troupe runs attach 4f2a91c0\n\n"
               "Runs with `durability: off` are not kept; `troupe status` shows those that go on.");
  runs->callback([&table, wanted] {
    if (!table.chosen)
      table.chosen = [wanted] { return cmd_runs(*wanted); };
  });
  runs->add_option("--state", wanted->state,
                   "Only those: running, succeeded, failed, cancelled, unreadable")
      ->type_name("STATE")
      ->check(is_given);
  runs->add_option("--limit", wanted->limit, "How many are shown at most (default: 20)")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000));
  add_cluster(runs, wanted->cluster);
  add_json(runs, wanted->as_json);
  for (const auto& each : words) {
    auto app = runs->add_subcommand(each.word, each.what);
    app->footer(std::string{"\nExamples:\n"} + each.examples);
    app->callback([&table, wanted, run = each.run] {
      table.chosen = [wanted, run] { return run(*wanted); };
    });
    app->add_option("run", wanted->run, "Its id, or how it begins")->type_name("ID")->required();
    if (each.run == cmd_runs_show)
      app->add_flag("--steps", wanted->steps,
                    "Also the steps of its tasks: what their minds asked, and what is recorded");
    if (each.run == cmd_runs_attach || each.run == cmd_runs_retry)
      add_output(app, *wanted);
    if (each.run == cmd_runs_retry) {
      app->add_flag("--failed", wanted->failed, "Keep the results of the tasks that succeeded");
      app->add_flag("--detach", wanted->detach,
                    "Print the new run's id once it is accepted, and end");
    }
    add_cluster(app, wanted->cluster);
    add_json(app, wanted->as_json);
  }
}

} // namespace troupe::cli
