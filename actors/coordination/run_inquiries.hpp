#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/coordination/run_reader.hpp"
#include "actors/logic.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

/// What clients ask the owner and only its journal knows: runs that have ended, keys of
/// submissions. Keeps each inquiry until the journal has answered; they are bounded in number and
/// in bytes. It decides nothing.
class run_inquiries {
public:
  struct inquiry {
    envelope asked;
    delivery::judgement judged;         ///< of a submission
    std::unique_ptr<run_reader> reader; ///< of a run that is to be repeated
    bool by_key = false;                ///< a submission, looked up by its key
    bool finds = false;                 ///< the journal is asked for the run of a submission
    run_id found = {};                  ///< that run
  };

  void start(step_context& context, const address& self);
  /// Asks the journal. False: too many questions wait.
  bool ask(step_context& context, inquiry about, payload to_journal);
  /// A request that waits was repeated: it is answered where its client is now. False: none waits.
  bool repeated(const envelope& asked);
  /// Whole runs that are being read.
  std::size_t readers() const noexcept { return readers_; }
  bool empty() const noexcept { return waiting_.empty(); }
  /// The inquiry that this answers, which is then forgotten; nothing if it answers none.
  std::optional<inquiry> take_answer(const envelope& reply);
  /// All that wait; none is answered any more.
  std::vector<inquiry> take_all();

private:
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  struct waiting_inquiry {
    inquiry about;
    std::size_t bytes = 0;
  };
  inquiry take(std::map<std::uint64_t, waiting_inquiry>::iterator at);

  std::map<std::uint64_t, waiting_inquiry> waiting_;
  std::size_t bytes_ = 0, readers_ = 0;
};

} // namespace troupe
