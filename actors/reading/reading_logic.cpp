#include "actors/reading/reading_logic.hpp"

#include "actors/message_title.hpp"
#include "actors/reading/excerpts.hpp"
#include "actors/reading/reading_request.hpp"
#include "actors/unread.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view component = "reading";

/// Texts and documents that came as a librarian's state, before the others.
bool take_apart(GatherExcerpts& asked) {
  LibrarianState told;
  if (!parse_message(told, asked.told()))
    return false;
  google::protobuf::RepeatedPtrField<BlobRef> documents;
  google::protobuf::RepeatedPtrField<Excerpt> texts;
  for (auto& source : *told.mutable_sources())
    if (source.has_blob())
      documents.Add(std::move(*source.mutable_blob()));
    else
      texts.Add(excerpt_of(std::move(*source.mutable_name()), std::move(*source.mutable_text())));
  documents.MergeFrom(asked.documents());
  texts.MergeFrom(asked.texts());
  asked.mutable_documents()->Swap(&documents);
  asked.mutable_texts()->Swap(&texts);
  asked.clear_told();
  return true;
}

/// How many of `documents` from `first` on are read together.
int batch_behind(const google::protobuf::RepeatedPtrField<BlobRef>& documents, int first) {
  std::uint64_t bytes = 0;
  auto behind = first;
  while (behind < documents.size()
         && static_cast<std::size_t>(behind - first) < limits::gathering_batch_max) {
    bytes += documents[behind].size_bytes();
    if (behind > first && bytes > limits::gathering_batch_bytes_max)
      break;
    ++behind;
  }
  return behind;
}

} // namespace

reading_logic::reading_logic(options chosen)
    : options_(std::move(chosen)), shelf_(options_.memory) {}

reading_logic::~reading_logic() = default;

void reading_logic::start(step_context& context, const address& self) {
  self_ = self;
  session_ = {context.random.next() | 1};
}

void reading_logic::step(step_context& context, event input) {
  if (auto message = std::get_if<envelope>(&input)) {
    switch (message->kind) {
      case message_kind::request:
        asked(context, std::move(*message));
        break;
      case message_kind::reply:
        fetched(context, std::move(*message));
        break;
      case message_kind::event:
        if (auto done = message->body.as<ReadingDone>())
          job_ended(context, done->job());
        break;
      case message_kind::cancel:
        cancelled(context, *message);
        break;
      case message_kind::piece:
        if (auto found = message->body.as<BlobFound>())
          if (auto one = fetches_.find(message->id.sequence);
              one != fetches_.end() && message->id.session == session_)
            one->second.found.Swap(found);
        break;
      case message_kind::acknowledge:
        break;
    }
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == unused_timer)
      drop_unused(context);
    else if (auto late = requests_.find(fired->timer); late != requests_.end())
      give_up(context, late->first,
              {ec::timed_out, "the documents were not read in the given time"});
  }
  fetch_admitted(context);
}

void reading_logic::stop(step_context& context) {
  for (auto& [number, todo] : jobs_)
    todo->unwanted = true;
  for (auto& [id, one] : requests_)
    if (!one->answered)
      context.out.send(reply_failure(
          one->asked, {ec::unavailable, "the documents are not read: this node is stopping"}));
  requests_.clear();
  wide_waiting_.clear();
}

// -- requests -------------------------------------------------------------------------------------

void reading_logic::asked(step_context& context, envelope message) {
  message.target = self_;
  auto work = message.body.as<ReadingRequest>();
  if (!work)
    return not_taken(context, "service reading", message);
  if (work->work_case() == ReadingRequest::WORK_NOT_SET
      || (work->has_gather() && !take_apart(*work->mutable_gather())))
    return context.out.send(
        reply_failure(message, {ec::bad_message,
                                "a ReadingRequest that asks for nothing, or for damaged sources"}));
  auto bytes = message.body.wire_size();
  if (requests_.size() >= limits::reading_requests_max
      || (!requests_.empty() && request_bytes_ + bytes > limits::reading_requests_bytes_max))
    return context.out.send(reply_failure(
        message, {ec::overloaded, "too much is waiting to be read on this node: try again later"}));

  do
    ++last_request_;
  while (last_request_ <= unused_timer || requests_.contains(last_request_));
  auto id = last_request_;
  auto time = std::min<std::chrono::milliseconds>(
      message.remaining.count() > 0 ? message.remaining : limits::reading_request_time_max,
      limits::reading_request_time_max);
  auto fresh = std::make_unique<request>(std::move(message));
  fresh->deadline = context.now + time;
  fresh->bytes = bytes;
  const auto& documents = work->gather().documents();
  fresh->wide = work->has_edit() || batch_behind(documents, 0) < documents.size();
  request_bytes_ += bytes;
  auto wide = fresh->wide;
  context.out.debug(
      component,
      [&] {
        return "takes " + message_title(fresh->asked.id) + " of " + to_string(fresh->asked.sender)
               + ", " + std::to_string(bytes) + " bytes"
               + (wide && wide_ >= limits::wide_requests_max ? ", which waits for others" : "");
      },
      fresh->asked.trace.trace);
  requests_.emplace(id, std::move(fresh));
  context.out.arm(id, time);
  if (wide && wide_ >= limits::wide_requests_max)
    wide_waiting_.push_back(id);
  else
    begin(context, id);
}

