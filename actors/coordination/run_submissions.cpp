#include "actors/coordination/run_submissions.hpp"

#include "messages/runs.pb.h"

#include <string>
#include <utility>

namespace troupe {

namespace {

envelope accepted(const envelope& request, std::string run, Durability durability) {
  RunAccepted made;
  made.set_run(std::move(run));
  made.set_durability(durability);
  return reply_to(request, std::move(made));
}

} // namespace

void run_submissions::repeat(step_context& context, const envelope& request,
                             const delivery::judgement& judged, Durability durability) {
  if (judged.what != delivery_state::repeated_done)
    return context.out.send(
        reply_failure(request, {ec::outcome_unknown,
                                "whether this run was done is not known any more: look at what "
                                "it should have done before you run it again"}));
  auto kept = delivered_.kept(judged.at);
  if (auto refused = kept.as<Failure>())
    return context.out.send(reply_failure(request, from_proto(*refused)));
  auto ended = make_envelope(message_kind::event, request.sender, RunEnded{});
  ended.id = request.id;
  ended.sender = self_;
  ended.tenant = request.tenant;
  ended.body = std::move(kept);
  auto known_end = ended.body.as<RunEnded>();
  context.out.send(accepted(request, known_end ? known_end->run() : std::string{}, durability));
  context.out.send(std::move(ended));
}

void run_submissions::refuse(step_context& context, const envelope& request,
                             const delivery::judgement& judged, const failure& why) {
  auto reply = reply_failure(request, why);
  delivered_.complete(judged.at, reply.body);
  context.out.send(std::move(reply));
}

void run_submissions::complete(const active_run& run, payload& ended) {
  if (run.submission.session)
    delivered_.complete(run.submission, ended);
}

} // namespace troupe
