#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/coordination/new_run.hpp"
#include "actors/logic.hpp"
#include "messages/values.pb.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Durable runs that begin once all blobs that their inputs name are on the disk of their owner. A
/// holder elsewhere keeps a blob for a time only, unless somebody says that it is needed. A durable
/// run needs its inputs also while its owner is away, and after its end, to be repeated: on the
/// owner's disk they stay as long as the journal beside them has the run.
///
/// service::blobs brings them (BlobsKeep), all or none; a run asks for at most
/// `limits::blobs_per_message_max` at a time. A message about a submission that waits here, or with
/// its key, waits behind it. Runs whose inputs name no blob never come here.
class input_blobs {
public:
  /// `timer` calls for `timer_fired`.
  explicit input_blobs(std::uint32_t timer) : timer_(timer) {}

  void start(step_context& context, const address& self);

  static bool are_named_by(const value_map& inputs);

  struct waiting_run {
    envelope request; ///< who hears of it
    delivery::judgement judged;
    new_run wanted;
  };
  void bring(step_context& context, waiting_run run);
  /// Keeps a message that is about a run that waits; then it is empty.
  bool keep_behind(envelope& message, const std::string& key);
  std::size_t size() const noexcept { return waiting_.size(); }

  /// A run that does not wait any more.
  struct brought_run {
    waiting_run run;
    std::optional<failure> why; ///< its blobs are not here; nothing: they are, and it names them so
    std::vector<envelope> behind; ///< messages about it, which are to be looked at again
  };
  bool is_answer(const envelope& message) const { return message.id.session == session_; }
  /// Nothing: others are still missing, or it answers nothing.
  std::optional<brought_run> take_answer(step_context& context, envelope& reply);
  /// The runs whose time is over.
  std::vector<brought_run> timer_fired(step_context& context);
  /// All that wait, each with why it is not begun: the owner ends.
  std::vector<brought_run> take_all();

private:
  struct entry {
    waiting_run run;
    std::vector<BlobRef> missing; ///< those that are not asked for yet
    instant until{};
    std::vector<envelope> behind;
  };
  using table = std::map<std::uint64_t, entry>;

  void ask(step_context& context, entry waiting);
  void arm(step_context& context);
  brought_run take(table::iterator at, std::optional<failure> why);

  std::uint32_t timer_;
  address self_;
  session_id session_;
  std::uint64_t requests_ = 0;
  table waiting_; ///< by the number of the request that is on its way
  std::size_t behind_ = 0;
};

} // namespace troupe
