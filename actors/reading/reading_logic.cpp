#include "actors/reading/reading_logic.hpp"

#include "actors/reading/excerpts.hpp"
#include "actors/reading/reading_request.hpp"
#include "config/limits/messages.hpp"
#include "config/limits/work.hpp"
#include "messages/agents.pb.h"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::uint32_t unused_timer = 1; ///< those of requests are their numbers, from 2

std::string called(const BlobRef& blob) {
  return blob.name().empty() ? "the document" : blob.name();
}

/// Texts and documents that came as a librarian's state, in front of the others.
bool take_apart(GatherExcerpts& asked) {
  LibrarianState told;
  if (!told.ParseFromString(asked.told()))
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

/// How many of `documents` from `first` on are looked into together.
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
      case message_kind::acknowledge:
        break;
    }
  } else if (auto fired = std::get_if<timer_fired>(&input)) {
    if (fired->timer == unused_timer)
      drop_unused(context);
    else if (auto late = requests_.find(fired->timer); late != requests_.end())
      give_up(context, late->first,
              {ec::timed_out, "the documents were not read in the time that was given"});
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
  if (!work || work->work_case() == ReadingRequest::WORK_NOT_SET
      || (work->has_gather() && !take_apart(*work->mutable_gather())))
    return context.out.send(reply_failure(
        message, {ec::bad_message, "service::reading takes ReadingRequest, and this is none"}));
  auto bytes = message.body.wire_size();
  if (requests_.size() >= limits::reading_requests_max
      || (!requests_.empty() && request_bytes_ + bytes > limits::reading_requests_bytes_max))
    return context.out.send(reply_failure(
        message, {ec::overloaded, "too much waits to be read on this node: try again later"}));

  do
    ++last_request_;
  while (last_request_ <= unused_timer || requests_.contains(last_request_));
  auto id = last_request_;
  auto time = std::min<std::chrono::milliseconds>(
      message.remaining.count() > 0 ? message.remaining : limits::reading_request_time_max,
      limits::reading_request_time_max);
  auto fresh = std::make_unique<request>();
  fresh->deadline = context.now + time;
  fresh->bytes = bytes;
  const auto& documents = work->gather().documents();
  fresh->wide = work->has_edit() || batch_behind(documents, 0) < documents.size();
  fresh->asked = std::move(message);
  request_bytes_ += bytes;
  auto wide = fresh->wide;
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

void reading_logic::came(step_context& context, who id, const std::string& hash,
                         std::shared_ptr<const document> there, const failure& why) {
  auto found = requests_.find(id);
  if (found == requests_.end())
    return;
  auto& one = *found->second;
  for (std::size_t i = 0; i < one.wanted.size(); ++i) {
    if (one.wanted[i].sha256() != hash || one.there[i] || one.missing[i])
      continue;
    one.there[i] = std::move(there);
    if (!one.there[i])
      one.missing[i] = why;
    break; // one that stands there twice is named twice
  }
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

void reading_logic::answer(step_context& context, request& done, ReadingAnswer made) {
  done.answered = true;
  context.out.send(reply_to(done.asked, std::move(made)));
}

void reading_logic::answer(step_context& context, request& done, const failure& why) {
  done.answered = true;
  context.out.send(reply_failure(done.asked, why));
}

/// Nobody waits for it any more. A job that runs is told so and its documents stay until it ends.
void reading_logic::give_up(step_context& context, who id, const failure& why) {
  auto& one = *requests_.at(id);
  answer(context, one, why);
  if (one.running)
    one.running->unwanted = true;
  else
    end(context, id);
}

/// Gives its documents back. One that is being made and that nobody else wants is broken off.
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

// -- documents ------------------------------------------------------------------------------------

void reading_logic::fetch_admitted(step_context& context) {
  for (auto& blob : shelf_.admit()) {
    auto sequence = ++sequence_;
    fetches_.emplace(sequence, blob.sha256());
    BlobGet get;
    *get.mutable_blob() = std::move(blob);
    auto message = make_envelope(message_kind::request, address::of(service::blobs, self_.node),
                                 std::move(get));
    message.id = {session_, sequence};
    message.sender = self_;
    message.remaining = limits::request_timeout;
    context.out.send(std::move(message));
  }
}

void reading_logic::fetched(step_context& context, envelope reply) {
  auto asked = fetches_.find(reply.id.sequence);
  if (reply.id.session != session_ || asked == fetches_.end())
    return;
  auto hash = std::move(asked->second);
  fetches_.erase(asked);
  auto data = reply.body.as<BlobData>();
  if (!data)
    return failed(
        context, hash,
        failure_in(reply).value_or(failure{ec::bad_message, "an answer that could not be read"}));
  auto bytes = data->bytes().size();
  shelf_.arrived(hash, bytes);
  if (!shelf_.wanted(hash))
    return shelf_.again(hash);
  auto todo = std::make_shared<job>();
  todo->hash = hash;
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
    return failed(context, ended.hash, {ec::agent_failed, "it could not be read: " + ended.fault});
  if (ended.unwanted)
    return shelf_.again(ended.hash);
  for (auto reader : shelf_.stands(ended.hash, ended.made, context.now))
    came(context, reader, ended.hash, ended.made, {});
}

void reading_logic::failed(step_context& context, const std::string& hash, const failure& why) {
  for (auto reader : shelf_.missing(hash))
    came(context, reader, hash, nullptr, why);
}

void reading_logic::drop_unused(step_context& context) {
  if (auto used = shelf_.drop_unused(context.now - limits::documents_kept))
    context.out.arm(unused_timer, *used + limits::documents_kept - context.now);
}

// -- jobs -----------------------------------------------------------------------------------------

/// What a request asks for, as a job. Its documents are there, or it is known why they are not.
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

/// Takes in the texts, in the first job, and the documents that are there; in the last job it makes
/// the answer.
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
    if (last)
      *now.answer.mutable_gathered() = into->finish();
  };
}

void reading_logic::do_job(step_context& context, std::shared_ptr<job> todo, bool at_once) {
  auto number = ++last_job_;
  jobs_.emplace(number, todo);
  auto run = [todo] {
    try {
      todo->does(*todo);
    } catch (const std::exception& e) {
      todo->fault = *e.what() == '\0' ? "an exception without a word" : e.what();
    }
    todo->does = {}; // what it was given is given back here, not by the logic
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
