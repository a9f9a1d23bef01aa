// The work that service::reading has done elsewhere: documents are fetched and made, requests are
// worked on.

#include "actors/reading/reading_request.hpp"
#include "config/limits/messages.hpp"
#include "messages/agents.pb.h"

#include <utility>

namespace troupe {

namespace {

std::string called(const BlobRef& blob) {
  return blob.name().empty() ? "the document" : blob.name();
}

} // namespace

// -- documents ------------------------------------------------------------------------------------

void reading_logic::fetch_admitted(step_context& context) {
  for (auto& blob : shelf_.admit()) {
    auto sequence = ++sequence_;
    fetches_.emplace(sequence, fetch{blob.sha256(), {}});
    auto trace = trace_of(blob.sha256());
    BlobGet get;
    *get.mutable_blob() = std::move(blob);
    auto message = make_envelope(message_kind::request, address::of(service::blobs, self_.node),
                                 std::move(get));
    message.id = {session_, sequence};
    message.trace = trace;
    message.sender = self_;
    message.remaining = limits::request_timeout;
    context.out.send(std::move(message));
  }
}

void reading_logic::fetched(step_context& context, envelope reply) {
  auto asked = fetches_.find(reply.id.sequence);
  if (reply.id.session != session_ || asked == fetches_.end())
    return;
  auto todo = std::make_shared<job>();
  todo->hash = std::move(asked->second.hash);
  todo->found.Swap(&asked->second.found);
  todo->came = context.time();
  const auto& hash = todo->hash;
  fetches_.erase(asked);
  auto data = reply.body.as<BlobData>();
  if (!data)
    return failed(
        context, *todo,
        failure_in(reply).value_or(failure{ec::bad_message, "an answer that could not be read"}));
  auto bytes = data->bytes().size();
  shelf_.arrived(hash, bytes);
  if (!shelf_.wanted(hash))
    return shelf_.again(hash);
  todo->does = [text = std::make_shared<std::string>(std::move(*data->mutable_bytes()))](job& now) {
    now.made =
        std::make_shared<const document>(std::move(*text), [&now] { return now.unwanted.load(); });
  };
  making_[hash] = todo;
  do_job(context, std::move(todo), bytes <= limits::reading_at_once_bytes_max);
}

void reading_logic::made(step_context& context, job& ended) {
  making_.erase(ended.hash);
  if (!ended.fault.empty())
    return failed(context, ended, {ec::agent_failed, "it could not be read: " + ended.fault});
  if (ended.unwanted)
    return shelf_.again(ended.hash);
  for (auto reader : shelf_.stands(ended.hash, ended.made, context.now))
    came(context, reader, ended, {});
}

void reading_logic::failed(step_context& context, const job& ended, const failure& why) {
  for (auto reader : shelf_.missing(ended.hash))
    came(context, reader, ended, why);
}

/// The trace of a request that waits for the document: one that is sampled, if there is any.
trace_context reading_logic::trace_of(const std::string& hash) const {
  trace_context found;
  for (auto reader : shelf_.readers(hash)) {
    auto one = requests_.find(reader);
    if (one != requests_.end() && !found.sampled())
      found = one->second->asked.trace;
  }
  return found;
}

void reading_logic::drop_unused(step_context& context) {
  if (auto used = shelf_.drop_unused(context.now - limits::documents_kept))
    context.out.arm(unused_timer, *used + limits::documents_kept - context.now);
}

// -- jobs -----------------------------------------------------------------------------------------

/// The work that a request asks for, as a job. Its documents are there, or it is known why they are
/// not.
void reading_logic::work(step_context& context, who id) {
  auto& one = *requests_.at(id);
  auto& asked = one.work();
  if (!asked.has_gather())
    for (std::size_t i = 0; i < one.missing.size(); ++i)
      if (one.missing[i])
        return give_up(context, id, *one.missing[i]);

  auto todo = std::make_shared<job>();
  todo->reader = id;
  auto enough = [now = todo.get(), clock = options_.clock, deadline = one.deadline] {
    return now->unwanted.load() || (clock && clock() >= deadline);
  };
  bool at_once = !one.there.empty() && one.there.front() != nullptr
                 && one.there.front()->size_bytes() <= limits::reading_at_once_bytes_max;
  switch (asked.work_case()) {
    case ReadingRequest::kRead:
      todo->does = [from = one.there.front(), what = asked.read(), enough](job& now) {
        now.passages = from->passages();
        *now.answer.mutable_read() =
            read_document(*from, called(what.document()), what.question(), enough);
      };
      break;
    case ReadingRequest::kQuotes:
      todo->does = [from = one.there.front(), what = asked.quotes()](job& now) {
        *now.answer.mutable_quotes() = find_quotes(*from, called(what.document()), what.answer());
      };
      break;
    case ReadingRequest::kGather:
      todo->does = gather_job(one, enough);
      at_once = false;
      break;
    case ReadingRequest::kEdit:
    case ReadingRequest::WORK_NOT_SET:
      todo->does =
          [what = std::make_shared<EditReadings>(std::move(*asked.mutable_edit()))](job& now) {
            *now.answer.mutable_edited() = edit_readings(std::move(*what));
          };
      break;
  }
  one.running = todo;
  do_job(context, std::move(todo), at_once);
}

/// The first job takes in the texts. Each job takes in the documents that are there. The last job
/// makes the answer.
std::function<void(reading_logic::job&)> reading_logic::gather_job(request& one,
                                                                   const troupe::give_up& enough) {
  const auto& asked = one.work().gather();
  auto first = one.next_document == static_cast<int>(one.wanted.size());
  auto last = one.next_document == asked.documents_size();
  auto texts = first ? asked.texts() : google::protobuf::RepeatedPtrField<Excerpt>{};
  return [into = one.gathered, texts = std::move(texts), wanted = one.wanted, there = one.there,
          missing = one.missing, last, enough](job& now) {
    for (const auto& told : texts)
      into->add(told.source(), told.text());
    for (std::size_t i = 0; i < wanted.size() && !enough(); ++i)
      if (there[i])
        into->add(called(wanted[i]), *there[i]);
      else
        into->add_unread(called(wanted[i]), *missing[i]);
    now.passages = into->passages();
    if (last)
      *now.answer.mutable_gathered() = into->finish();
  };
}

void reading_logic::do_job(step_context& context, std::shared_ptr<job> todo, bool at_once) {
  auto number = ++last_job_;
  jobs_.emplace(number, todo);
  auto run = [todo, clock = options_.clock] {
    todo->began = clock ? clock() : instant{};
    try {
      todo->does(*todo);
    } catch (const std::exception& e) {
      todo->fault = *e.what() == '\0' ? "an exception without a message" : e.what();
    }
    todo->does = {}; // the job's data is freed here, not by the logic
    todo->ended = clock ? clock() : instant{};
    todo->done = true;
  };
  if (at_once || !options_.run) {
    run();
    return job_ended(context, number);
  }
  options_.run([run = std::move(run), tell = options_.tell, number] {
    run();
    ReadingDone done;
    done.set_job(number);
    tell(std::move(done));
  });
}

void reading_logic::job_ended(step_context& context, std::uint64_t number) {
  auto found = jobs_.find(number);
  if (found == jobs_.end() || !found->second->done)
    return; // not told by its thread
  auto ended = std::move(found->second);
  jobs_.erase(found);
  if (ended->hash.empty())
    worked(context, *ended);
  else
    made(context, *ended);
}

void reading_logic::worked(step_context& context, job& ended) {
  auto found = requests_.find(ended.reader);
  if (found == requests_.end())
    return;
  auto id = found->first;
  auto& one = *found->second;
  one.running = nullptr;
  one.times.worked(ended.began, ended.ended);
  one.times.looked_at(ended.passages);
  if (one.answered)
    return end(context, id);
  if (!ended.fault.empty())
    return give_up(context, id,
                   {ec::agent_failed, "the documents could not be read: " + ended.fault});
  if (one.gathered && one.next_document < one.work().gather().documents_size()) {
    give_back(context, id);
    return next_documents(context, id);
  }
  answer(context, one, std::move(ended.answer));
  end(context, id);
}

} // namespace troupe
