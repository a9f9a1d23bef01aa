#include "tests/e2e/own_roles.hpp"

namespace troupe::tests {

void own_roles::configure(const std::string& sections) {
  std::filesystem::create_directories(roles());
  write_file(config(), sections + "node:\n  roles: " + roles().string() + "\n");
  user.set("TROUPE_CONFIG", config().string());
}

void own_roles::role(const std::string& name, const std::string& model, const std::string& more) {
  write_file(roles() / (name + ".yaml"),
             "role: " + name + "\ndescription: Asks " + model + "\nmind: chat\nmodel: " + model
                 + "\ntalk: true\ntasks: true\n" + more + "prompts:\n  answer: \"{{text}}\"\n");
}

command_result own_roles::send(const std::string& role_name, const std::string& text,
                               std::vector<std::string> more) {
  std::vector<std::string> words{"send", role_name + "/a", text};
  words.insert(words.end(), more.begin(), more.end());
  return user.troupe(words);
}

command_result own_roles::run(const std::string& role_name, const std::string& text) {
  write_file(user.path() / "own.yaml", "graph: own\ntasks:\n  - id: only\n    role: " + role_name
                                           + "\n    attempts: 1\n    input: {text: \"" + text
                                           + "\"}\nresult: $tasks.only\n");
  return user.troupe({"run", "./own.yaml"});
}

} // namespace troupe::tests
