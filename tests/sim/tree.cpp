#include "tests/sim/tree.hpp"

#include "tests/sim/process.hpp"

#include <utility>

namespace troupe::sim {

tree::tree(process& of, child_spec spec, tree* parent, std::size_t index)
    : of_(of), spec_(std::move(spec)), parent_(parent), index_(index),
      rules_(spec_.rules, spec_.children.size()), children_(spec_.children.size()) {}

void tree::start() {
  for (std::size_t i = 0; i < children_.size() && !rules_.stopping(); ++i)
    start_child(i);
}

void tree::start_child(std::size_t index) {
  const auto& wanted = spec_.children[index];
  auto& made = children_[index];
  rules_.started(index);
  try {
    if (wanted.place == service::none) {
      made.branch = std::make_unique<tree>(of_, wanted, this, index);
      made.branch->start();
    } else {
      made.service = of_.start_service(wanted, *this, index);
    }
  } catch (const std::exception&) { // its disk is not there
    child_is_gone(index, false);
  }
}

void tree::child_is_gone(std::size_t index, bool asked) {
  auto& gone = children_[index];
  gone.service.reset();
  if (gone.branch) // it may be what calls
    of_.later(std::chrono::nanoseconds{0},
              [old = std::shared_ptr<tree>{std::move(gone.branch)}] {});
  bool was_stopping = rules_.stopping();
  auto todo = rules_.ended(index, asked, of_.now());
  check();
  if (todo.what == supervisor_logic::reaction::restart) {
    of_.tell(spec_.children[index].label + " is restarted");
    std::weak_ptr<int> life = alive_;
    of_.later(todo.after, [this, life, index] {
      if (!life.expired() && !rules_.stopping() && !children_[index].stands())
        start_child(index);
    });
  } else if (todo.what == supervisor_logic::reaction::give_up) {
    of_.tell(spec_.label + " gives up");
    stop_next();
  } else if (was_stopping) {
    stop_next();
  }
}

void tree::stop() {
  if (!rules_.stopping())
    stop_next();
}

void tree::stop_next() {
  auto index = rules_.next_to_stop();
  if (index < children_.size()) {
    auto& next = children_[index];
    if (next.branch)
      next.branch->stop();
    else if (next.service)
      of_.ask_to_stop(next.service);
  } else if (parent_) {
    parent_->child_is_gone(index_, !rules_.has_given_up());
  } else {
    of_.tree_has_ended(rules_.has_given_up());
  }
}

void tree::check() const {
  if (!rules_.invariants())
    of_.defect("the supervisor " + spec_.label + " contradicts itself");
}

} // namespace troupe::sim
