// The checks of what goes to a model and comes back: a question of 8 KiB, and an answer in pieces.
// The yardsticks read the same text: memchr for one byte, and std::regex for e-mail addresses.
#include "actors/llm/safety/piece_checks.hpp"
#include "actors/llm/safety/question_check.hpp"
#include "actors/llm/safety/safety_book.hpp"
#include "config/safety_section.hpp"
#include "tests/bench/report.hpp"

#include <chrono>
#include <cstring>
#include <iterator>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace troupe;
using namespace troupe::bench;

constexpr std::size_t text_bytes = 8'192;
constexpr int rounds = 7;

/// Words, numbers, addresses and links; a checksum or an address now and then.
std::string sample_text() {
  std::string text;
  while (text.size() < text_bytes)
    text += "The quick brown fox of 1987 jumps over the lazy dog; see https://host.org/a?b=c#d, or "
            "write to x@y.org about DE12 and 4111. ";
  text.resize(text_bytes);
  return text;
}

/// Microseconds each.
template <class Work>
double time_of(int times, const Work& work) {
  auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i)
    work();
  return seconds_since(start) * 1e6 / times;
}

safety_config all_checks() {
  safety_config made;
  made.all = usual_safety();
  made.all.bytes_max = 1'000'000;
  made.all.denied = std::vector<std::string>{"project falcon", "blue door", "the lazy cat"};
  return made;
}

double question(safety_book& book, const std::string& text) {
  ModelRequest asked;
  auto& message = *asked.add_messages();
  message.set_role("user");
  const auto& rules = book.of("", "");
  return time_of(200, [&] {
    message.set_content(text);
    placeholders masked;
    safety_tally tally;
    if (check_question(asked, rules, masked, tally))
      throw std::runtime_error("the question is refused");
  });
}

constexpr std::size_t piece_bytes = 5;

double pieces(safety_book& book, const std::string& text) {
  const auto& rules = book.of("", "");
  auto whole = time_of(20, [&] {
    placeholders masked;
    piece_checks checks{rules.of(safety_way::answered), masked, UNIT_AS_IT_COMES};
    piece_checks::passed passed;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      Piece piece;
      piece.set_text(text.substr(at, piece_bytes));
      checks.feed(std::move(piece), passed);
    }
    checks.finish(passed);
  });
  return whole * piece_bytes / static_cast<double>(text.size());
}

/// The same pieces, made and kept.
double bare_pieces(const std::string& text) {
  auto whole = time_of(20, [&] {
    std::vector<Piece> passed;
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      Piece piece;
      piece.set_text(text.substr(at, piece_bytes));
      passed.push_back(std::move(piece));
    }
  });
  return whole * piece_bytes / static_cast<double>(text.size());
}

double bytes_found(const std::string& text) {
  std::size_t found = 0;
  auto each = time_of(2'000, [&] {
    for (auto* at = text.data(); at;) {
      auto left = static_cast<std::size_t>(text.data() + text.size() - at);
      at = static_cast<const char*>(std::memchr(at, '@', left));
      if (at) {
        ++found;
        ++at;
      }
    }
  });
  if (found == 0)
    throw std::runtime_error("no byte was found");
  return each;
}

double addresses_found(const std::string& text) {
  static const std::regex address{R"([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,})"};
  return time_of(10, [&] {
    auto begin = std::sregex_iterator{text.begin(), text.end(), address};
    if (std::distance(begin, std::sregex_iterator{}) == 0)
      throw std::runtime_error("no address was found");
  });
}

} // namespace

int main(int argc, char** argv) {
  read_arguments(argc, argv);
  safety_book book{all_checks()};
  auto text = sample_text();
  compare(
      "safety, a question of 8 KiB (aim: 1000)", "us", rounds, [&] { return question(book, text); },
      "std::regex for addresses", [&] { return addresses_found(text); });
  compare(
      "safety, a question of 8 KiB", "us", rounds, [&] { return question(book, text); },
      "memchr for a byte", [&] { return bytes_found(text); });
  compare(
      "safety, a piece of an answer (aim: 5 more)", "us", rounds,
      [&] { return pieces(book, text); }, "the same pieces unchecked",
      [&] { return bare_pieces(text); });
}
