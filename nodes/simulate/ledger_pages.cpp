#include "nodes/simulate/ledger_pages.hpp"

#include "config/limits/simulate.hpp"
#include "nodes/simulate/openai_form.hpp"

#include <unistd.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr const char* page_type = "application/json";

http_answer problem(unsigned status, std::string message) {
  request_error what;
  what.message = std::move(message);
  return {status, page_type, openai_form::error(what), {}};
}

/// Sends the file as one JSON object, as fast as its reader takes it.
class ledger_reading : public std::enable_shared_from_this<ledger_reading> {
public:
  ledger_reading(call_ledger::pages pages, server_call call)
      : pages_(std::move(pages)), call_(std::move(call)) {}

  void start() {
    call_.begin({200, page_type, "{\"calls\":[", {}});
    go_on();
  }

private:
  void go_on() {
    std::string page(limits::ledger_page_bytes, '\0');
    while (at_ < pages_.size) {
      auto wanted = std::min<std::uint64_t>(page.size(), pages_.size - at_);
      auto got = ::pread(pages_.file.get(), page.data(), wanted, static_cast<off_t>(at_));
      if (got <= 0) // it was cleared meanwhile
        return call_.cut_off(server_call::cut::close);
      at_ += static_cast<std::uint64_t>(got);
      auto end = page.begin() + got;
      std::replace(page.begin(), end, '\n', ',');
      bool last = at_ == pages_.size;
      bool room = call_.write({page.data(), static_cast<std::size_t>(got) - (last ? 1 : 0)});
      if (!room && !last)
        return call_.when_room([self = shared_from_this()] { self->go_on(); });
    }
    call_.write("]}\n");
    call_.finish();
  }

  call_ledger::pages pages_;
  server_call call_;
  std::uint64_t at_ = 0;
};

} // namespace

void add_ledger_pages(http_routes& routes, call_ledger* kept) {
  static const std::string none = "There is no ledger: start `troupe simulate` with --ledger FILE.";
  routes.add({"GET", "/ledger", [kept](const incoming_request&, server_call call) {
                if (kept == nullptr)
                  return call.answer(problem(404, none));
                auto pages = kept->read();
                if (!pages)
                  return call.answer(problem(500, pages.error().message));
                std::make_shared<ledger_reading>(std::move(*pages), std::move(call))->start();
              }});
  routes.add_page("GET", "/ledger/sum", [kept](const incoming_request&) {
    return kept ? http_answer{200, page_type, kept->sum(), {}} : problem(404, none);
  });
  routes.add_page("DELETE", "/ledger", [kept](const incoming_request&) {
    if (kept == nullptr)
      return problem(404, none);
    auto cleared = kept->clear();
    return cleared ? http_answer{200, page_type, "{\"calls\":0}\n", {}}
                   : problem(500, cleared.error().message);
  });
}

} // namespace troupe
