#pragma once

#include "config/limits/units.hpp"

/// Runs and their tasks, between owners and queues. For bounds of one task or agent see work.hpp.
namespace troupe::limits {

// -- an owner and the queues that hold its tasks --------------------------------------------------

inline constexpr auto held_interval = 1s;      ///< how often an owner asks what a queue holds
inline constexpr auto queue_silence_max = 10s; ///< then a queue that does not answer is given up
inline constexpr auto owner_silence_max =
    15s; ///< then what a queue holds for its owner is called off
/// A task that its queue has not known for this long is lost. A large offer comes in chunks, and
/// the question for it may overtake it, so each MiB gives it another second.
inline constexpr auto offer_lost_after = 2s;
inline constexpr auto offer_lost_after_per_mib = 1s;
inline constexpr auto run_close_patience = 1s; ///< for agents to give up a run that is cancelled
/// For the owner of a durable run to keep what a slot tells it of a step; then it is told again.
inline constexpr auto step_kept_timeout = 10s;
inline constexpr auto result_lost_after = 20s; ///< one that the queue says is on its way
inline constexpr std::size_t results_on_way_kept_max = 256; ///< large ones, remembered by a queue
inline constexpr std::size_t tasks_asked_max = 4'096;       ///< in one question: less than 64 KiB

// -- the work of one step -------------------------------------------------------------------------

inline constexpr std::size_t offers_per_step_max = 256;
inline constexpr std::size_t offer_bytes_per_step_max = 512 * kib; ///< of inputs, as weighed
inline constexpr std::size_t copied_value_weight =
    8; ///< of a byte that is copied as part of a value
inline constexpr std::size_t shared_input_bytes_min = 2 * kib; ///< less is copied as values
inline constexpr std::size_t offered_bytes_max = 32 * mib;     ///< of inputs at one node at once
inline constexpr std::size_t outcomes_per_step_max = 1'000;    ///< of a run that has ended

/// Tasks of one run that are made or made ready in one call; one that is given up counts for more,
/// because of the words that say why.
inline constexpr std::size_t run_work_per_call_max = 16'384;
inline constexpr std::size_t given_up_weight = 8;
/// Of the bytes of a step: what an element of a list counts beside its own.
inline constexpr std::size_t element_weight = 64;
inline constexpr std::size_t result_bytes_per_step_max = 4 * mib; ///< of a run that has ended
inline constexpr std::size_t forgotten_per_step_max = 10'000; ///< tasks of a run that was reported

// -- tasks that the owner of a run does itself ----------------------------------------------------

inline constexpr std::size_t inline_tasks_per_step_max = 64;
inline constexpr auto inline_time_per_step_max = 50us;
/// A task that takes longer is slow. It counts `inline_slow_weight`, each other takes one off: a
/// role with more than one slow in 17 comes to the most, and is left to agents for a while.
inline constexpr auto inline_task_time_max = 20us;
inline constexpr unsigned inline_slow_weight = 16;
inline constexpr unsigned inline_slow_max = 4 * inline_slow_weight;
inline constexpr auto inline_slow_pause = 10s;
inline constexpr std::size_t inline_reply_kept_max = 4 * kib; ///< memory for the next one

// -- what runs keep -------------------------------------------------------------------------------

/// Results that a run's other tasks refer to, and what is made of them: five times the largest
/// message, 26 KiB for each of ten thousand tasks. What is larger belongs into blobs.
inline constexpr std::size_t run_results_bytes_max = 256 * mib;
/// After so many bytes of results were freed, the heap gives back what it has free.
inline constexpr std::size_t results_bytes_to_give_back = 4 * mib;
/// Of all runs that one node owns; then the run that keeps most fails.
inline constexpr std::size_t results_bytes_max = 1'024 * mib;

// -- durable runs ---------------------------------------------------------------------------------

/// Events that wait until the journal has written those before them. With more, an owner offers no
/// tasks of durable runs until some are written.
inline constexpr std::size_t run_events_bytes_max = 32 * mib;
/// A journal that had no room for a message is asked again after this; one that cannot write, at
/// first, and then after twice as long each time.
inline constexpr auto journal_retry_after = 50ms;
inline constexpr auto journal_retry_after_max = 1s;
/// A journal that has not written for so long holds up its owner: no task of a durable run begins.
inline constexpr auto journal_slow_after = 1s;
inline constexpr std::size_t journal_page_bytes_aim = 1 * mib; ///< of events read at once
/// Definitions of roles that a durable run takes with it.
inline constexpr std::size_t run_roles_bytes_max = 4 * mib;
inline constexpr std::size_t run_listeners_max = 64; ///< clients attached to one run
/// Questions and submissions of clients that wait for a journal, at each place where they do.
inline constexpr std::size_t runs_asked_at_once_max = 1'000;
inline constexpr std::size_t runs_asked_bytes_max = 128 * mib;
/// Runs that are read whole from a journal, or of whose results another begins: each takes the
/// memory of a run.
inline constexpr std::size_t runs_read_at_once_max = 4;
inline constexpr std::size_t task_steps_bytes_max = 32 * mib; ///< they go with each further attempt
inline constexpr std::size_t step_weight =
    64; ///< of those bytes: what a step counts beside its own
inline constexpr std::size_t unreadable_runs_max = 10'000; ///< of which people are told
/// For the blobs of a run's inputs to come to its owner: less than a client waits for its answer.
inline constexpr auto run_inputs_time_max = 50s;
inline constexpr std::size_t runs_listed = 100; ///< unless a client wants more
inline constexpr std::size_t runs_listed_max = 10'000;
inline constexpr std::size_t steps_listed_max = 10'000; ///< in one answer; a task's come together

// -- the end of work ------------------------------------------------------------------------------

/// After this, an agent that was told to give up is replaced: a slot is free within 100 ms.
inline constexpr auto cancel_patience = 80ms;

} // namespace troupe::limits