void reading_logic::begin(step_context& context, who id) {
  auto& one = *requests_.at(id);
  one.begun = true;
  wide_ += one.wide ? 1 : 0;
  auto& todo = one.work();
  switch (todo.work_case()) {
    case ReadingRequest::kRead:
      return want(context, id, {todo.read().document()});
    case ReadingRequest::kQuotes:
      return want(context, id, {todo.quotes().document()});
    case ReadingRequest::kGather:
      one.gathered = std::make_shared<gathering>(todo.gather().question());
      return next_documents(context, id);
    case ReadingRequest::kEdit:
    case ReadingRequest::WORK_NOT_SET:
      return work(context, id);
  }
}

void reading_logic::next_documents(step_context& context, who id) {
  auto& one = *requests_.at(id);
  const auto& documents = one.work().gather().documents();
  auto first = one.next_document;
  one.next_document = batch_behind(documents, first);
  want(context, id, {documents.begin() + first, documents.begin() + one.next_document});
}

void reading_logic::want(step_context& context, who id, std::vector<BlobRef> documents) {
  auto& one = *requests_.at(id);
  one.wanted = std::move(documents);
  one.times.want(context.time());
  one.there.assign(one.wanted.size(), nullptr);
  one.missing.assign(one.wanted.size(), std::nullopt);
  one.awaited = 0;
  for (std::size_t i = 0; i < one.wanted.size(); ++i) {
    if (one.wanted[i].size_bytes() > limits::document_bytes_max) {
      one.missing[i] = {ec::too_large, "it is larger than a document may be"};
      continue;
    }
    one.there[i] = shelf_.take(one.wanted[i], id);
    one.awaited += one.there[i] ? 0 : 1;
  }
  if (one.awaited == 0)
    work(context, id);
}

/// A document that the request waited for is there, or is missing because of `why`.
void reading_logic::came(step_context& context, who id, const job& made, const failure& why) {
  auto found = requests_.find(id);
  if (found == requests_.end())
    return;
  auto& one = *found->second;
  for (std::size_t i = 0; i < one.wanted.size(); ++i) {
    if (one.wanted[i].sha256() != made.hash || one.there[i] || one.missing[i])
      continue;
    one.there[i] = made.made;
    if (!one.there[i])
      one.missing[i] = why;
    bool bytes_came = made.made || !made.fault.empty();
    one.times.waited(made.came, one.wanted[i].size_bytes(), made.found,
                     bytes_came ? std::nullopt : std::optional{why});
    break; // a document that is listed twice is named twice
  }
  one.times.worked(made.began, made.ended);
  if (--one.awaited == 0)
    work(context, id);
}

void reading_logic::cancelled(step_context& context, const envelope& order) {
  auto same = [&order](const auto& entry) {
    const auto& one = entry.second->asked;
    return one.id == order.id && one.sender == order.sender;
  };
  auto found = std::find_if(requests_.begin(), requests_.end(), same);
  if (found != requests_.end() && !found->second->answered)
    give_up(context, found->first, {ec::cancelled, "the request was cancelled"});
}

/// For the trace of who asked: it comes before the answer.
void reading_logic::tell_times(step_context& context, request& done) const {
  if (!done.times.sampled())
    return;
  const auto& work = done.work();
  auto documents = work.has_gather() ? work.gather().documents_size() : work.has_edit() ? 0 : 1;
  context.out.send(reply_to(done.asked, done.times.take(documents), message_kind::piece));
}

void reading_logic::answer(step_context& context, request& done, ReadingAnswer made) {
  done.answered = true;
  context.out.debug(
      component, [&] { return "answers " + message_title(done.asked.id); }, done.asked.trace.trace);
  done.times.chose(made);
  tell_times(context, done);
  context.out.send(reply_to(done.asked, std::move(made)));
}

void reading_logic::answer(step_context& context, request& done, const failure& why) {
  done.answered = true;
  context.out.debug(
      component, [&] { return "refuses " + message_title(done.asked.id) + ": " + why.message; },
      done.asked.trace.trace);
  for (std::size_t i = 0; i < done.wanted.size(); ++i)
    if (!done.there[i] && !done.missing[i]) // it still waits for this one
      done.times.waited(context.time(), done.wanted[i].size_bytes(), {}, why);
  tell_times(context, done);
  context.out.send(reply_failure(done.asked, why));
}

/// Nobody waits for it any more. A running job is told so, and its documents stay until it ends.
void reading_logic::give_up(step_context& context, who id, const failure& why) {
  auto& one = *requests_.at(id);
  answer(context, one, why);
  if (one.running)
    one.running->unwanted = true;
  else
    end(context, id);
}

/// Gives back its documents. Making a document that nobody else wants is broken off.
void reading_logic::give_back(step_context& context, who id) {
  auto& one = *requests_.at(id);
  for (const auto& blob : std::exchange(one.wanted, {})) {
    shelf_.give_back(blob.sha256(), id, context.now);
    auto making = making_.find(blob.sha256());
    if (making != making_.end() && !shelf_.wanted(blob.sha256()))
      making->second->unwanted = true;
  }
  one.there.clear();
}

void reading_logic::end(step_context& context, who id) {
  give_back(context, id);
  auto& one = *requests_.at(id);
  request_bytes_ -= one.bytes;
  if (one.wide && one.begun)
    --wide_;
  std::erase(wide_waiting_, id);
  context.out.arm(static_cast<std::uint32_t>(id), {});
  requests_.erase(id);
  while (wide_ < limits::wide_requests_max && !wide_waiting_.empty()) {
    auto next = wide_waiting_.front();
    wide_waiting_.pop_front();
    begin(context, next);
  }
  drop_unused(context);
}

} // namespace troupe
