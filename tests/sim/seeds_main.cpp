// Runs seeds of the simulator, for scripts/sim and scripts/planted.
//   sim_seeds --seeds N [--seed FIRST] [--trace]
// Exit code: 0 nothing is wrong, 1 a seed found something (it is named on the last line, after what
// it found; an assertion ends the program, and the line comes all the same), 64 the arguments are
// wrong.
#include "tests/sim/seed_run.hpp"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <iostream>
#include <optional>

namespace {

using namespace troupe::sim;

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 100;
  bool trace = false;
};

/// "seed 7 fails, the 7. of 100", for whoever reads the last line.
std::string last_line;

extern "C" void say_last_line(int) {
  if (::write(STDOUT_FILENO, last_line.data(), last_line.size()) < 0)
    return; // nobody reads it
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

std::optional<arguments> parse(int argc, char** argv) {
  arguments given;
  for (int i = 1; i < argc; ++i) {
    std::string_view flag{argv[i]};
    if (flag == "--trace") {
      given.trace = true;
      continue;
    }
    auto value = i + 1 < argc ? number_in(argv[++i]) : std::nullopt;
    if (!value || (flag != "--seeds" && flag != "--seed"))
      return std::nullopt;
    (flag == "--seeds" ? given.seeds : given.first) = *value;
  }
  return given;
}

int run(const arguments& given) {
  bool live = ::isatty(STDOUT_FILENO) != 0;
  std::uint64_t steps = 0;
  double seconds = 0;
  for (std::uint64_t done = 0; done < given.seeds; ++done) {
    std::function<void(const std::string&)> trace;
    if (given.trace)
      trace = [](const std::string& line) { std::cout << line << "\n"; };
    auto seed = given.first + done;
    last_line = "\nseed " + std::to_string(seed) + " fails, the " + std::to_string(done + 1)
                + ". of " + std::to_string(given.seeds) + "\n";
    auto report = run_seed(seed, trace);
    steps += report.steps;
    seconds += report.simulated_seconds;
    if (live)
      std::cout << "\r\x1b[K    " << done + 1 << " of " << given.seeds << std::flush;
    else if (given.seeds <= 10 || (done + 1) % (given.seeds / 10) == 0)
      std::cout << "    " << done + 1 << " of " << given.seeds << "; " << to_string(report) << "\n";
    if (report.wrong.empty())
      continue;
    std::cout << (live ? "\r\x1b[K" : "") << to_string(report) << "\n";
    for (const auto& what : report.wrong)
      std::cout << "    " << what << "\n";
    std::cout << last_line;
    return 1;
  }
  std::cout << (live ? "\r\x1b[K" : "") << given.seeds << " seeds, " << steps << " steps, "
            << static_cast<std::uint64_t>(seconds) << " simulated seconds: nothing is wrong\n";
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  auto given = parse(argc, argv);
  if (!given) {
    std::cerr << "sim_seeds --seeds N [--seed FIRST] [--trace]\n";
    return 64;
  }
  std::signal(SIGABRT, say_last_line);
  return run(*given);
}
