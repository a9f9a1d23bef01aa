#pragma once

#include "actors/agents/delivery.hpp"
#include "actors/agents/mind.hpp"
#include "actors/agents/role.hpp"
#include "actors/agents/span_terms.hpp"
#include "actors/agents/steps_on_disk.hpp"
#include "actors/agents/stored_state.hpp"
#include "actors/logic.hpp"
#include "config/limits/storage.hpp"
#include "messages/agents.pb.h"
#include "messages/model_usage.hpp"
#include "messages/models.pb.h"
#include "messages/runs.pb.h"
#include "telemetry/metrics.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// One agent: hosts a mind, carries out its commands and feeds their outcomes back. One message is
/// worked on at a time; up to `agent_inbox_max` wait.
///
/// Takes AgentMessage, TaskWork and Echo, as requests or as events. An Echo goes the same way (once
/// per number, in its turn, within its time), but it wakes no mind and is not counted.
///
/// If nothing is open and the mind answers at once, a message is answered in the step that brings
/// it, without a record of it: nothing can be asked, cancelled, or run out of time meanwhile.
///
/// A task of a durable run tells the owner of the run of its steps, the calls of models: before a
/// call is made, and before the mind hears of its outcome. What an earlier attempt has recorded is
/// not asked again (step_history.hpp). An owner that no longer wants the attempt ends it; one that
/// is silent for `limits::step_kept_timeout` is told again. The mind of such a task knows nothing
/// of other tasks.
///
/// The same for a message to a durable agent that its client may repeat: its steps are recorded by
/// `service::state` of this node, beside the state, and go with the write that has its reply. After
/// a crash the repeated message begins with them. Was the state changed by other messages
/// meanwhile, or the role's file, then its mind may ask something else, and what it asked before no
/// longer counts.
///
/// The mind's requests go to this node's `service::models`, `service::blobs` and `service::reading`
/// and end with the message that they serve. One deadline bounds them all: the role's, the task's
/// or the sender's, whichever comes first. A durable role loads its state from `service::state`
/// before the first message. The state, if it changed, and a reply that its client may ask for
/// again are written together before the reply leaves; if the write fails, the mind goes back to
/// the state that was written last. What was answered before a crash is known when the
/// state is loaded (delivery.hpp): until then nobody can say whether a message was done before.
///
/// A request that is cancelled or out of time is given up at once, in the inbox or at work: the
/// mind hears `cancelled` (a durable mind goes back to its written state), its open requests are
/// cancelled in turn, and the asker gets the failure.
///
/// Pieces of a model's answer are passed on as they come, and count as taken when the asker has
/// taken them: a slow reader slows the model down, and nothing gathers here. An asker that tells is
/// asked how far it is while the message is worked on. If it is not even there, its message is
/// given up after a while.
///
/// In a sampled trace each message has a span from its arrival until its end, also if it is
/// refused, and below it one for each thing that the agent waits for (wait_span.hpp). What is in
/// none of these is its own work, which is counted.
///
/// An agent with nothing to do leaves memory when service::roles asks it to (AgentRest), unless a
/// client may still repeat what it sent. The agent holds the blobs that a non-durable state names
/// for as long as the agent is there.
class agent_logic final : public logic {
public:
  /// `complete_since`: see delivery.hpp. `holds_every`: how often service::blobs is told what a
  /// non-durable state names. `terms`: null if there are no others than the defaults.
  agent_logic(std::shared_ptr<const role> kind, metrics& counted,
              instant complete_since = instant::max(),
              std::chrono::nanoseconds holds_every = limits::blob_keep / limits::blob_keep_parts,
              std::shared_ptr<const span_terms> terms = nullptr);
  ~agent_logic() override;

  void start(step_context& context, const address& self) override;
  void step(step_context& context, event input) override;
  void stop(step_context& context) override;

  /// A client may still ask for a reply again: this agent must not be forgotten.
  bool may_be_repeated(instant now) const { return delivery_.may_be_repeated(now); }

  /// What there is in each phase, between two steps.
  bool invariants() const;

private:
  enum class phase : std::uint8_t {
    absent,   ///< the state is on disk only: the next message has it loaded
    loading,  ///< the state is on its way; messages wait
    idle,     ///< nothing is worked on, and nothing waits
    deciding, ///< the mind works on a message, or its requests are on their way
    writing,  ///< what the mind decided is on its way to the disk; the reply comes after
  };

  struct waiting {
    envelope request;
    delivery::entry_id at;
    instant arrived;
    std::optional<SpanData> span = {};       ///< only if its trace is sampled
    std::optional<SpanData> state_span = {}; ///< of the state that is loaded or written for it
    bool reply_is_on_disk = false;           ///< written together with the state
  };
  struct ask;
  struct task_steps;
  struct work;
  using model_call = std::variant<ModelRequest, EmbeddingRequest>;

  std::string called() const { return "agent " + std::string{self_.agent.text()}; }
  /// Tells of a transition: the agent's name and `what()`.
  template <class What>
  void tell(step_context& context, const What& what, trace_id trace = {}) const {
    context.out.debug(
        "agent", [&] { return std::string{self_.agent.text()} + " " + what(); }, trace);
  }

