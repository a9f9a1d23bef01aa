#include "nodes/http/incoming_request.hpp"

#include "config/limits/http.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace troupe {

namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

} // namespace

bool same_word(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return lower(x) == lower(y);
         });
}

incoming_request::incoming_request(std::string_view bytes, const http_request_head& head)
    : head_(head), bytes_(new char[bytes.size() + head.length + limits::http_body_padding]) {
  std::memcpy(bytes_.get(), bytes.data(), bytes.size());
  room_ = bytes_.get() + bytes.size();
  std::memset(room_ + head.length, 0, limits::http_body_padding);
  body_ = {room_, head.length};
  auto rebase = [&](std::string_view& view) {
    std::less_equal<> before; // also of pointers into different things
    if (before(bytes.data(), view.data()) && before(view.data(), bytes.data() + bytes.size()))
      view = {bytes_.get() + (view.data() - bytes.data()), view.size()};
  };
  rebase(head_.method);
  rebase(head_.path);
  rebase(head_.query);
  for (auto& field : head_.fields) {
    rebase(field.name);
    rebase(field.value);
  }
}

void incoming_request::set_body(std::string_view bytes) {
  chunks_.reset(new char[bytes.size() + limits::http_body_padding]);
  std::memcpy(chunks_.get(), bytes.data(), bytes.size());
  std::memset(chunks_.get() + bytes.size(), 0, limits::http_body_padding);
  body_ = {chunks_.get(), bytes.size()};
}

std::string_view incoming_request::header(std::string_view name) const noexcept {
  for (const auto& field : head_.fields)
    if (same_word(field.name, name))
      return field.value;
  return {};
}

std::string_view incoming_request::argument(std::string_view name) const noexcept {
  auto rest = head_.query;
  while (!rest.empty()) {
    auto one = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    auto equals = std::min(one.find('='), one.size());
    if (one.substr(0, equals) == name)
      return one.substr(std::min(equals + 1, one.size()));
  }
  return {};
}

} // namespace troupe
