#include "tests/e2e/jaeger.hpp"

#include "telemetry/recorder.hpp"
#include "telemetry/span.hpp"
#include "telemetry/trace_words.hpp"

namespace troupe::tests {

namespace {

json value_of(const json& tag) { return tag.at("value"); }

std::vector<std::string> texts_in(const json& object, const char* key) {
  std::vector<std::string> texts;
  if (auto found = object.find(key); found != object.end() && found->is_array())
    for (const auto& text : *found)
      texts.push_back(text);
  return texts;
}

jaeger_span span_in(const json& told, const json& processes) {
  jaeger_span span;
  span.id = told.at("spanID");
  span.name = told.at("operationName");
  for (const auto& reference : told.value("references", json::array()))
    if (reference.at("refType") == "CHILD_OF")
      span.parent = reference.at("spanID");
    else
      span.links.push_back(reference.at("spanID"));
  span.start_us = told.at("startTime");
  span.end_us = span.start_us + told.at("duration").get<std::int64_t>();
  for (const auto& tag : told.at("tags"))
    span.tags[tag.at("key")] = value_of(tag);
  for (const auto& log : told.at("logs")) {
    json event;
    event["at_us"] = log.at("timestamp");
    for (const auto& field : log.at("fields"))
      event[field.at("key").get<std::string>()] = value_of(field);
    span.events.push_back(event);
  }
  const auto& process = processes.at(told.at("processID").get<std::string>());
  span.service = process.at("serviceName");
  for (const auto& tag : process.at("tags"))
    span.process_tags[tag.at("key")] = value_of(tag);
  span.warnings = texts_in(told, "warnings");
  return span;
}

/// What Jaeger adds to the attributes of a span.
bool is_jaegers_own(const std::string& key) {
  static const std::set<std::string> known{"span.kind",
                                           "error",
                                           "otel.status_code",
                                           "otel.status_description",
                                           "otel.scope.name",
                                           "otel.scope.version",
                                           "internal.span.format",
                                           "w3c.tracestate"};
  return known.contains(key);
}

void expect_listed(const jaeger_span& span) {
  auto row = row_of(span.name);
  ASSERT_TRUE(row) << "docs/traces.md lists no span " << span.name;
  for (const auto& [key, value] : span.tags)
    EXPECT_TRUE(is_jaegers_own(key) || may_have(*row, key)) << span.name << " has " << key;
  for (const auto& event : span.events)
    EXPECT_TRUE(may_have_event(*row, event.value("event", ""))) << span.name << ": " << event;
}

} // namespace

std::vector<json> jaeger_span::events_named(std::string_view what) const {
  std::vector<json> found;
  for (const auto& event : events)
    if (event.value("event", "") == what)
      found.push_back(event);
  return found;
}

std::vector<jaeger_span> jaeger_trace::named(std::string_view what) const {
  std::vector<jaeger_span> found;
  for (const auto& span : spans)
    if (span.name == what)
      found.push_back(span);
  return found;
}

const jaeger_span& jaeger_trace::one(std::string_view what) const {
  static const jaeger_span nothing;
  const jaeger_span* found = nullptr;
  int count = 0;
  for (const auto& span : spans)
    if (span.name == what) {
      found = &span;
      ++count;
    }
  EXPECT_EQ(count, 1) << what;
  return found ? *found : nothing;
}

std::set<std::string> jaeger_trace::operations() const {
  std::set<std::string> names;
  for (const auto& span : spans)
    names.insert(span.name);
  return names;
}

bool jaeger_trace::joined() const {
  std::set<std::string> known;
  for (const auto& span : spans)
    known.insert(span.id);
  return std::all_of(spans.begin(), spans.end(), [&](const jaeger_span& span) {
    return span.parent.empty() || known.contains(span.parent);
  });
}

jaeger_trace trace_from(const jaeger& server, const std::string& id,
                        const std::function<bool(const jaeger_trace&)>& whole) {
  jaeger_trace trace;
  for (auto deadline = clock::now() + 20s; clock::now() < deadline;) {
    auto answer = http_get(server.query + "/api/traces/" + id);
    auto parsed = json::parse(answer.body, nullptr, false);
    if (answer.status != 200 || !parsed.is_object() || parsed["data"].empty())
      continue;
    const auto& told = parsed["data"][0];
    trace = {};
    trace.id = told.at("traceID");
    trace.warnings = texts_in(told, "warnings");
    for (const auto& span : told.at("spans"))
      trace.spans.push_back(span_in(span, told.at("processes")));
    if (whole(trace))
      break;
  }
  return trace;
}

void expect_sound(const jaeger_trace& trace) {
  std::map<std::string, const jaeger_span*> known;
  for (const auto& span : trace.spans)
    EXPECT_TRUE(known.emplace(span.id, &span).second) << span.name << " is there twice";
  std::vector<std::string> roots;
  for (const auto& span : trace.spans) {
    EXPECT_THAT(span.warnings, ::testing::IsEmpty()) << span.name;
    EXPECT_GE(span.end_us, span.start_us) << span.name;
    if (span.name != caller_name)
      expect_listed(span);
    auto parent = known.find(span.parent);
    if (span.parent.empty()) {
      roots.push_back(span.name);
    } else if (parent == known.end()) {
      ADD_FAILURE() << span.name << " " << span.tag("troupe.task.label") << ": its parent "
                    << span.parent << " is not there";
    } else {
      EXPECT_LE(span.end_us, parent->second->end_us + 1) // both are rounded
          << span.name << " outlives " << parent->second->name;
      EXPECT_GE(span.start_us + 1, parent->second->start_us)
          << span.name << " is before " << parent->second->name;
    }
  }
  EXPECT_THAT(roots, ::testing::SizeIs(1));
  EXPECT_THAT(trace.warnings, ::testing::IsEmpty());
  EXPECT_LE(trace.operations().size(), 20u);
}

void export_caller(const jaeger& server, trace_id trace, span_id id) {
  recorder_options options;
  options.target.url = *parse_otlp_url(server.otlp, otlp_path::base);
  options.queued_max = 1;
  options.service = "caller";
  metrics counted;
  recorder to_jaeger{options, counted, make_null_log_sink()};
  auto now = instant{std::chrono::system_clock::now().time_since_epoch()};
  trace_context from{trace, {}, trace_context::flag_sampled};
  auto span = begin_span(caller_name, span_kind::internal, from, id, now - 1min);
  set_end(span, now);
  to_jaeger.record(std::move(span));
  EXPECT_TRUE(to_jaeger.flush(10s));
}

} // namespace troupe::tests
