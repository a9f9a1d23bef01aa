#pragma once

#include "nodes/cli/find_cluster.hpp"

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

/// For the files that describe commands to CLI11, and for no others: it takes seconds to compile.
namespace troupe::cli {

using action = std::function<int()>;

/// The table to which all commands are added. The callbacks that run the commands share
/// ownership of them.
struct command_table {
  CLI::App& app;
  action& chosen;

  template <class Command>
  CLI::App* add(const std::string& name_text, const std::string& what, const std::string& examples,
                std::shared_ptr<Command> wanted, int (*run)(const Command&)) {
    auto made = app.add_subcommand(name_text, what);
    made->footer("\nExamples:\n" + examples);
    made->callback([this, wanted, run] { chosen = [wanted, run] { return run(*wanted); }; });
    return made;
  }
};

/// An unset shell variable must not silently select the default.
inline std::string is_given(const std::string& text) { return text.empty() ? "it is empty" : ""; }

/// The flags that several commands have.
void add_json(CLI::App* command, bool& as_json);
void add_cluster(CLI::App* command, cluster_flags& flags);

/// Commands with many flags, or with commands of their own.
void add_simulate(command_table& table);
void add_prompt(command_table& table);
void add_journal(command_table& table);
void add_runs(command_table& table);

} // namespace troupe::cli
