#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/coordination/run_reader.hpp"
#include "actors/logic.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// What clients ask the owner and only its journal knows: runs that have ended, keys of
/// submissions. Keeps each inquiry until the journal has answered. It decides nothing.
class run_inquiries {
public:
  struct inquiry {
    envelope asked;
    delivery::judgement judged;         ///< of a submission
    std::unique_ptr<run_reader> reader; ///< of a run that is to be repeated
    bool by_key = false;                ///< a submission, looked up by its key
  };

  void start(step_context& context, const address& self);
  /// Asks the journal. False: too many questions wait.
  bool ask(step_context& context, inquiry about, payload to_journal);
  /// The inquiry that this answers, which is then forgotten; nothing if it answers none.
  std::optional<inquiry> take_answer(const envelope& reply);
  /// All that wait; none is answered any more.
  std::vector<inquiry> take_all();

private:
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  std::map<std::uint64_t, inquiry> waiting_;
};

} // namespace troupe
