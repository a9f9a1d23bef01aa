#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/coordination/active_run.hpp"
#include "actors/logic.hpp"

namespace troupe {

/// The submissions of runs that clients may repeat after their link broke. A repeated one is
/// answered as the first one was, while that is remembered (delivery.hpp); else `outcome_unknown`.
/// No run is begun twice for one submission.
class run_submissions {
public:
  void start(const address& self) { self_ = self; }
  delivery::judgement accept(const envelope& request) {
    return delivered_.accept(request.sender, request.id, request.attempt);
  }
  /// Answers a submission that is not fresh, and whose run is not there any more. `durability`: of
  /// that run.
  void repeat(step_context& context, const envelope& request, const delivery::judgement& judged,
              Durability durability);
  /// Refuses a fresh one.
  void refuse(step_context& context, const envelope& request, const delivery::judgement& judged,
              const failure& why);
  /// Keeps the end of its run for repetitions.
  void complete(const active_run& run, payload& ended);

private:
  delivery delivered_;
  address self_;
};

} // namespace troupe
