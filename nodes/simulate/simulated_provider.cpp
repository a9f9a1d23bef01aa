#include "nodes/simulate/simulated_provider.hpp"

#include "actors/cluster/acceptor.hpp"
#include "config/base/hex.hpp"
#include "config/base/utf8.hpp"
#include "config/limits/links.hpp"
#include "nodes/http/http_server.hpp"
#include "nodes/simulate/anthropic_form.hpp"
#include "nodes/simulate/ledger_pages.hpp"
#include "nodes/simulate/openai_form.hpp"
#include "nodes/simulate/simulated_call.hpp"
#include "persistence/sha256.hpp"

#include <xxhash.h>

#include <atomic>

namespace troupe {

namespace {

constexpr const char* json_type = "application/json";
constexpr std::string_view setting_prefix = "x-simulate-";

std::string_view key_of(const incoming_request& request) {
  constexpr std::string_view bearer = "bearer ";
  auto given = request.header("authorization");
  if (same_word(given.substr(0, bearer.size()), bearer))
    return given.substr(bearer.size());
  return request.header("x-api-key");
}

/// Says whose key it was without saying the key.
std::string hash_of_key(std::string_view key) {
  constexpr std::size_t bytes_shown = 8;
  if (key.empty())
    return "none";
  thread_local std::string last_key, last_hash; // most calls have the key of the one before
  if (last_key != key || last_hash.empty()) {
    last_key = key;
    last_hash = to_hex(sha256(key).substr(0, bytes_shown));
  }
  return last_hash;
}

bool wants_anthropic(const incoming_request& request) {
  return !request.header("anthropic-version").empty();
}

/// `X-Simulate-Retry-After: 2s` sets `retry_after`. Returns what is wrong with one of them.
std::string set_by_headers(behaviour& of, const incoming_request& request) {
  for (const auto& [name, value] : request.fields()) {
    if (name.size() <= setting_prefix.size()
        || !same_word(name.substr(0, setting_prefix.size()), setting_prefix))
      continue;
    std::string key;
    for (auto c : name.substr(setting_prefix.size()))
      key += c == '-' ? '_' : static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (auto problem = set_behaviour(of, key, value); !problem.empty())
      return "The header " + std::string{name} + ": " + problem + ".";
  }
  return {};
}

} // namespace

struct simulated_provider::state {
  state(simulation_options chosen, std::unique_ptr<call_ledger> book, log_sink& to)
      : options(std::move(chosen)), limited(options.most),
        kept(std::move(book)), shared{options.seed, options.prices, kept.get(), cache, to} {}

  http_routes routes();
  void serve(provider_api api, const incoming_request& request, server_call call);
  void refuse(provider_api api, const request_error& what, server_call& call) const;
  std::optional<request_error> refusal_of(provider_api api, const incoming_request& request) const;
  http_answer list_models(const incoming_request& request) const;
  http_answer show_model(const incoming_request& request) const;
  bool serves(std::string_view model) const;
  answer_label next_label() const;

