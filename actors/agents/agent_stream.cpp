// What comes of a model's answer before it is whole, and how far the asker is with it.

#include "actors/agents/agent_work.hpp"
#include "config/limits/reading_pace.hpp"
#include "messages/agents.pb.h"
#include "messages/models.pb.h"
#include "messages/reading.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::uint64_t without(std::uint64_t all, std::uint64_t part) { return all - std::min(all, part); }

} // namespace

void agent_logic::piece_came(step_context& context, envelope piece) {
  if (phase_ != phase::deciding || piece.id.session != session_)
    return;
  for (auto& asked : now_->asks) {
    if (asked.sequence != piece.id.sequence)
      continue;
    if (auto times = asked.span ? piece.body.as<ReadingTimes>() : nullptr)
      return note(context, *asked.span, *times);
    if (auto found = asked.span ? piece.body.as<BlobFound>() : nullptr)
      return note(*asked.span, *found, context.time());
    if (auto call = asked.span ? piece.body.as<CallSpan>() : nullptr)
      return asked.take_call(std::move(*call->mutable_span()));
    if (auto part = asked.streams ? piece.body.as<Piece>() : nullptr)
      text_came(context, asked, *part);
    return;
  }
}

void agent_logic::text_came(step_context& context, ask& asked, Piece& part) {
  ++asked.came.pieces;
  asked.came.bytes += bytes_of(part);
  if (asked.span && !std::exchange(asked.pieces_came, true))
    note_first_piece(*asked.span, context.time());
  if (part.restarted()) {
    asked.held.restart();
    now_->stream.restart();
  }
  auto text = asked.held.let_through(std::move(*part.mutable_text()));
  if (!text.empty())
    now_->stream.pass_on(context, now_->request, text);
  tell_taken(context);
  watch_reader(context);
}

/// How far the asker of the message is that is worked on, or that it is not there.
void agent_logic::reader_took(step_context& context, envelope& told) {
  if (!now_ || now_->request.id != told.id || now_->request.sender != told.sender)
    return;
  auto* taken = told.body.as<PiecesTaken>();
  if (!taken)
    return;
  if (taken->gone())
    return reader_is_gone(context);
  now_->gone_since.reset();
  now_->stream.taken(*taken);
  tell_taken(context);
}

/// A client that lost its link comes back and repeats its message. One that does not has gone.
void agent_logic::reader_is_gone(step_context& context) {
  if (!now_->gone_since)
    now_->gone_since = context.now;
  if (phase_ == phase::deciding
      && context.now - *now_->gone_since >= limits::stream_reader_gone_max)
    return give_up(context, {ec::cancelled, "who asked has gone, and did not come back"});
  watch_reader(context);
}

/// What the asker has not taken is not taken here either. Of several answers that go into one
/// reply, each counts all of that.
void agent_logic::tell_taken(step_context& context) {
  auto left = now_->stream.untaken();
  for (auto& asked : now_->asks) {
    piece_count taken{without(asked.came.pieces, left.pieces),
                      without(asked.came.bytes, left.bytes)};
    if (!asked.streams || !is_worth_telling(taken, asked.told))
      continue;
    asked.told = taken;
    PiecesTaken told;
    told.set_pieces(taken.pieces);
    told.set_bytes(taken.bytes);
    auto message = make_envelope(message_kind::acknowledge,
                                 address::of(service_of(asked), self_.node), std::move(told));
    message.id = {session_, asked.sequence};
    message.sender = self_;
    context.out.send(std::move(message));
  }
}

/// From the first moment until the reply: nobody else learns that a client was killed, and its
/// answer would be paid for to the end, or its call would wait for a turn at the provider. Only a
/// reader who tells how far it is can be asked; soon, if it takes nothing or was not there.
void agent_logic::watch_reader(step_context& context) {
  if (!now_->stream.is_paced())
    return;
  bool held_up = now_->stream.is_held_up();
  bool soon = held_up || now_->gone_since;
  if (!std::exchange(now_->reader_is_watched, true) || (soon && !now_->asks_reader_soon))
    context.out.arm(reader_timer, soon ? limits::stream_asks_every : limits::stream_looks_every);
  now_->asks_reader_soon = soon;
  if (!std::exchange(now_->was_held_up, held_up) && held_up)
    tell(
        context,
        [&] {
          return "is held up by its reader: " + std::to_string(now_->stream.untaken().pieces)
                 + " pieces were not taken";
        },
        now_->request.trace.trace);
}

void agent_logic::ask_reader(step_context& context) {
  now_->reader_is_watched = false;
  now_->stream.ask(context, now_->request);
  watch_reader(context);
}

/// Nothing is left to ask about.
void agent_logic::leave_reader(step_context& context, const work& done) {
  if (done.reader_is_watched)
    context.out.arm(reader_timer, {});
}

} // namespace troupe
