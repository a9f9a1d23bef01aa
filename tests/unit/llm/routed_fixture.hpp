#pragma once

#include "actors/llm/routed_models.hpp"
#include "tests/unit/llm/models_fixture.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

/// Notes what it was asked.
class watched_dialect final : public plain_dialect {
public:
  explicit watched_dialect(ModelRequest& last) : last_(&last) {}
  result<http_request> ask(const ModelRequest& what, const model_target& of) const override {
    *last_ = what;
    if (of.model == "picky")
      return fail(ec::invalid_argument, "it does not take that");
    return plain_dialect::ask(what, of);
  }

private:
  ModelRequest* last_;
};

/// A route over two providers, `api` and `other`, each with one model, in simulated time.
class a_routed_call : public models_of_a_node {
protected:
  a_routed_call() {
    route.name = "auto";
    route.policy = route_policy::fixed;
    route.models = {"api/one", "other/two"};
  }

  void begin() {
    models_logic::options options;
    for (const auto* named : {"api", "other"}) {
      auto& one = options.catalog.providers.emplace_back();
      one.name = named;
      one.base_url = "http://" + one.name;
      one.prices = prices;
      one.calls_max = calls_max;
    }
    options.catalog.routes = {route};
    options.http = &port;
    options.speak = [this](auto) { return std::make_unique<watched_dialect>(settings_); };
    routed_ = std::make_unique<routed_models>(std::move(options), counted_);
    run([&](step_context& context) { routed_->start(context, address::of(service::models)); });
  }
  outputs give(event input) {
    auto out = run([&](step_context& context) { routed_->step(context, std::move(input)); });
    EXPECT_TRUE(routed_->invariants());
    for (const auto& timer : out.timers)
      if ((timer.id & 0x8000'0000) != 0)
        own_timer_ = timer;
    return out;
  }
  /// Its own timer runs out.
  outputs wait() {
    now_ += own_timer_.after;
    return give(timer_fired{own_timer_.id});
  }
  envelope asks(std::uint64_t number, const std::string& model = "auto",
                std::chrono::milliseconds remaining = 60s) const {
    auto made = call_of("Why?", number, "reader", model);
    made.remaining = remaining;
    return made;
  }
  outputs end(const std::string& body, std::uint32_t status = 200) {
    return give(event_of(came(port.started.back().id, body, true, status)));
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    for (const auto& one : port.started)
      all.push_back(one.provider);
    return all;
  }

  void have_prices() {
    for (auto [model, cost] : {std::pair{"one", 100}, std::pair{"two", 7}}) {
      auto& price = prices.emplace_back();
      price.model = model;
      price.request = cost;
    }
  }
  static std::int64_t cost_in(outputs& out) {
    for (auto& sent : out.sends)
      if (auto* made = sent.kind == message_kind::reply ? sent.body.as<ModelAnswer>() : nullptr)
        return made->cost_nano_usd();
    return -1;
  }

  route_config route;
  std::vector<model_price> prices;
  std::uint32_t calls_max = 10; ///< of a provider
  std::unique_ptr<routed_models> routed_;
  outputs::timer own_timer_;
  ModelRequest settings_; ///< as the last one was asked
};

} // namespace troupe