  const simulation_options options;
  simulated_limits limited;
  const std::unique_ptr<call_ledger> kept;
  prompt_cache cache;
  const simulation shared;
  const std::uint64_t begun = static_cast<std::uint64_t>(
      std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds{1});
  std::atomic<std::uint64_t> calls{0};
  mutable std::atomic<std::uint64_t> labels{0}; ///< given, to calls that are refused too
  std::unique_ptr<http_server> server;          ///< destroyed first
};

answer_label simulated_provider::state::next_label() const {
  // Unique also among those of the processes before, which are in the same ledger.
  return {to_hex(begun + ++labels), static_cast<std::int64_t>(std::time(nullptr))};
}

bool simulated_provider::state::serves(std::string_view model) const {
  return options.models.empty()
         || std::find(options.models.begin(), options.models.end(), model) != options.models.end();
}

void simulated_provider::state::refuse(provider_api api, const request_error& what,
                                       server_call& call) const {
  http_answer refused{what.status, json_type, {}, {}};
  refused.body =
      is_anthropic(api) ? anthropic_form::error(what, next_label()) : openai_form::error(what);
  call.answer(std::move(refused));
}

/// What the strict form asks of the headers.
std::optional<request_error>
simulated_provider::state::refusal_of(provider_api api, const incoming_request& request) const {
  if (!options.strict)
    return std::nullopt;
  if (is_anthropic(api) && request.header("x-api-key").empty()
      && request.header("authorization").empty())
    return request_error{401, "authentication_error", "x-api-key header is required", {}, {}};
  if (is_anthropic(api) && !wants_anthropic(request))
    return request_error{
        400, "invalid_request_error", "anthropic-version: header is required", {}, {}};
  if (key_of(request).empty())
    return request_error{401,
                         "invalid_request_error",
                         "You didn't provide an API key. You need to provide your API key in an "
                         "Authorization header using Bearer auth (i.e. Authorization: Bearer "
                         "YOUR_KEY).",
                         {},
                         {}};
  auto type = request.header("content-type");
  if (!same_word(type.substr(0, type.find(';')), json_type))
    return request_error{
        415, "invalid_request_error", "The Content-Type must be application/json.", {}, {}};
  return std::nullopt;
}

void simulated_provider::state::serve(provider_api api, const incoming_request& request,
                                      server_call call) {
  if (auto refused = refusal_of(api, request))
    return refuse(api, *refused, call);
  auto read = read_provider_request(api, request.body(), options.strict);
  if (!read)
    return refuse(api, read.error(), call);
  if (!serves(read->model))
    return refuse(
        api,
        {404, "invalid_request_error",
         "The model `" + read->model + "` does not exist or you do not have access to it.", "model",
         "model_not_found"},
        call);
  auto how = options.usual;
  auto key = key_of(request);
  options.rules.apply(*read, key, options.seed, how);
  if (auto problem = set_by_headers(how, request); !problem.empty())
    return refuse(api, {400, "invalid_request_error", std::move(problem), {}, {}}, call);
  auto number = ++calls;
  simulated_limits::headers told;
  if (!limited.is_none() && api != provider_api::count) {
    auto tokens =
        read->input_tokens + read->tokens_max.value_or(limits::simulate_output_tokens_usual_max);
    auto judged = limited.take(hash_of_key(key), tokens, is_anthropic(api),
                               simulated_limits::steady::now(), simulated_limits::wall::now());
    told = std::move(judged.told);
    if (judged.is_refused) {
      how.fault = simulated_fault::rate_limited;
      how.retry_after = judged.retry_after;
    }
  }
  simulated_call::parts parts{std::move(*read),
                              std::move(how),
                              next_label(),
                              kept ? hash_of_key(key) : std::string{},
                              XXH3_64bits(key.data(), key.size()),
                              number,
                              std::move(told)};
  std::make_shared<simulated_call>(shared, std::move(parts), std::move(call))->start();
}

http_answer simulated_provider::state::list_models(const incoming_request& request) const {
  static const std::vector<std::string> usual{"simulated-small", "simulated-large",
                                              "simulated-embedding"};
  const auto& list = options.models.empty() ? usual : options.models;
  return {200,
          json_type,
          wants_anthropic(request) ? anthropic_form::model_list(list)
                                   : openai_form::model_list(list),
          {}};
}

http_answer simulated_provider::state::show_model(const incoming_request& request) const {
  auto name = valid_utf8(request.part(0)); // a path may hold any bytes
  if (!serves(request.part(0))) {
    request_error what{404, "invalid_request_error", "The model '" + name + "' does not exist",
                       "model", "model_not_found"};
    return {404,
            json_type,
            wants_anthropic(request) ? anthropic_form::error(what, next_label())
                                     : openai_form::error(what),
            {}};
  }
  return {200,
          json_type,
          wants_anthropic(request) ? anthropic_form::model(name) : openai_form::model(name),
          {}};
}

http_routes simulated_provider::state::routes() {
  http_routes made;
  auto add = [&](provider_api api, const char* path) {
    made.add({"POST", path,
              [this, api](const incoming_request& request, server_call call) {
                serve(api, request, std::move(call));
              },
              limits::simulate_body_bytes_max});
  };
  add(provider_api::chat, "/v1/chat/completions");
  add(provider_api::messages, "/v1/messages");
  add(provider_api::embeddings, "/v1/embeddings");
  add(provider_api::count, "/v1/messages/count_tokens");
  made.add_page("GET", "/v1/models", [this](const auto& request) { return list_models(request); });
  made.add_page("GET", "/v1/models/*", [this](const auto& request) { return show_model(request); });
  made.add_page("GET", "/health", [](const incoming_request&) {
    return http_answer{200, json_type, "{\"status\":\"ok\"}\n", {}};
  });
  add_ledger_pages(made, kept.get());
  made.show_errors_by([this](const http_request_head& request, http_answer plain) {
    request_error what;
    what.message = plain.body.substr(0, plain.body.find('\n'));
    plain.content_type = json_type;
    plain.body = request.path.starts_with("/v1/messages")
                     ? anthropic_form::error(what, next_label())
                     : openai_form::error(what);
    return plain;
  });
  return made;
}

simulated_provider::simulated_provider(std::unique_ptr<state> parts) : state_(std::move(parts)) {}

simulated_provider::~simulated_provider() = default;

result<std::unique_ptr<simulated_provider>> simulated_provider::open(simulation_options options,
                                                                     log_sink& log) {
  auto descriptors = raise_descriptor_limit();
  if (!descriptors)
    return unexpected{std::move(descriptors.error())};
  std::unique_ptr<call_ledger> book;
  if (!options.ledger_file.empty()) {
    auto opened = call_ledger::open(options.ledger_file);
    if (!opened)
      return unexpected{std::move(opened.error())};
    book = std::move(*opened);
  }
  auto made = std::make_unique<state>(std::move(options), std::move(book), log);
  http_server_options web;
  web.threads = made->options.threads;
  auto free = *descriptors - std::min(*descriptors, limits::descriptors_reserved);
  web.connections_max = std::min(free, limits::simulate_connections_max);
  web.patience.answer = limits::simulate_answer_timeout;
  web.patience.write = limits::simulate_write_timeout;
  auto server = http_server::open(made->options.listen, made->routes(), log, web);
  if (!server)
    return unexpected{std::move(server.error())};
  made->server = std::move(*server);
  return std::unique_ptr<simulated_provider>{new simulated_provider{std::move(made)}};
}

std::string simulated_provider::address() const { return state_->server->address(); }

std::size_t simulated_provider::drain(std::chrono::milliseconds at_most) {
  return state_->server->drain(at_most);
}

} // namespace troupe
