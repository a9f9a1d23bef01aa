#include "tests/e2e/real_server.hpp"

#include <stdexcept>
#include <utility>

namespace troupe::tests {

real_server::real_server(const home& user, const std::string& name)
    : script_(TROUPE_SOURCE_DIR "/tests/support/servers/" + name + ".sh"),
      folder_(user.path() / name) {
  process have{{.program = script_, .arguments = {"have"}}};
  auto path = have.read_line(10s);
  if (have.wait(10s).value_or(exit_state{}).code == 0 && path) {
    program_ = *path;
    return;
  }
  have.wait_for_closed_output(10s);
  missing_ = have.errors();
}

void real_server::start(const std::vector<std::string>& arguments, variables environment) {
  std::vector<std::string> words{"start", folder_.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  process starting{{.program = script_, .arguments = words, .environment = std::move(environment)}};
  started_ = true;
  if (starting.wait(60s).value_or(exit_state{}).code != 0)
    throw std::runtime_error(script_.filename().string() + " start: " + starting.errors());
  starting.wait_for_closed_output(1s);
  said_ = starting.output();
}

void real_server::stop() {
  if (std::exchange(started_, false))
    process{{.program = script_, .arguments = {"stop", folder_.string()}}}.wait(30s);
}

std::string real_server::setting(const std::string& name) const {
  auto key = name + "=";
  auto begin = said_.find(key);
  return begin == said_.npos
             ? ""
             : said_.substr(begin + key.size(), said_.find('\n', begin) - begin - key.size());
}

} // namespace troupe::tests