  void arrived(step_context& context, envelope& message);
  void repeated(step_context& context, envelope& message, const delivery::judgement& judged,
                std::optional<SpanData> span = std::nullopt);
  void enqueue(step_context& context, waiting next);
  void work_off(step_context& context);
  void begin(step_context& context, waiting next);
  void given_up(step_context& context, const envelope& order);
  void give_up(step_context& context, failure why);
  bool is_answered_at_once(envelope& message);
  void answer_at_once(step_context& context, envelope& request, const delivery::entry_id& at);
  void send_back(step_context& context, envelope& request, const delivery::entry_id& at);
  std::string title_of_answer(envelope& request) const;
  void count(bool ok, bool is_task, std::chrono::nanoseconds duration);
  void refuse(step_context& context, waiting& asked, const failure& why,
              const model_usage& used = {});
  void withdraw_asks(step_context& context, work& from, const failure& why);
  result<void> read_body(envelope& request, message_received& into) const;
  void set_deadline(step_context& context, work& now, std::uint64_t task_ms);

  void feed(step_context& context, mind_event happened);
  std::optional<mind_event> carry_out(step_context& context, command todo);
  std::optional<mind_event> carry_out(step_context& context, ask_model todo);
  std::optional<mind_event> carry_out(step_context& context, ask_embeddings todo);
  std::optional<mind_event> carry_out(step_context& context, fetch_blob todo);
  std::optional<mind_event> carry_out(step_context& context, ask_reading todo);
  std::optional<mind_event> carry_out(step_context& context, keep_blobs todo);
  std::optional<failure> cannot_ask();
  template <class Message>
  void send(step_context& context, ask asked, Message what);
  void make_call(step_context& context, ask asked, model_call call);
  envelope request_for(step_context& context, service whom, const ask& what);

  void answered(step_context& context, envelope reply);
  void work_again(step_context& context);
  static service service_of(const ask& one); ///< that was asked
  mind_event outcome_of(step_context& context, ask& asked, envelope& reply);
  void piece_came(step_context& context, envelope piece);
  void text_came(step_context& context, ask& asked, Piece& part);
  void reader_took(step_context& context, envelope& told);
  void reader_is_gone(step_context& context);
  void tell_taken(step_context& context);
  void watch_reader(step_context& context);
  void ask_reader(step_context& context);
  static void leave_reader(step_context& context, const work& done);
  void timer_ran_out(step_context& context, std::uint32_t timer);

  result<void> begin_steps();
  void count_as_unknown();
  void ask_otherwise(step_context& context, failure why);
  bool keep_steps(step_context& context, StepsMade& made);
  void name_message(StepsMade& made) const;
  void take_up(step_context& context, SnapshotFound& found, bool is_first_time);
  void take_step(step_context& context, ask asked, model_call call);
  void step_ended(step_context& context, ask asked, envelope& reply);
  void read_ended(step_context& context, ask asked, envelope& reply);
  void tell_owner(step_context& context, std::uint32_t step, std::vector<StepRecord> records);
  void owner_answered(step_context& context, envelope& reply);
  void go_on_from(step_context& context, std::size_t open_step);
  void look_after_owner(step_context& context);
  std::optional<mind_event> next_heard(step_context& context);
  mind_event recorded_outcome(step_context& context, ask& asked);

  void rest(step_context& context, const AgentRest& asked);
  void rest_later(step_context& context, std::chrono::nanoseconds after);
  void hold_blobs(step_context& context);

  void load(step_context& context);
  void hold_spans(step_context& context, std::size_t before);
  void end_load_span(step_context& context, const failure& why, const Snapshot* found = nullptr);
  void loaded(step_context& context, envelope reply);
  void cannot_load(step_context& context, const failure& why);
  void judge_waiting(step_context& context);
  KeptReply reply_to_keep() const;
  void finish(step_context& context, AgentReply reply);
  void finish(step_context& context, failure why);
  void save_then_end(step_context& context);
  void written(step_context& context, envelope reply);
  void end_message(step_context& context);
  void roll_back();

  std::shared_ptr<const role> role_;
  metrics& counted_;
  address self_;
  session_id session_;
  std::uint64_t sequence_ = 0;
  std::string_view counted_as_;                ///< the role, or role#slot
  metrics::task_series* answered_ = nullptr;   ///< of what succeeded: messages
  metrics::task_series* tasks_done_ = nullptr; ///< and tasks
  std::chrono::nanoseconds holds_every_;
  std::shared_ptr<const span_terms> terms_;
  instant used_;                ///< when its last message came
  bool wished_to_rest_ = false; ///< it asked the host to let it go
  phase phase_ = phase::idle;   ///< that of a durable agent begins with `absent`
  std::unique_ptr<troupe::mind> mind_;
  delivery delivery_;
  std::unique_ptr<work> now_;                  ///< the message that is worked on
  std::unique_ptr<std::deque<waiting>> inbox_; ///< only while something waits
  stored_state state_;
  std::unique_ptr<steps_on_disk> kept_steps_; ///< null: there are none
  std::uint64_t state_request_ = 0;           ///< the sequence number of the last one
};

} // namespace troupe
