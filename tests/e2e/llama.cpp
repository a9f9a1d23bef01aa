#include "tests/e2e/llama.hpp"

#include <iostream>
#include <utility>

namespace troupe::tests {

void llama_models::SetUp() {
  if (server.missing().empty())
    return;
  if (is_required("llama"))
    FAIL() << "TROUPE_REQUIRE=llama, but there is none: " << server.missing();
  GTEST_SKIP() << "llama.cpp's server is needed (with TROUPE_REQUIRE=llama this fails): "
               << server.missing();
}

void llama_models::TearDown() {
  if (auto log = server.folder() / "log"; HasFailure() && std::filesystem::exists(log))
    std::cerr << "llama.cpp's server said:\n" << read_file(log);
  server.stop();
  own_roles::TearDown();
}

void llama_models::serve(const std::vector<std::string>& arguments, variables environment,
                         const std::string& more) {
  auto words = arguments;
  words.emplace_back("--metrics");
  server.start(words, std::move(environment));
  auto url = server.setting("LLAMA_URL");
  base_ = url.substr(0, url.size() - std::string_view{"/v1"}.size());
  configure("providers:\n  open:\n    kind: openai\n    base_url: " + url + "\n" + more
            + "  claude:\n    kind: anthropic\n    base_url: " + base_ + "\n" + more);
}

double llama_models::figure(const std::string& name) const {
  auto text = "\n" + http_get(base_ + "/metrics").body;
  auto key = "\nllamacpp:" + name + " ";
  auto at = text.find(key);
  return at == text.npos ? -1 : std::stod(text.substr(at + key.size()));
}

bool llama_models::await_figure(const std::string& name, double wanted,
                                clock::duration at_most) const {
  for (auto end = clock::now() + at_most; clock::now() < end;)
    if (figure(name) == wanted) // each question is a connection of its own: no busy loop
      return true;
  return false;
}

bool llama_models::await_health(int status, clock::duration at_most) const {
  for (auto end = clock::now() + at_most; clock::now() < end;)
    if (http_get(base_ + "/health").status == status)
      return true;
  return false;
}

std::vector<told_span> llama_models::last_calls() const {
  std::vector<told_span> calls;
  for (auto& span : trace_in(user.troupe({"trace", "last", "--json"}).parsed()).spans)
    if (span.name.starts_with("chat "))
      calls.push_back(std::move(span));
  return calls;
}

} // namespace troupe::tests
