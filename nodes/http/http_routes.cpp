#include "nodes/http/http_routes.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// Whether the path is of the pattern; what stands for each `*` goes into `parts`.
bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& parts) {
  for (auto star = pattern.find('*'); star != pattern.npos; star = pattern.find('*')) {
    if (path.substr(0, star) != pattern.substr(0, star))
      return false;
    pattern.remove_prefix(star + 1);
    path.remove_prefix(star);
    auto segment = path.substr(0, path.find('/'));
    if (segment.empty())
      return false;
    parts.push_back(segment);
    path.remove_prefix(segment.size());
  }
  return path == pattern;
}

bool serves(const std::string& method, std::string_view asked) {
  return method == asked || (method == "GET" && asked == "HEAD");
}

void add_word(std::string& list, const std::string& word, std::string_view between) {
  if (!list.empty())
    list += between;
  list += word;
}

} // namespace

void http_routes::add_page(std::string method, std::string path, page answer) {
  add({std::move(method), std::move(path),
       [answer = std::move(answer)](const incoming_request& request, server_call call) {
         call.answer(answer(request));
       }});
}

std::variant<http_routes::match, http_answer>
http_routes::find(const http_request_head& request) const {
  std::string allowed;
  for (const auto& one : routes_) {
    match found{&one, {}};
    if (!fits(one.path, request.path, found.parts))
      continue;
    if (serves(one.method, request.method))
      return found;
    add_word(allowed, one.method == "GET" ? "GET, HEAD" : one.method, ", ");
  }
  http_answer none;
  if (!allowed.empty()) {
    none.status = 405;
    none.body = "Only " + allowed + (allowed.find(',') == allowed.npos ? " is" : " are")
                + " served here.\n";
    none.headers.emplace_back("Allow", allowed);
    return none;
  }
  std::string paths;
  for (const auto& one : routes_)
    if (paths.find(one.path) == paths.npos)
      add_word(paths, one.path, " or ");
  none.status = 404;
  none.body = "There is no such page. Try " + paths + ".\n";
  return none;
}

} // namespace troupe
