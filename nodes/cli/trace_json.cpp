#include "config/base/hex.hpp"
#include "messages/cluster.pb.h"
#include "messages/spans.pb.h"
#include "nodes/cli/output.hpp"
#include "nodes/cli/trace_tree.hpp"
#include "nodes/cli/trace_view.hpp"

#include <nlohmann/json.hpp>

namespace troupe::cli {

namespace {

using json = nlohmann::ordered_json;

const char* kind_name(std::uint32_t kind) {
  switch (kind) {
    case 1:
      return "internal";
    case 2:
      return "server";
    case 3:
      return "client";
    case 4:
      return "producer";
    case 5:
      return "consumer";
    default:
      return "unspecified";
  }
}

json to_json(const SpanAttribute& attribute) {
  switch (attribute.value_case()) {
    case SpanAttribute::kText:
      return attribute.text();
    case SpanAttribute::kInteger:
      return attribute.integer();
    case SpanAttribute::kNumber:
      return attribute.number();
    case SpanAttribute::kFlag:
      return attribute.flag();
    case SpanAttribute::kTexts: {
      auto items = json::array();
      for (const auto& item : attribute.texts().items())
        items.push_back(item);
      return items;
    }
    case SpanAttribute::VALUE_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

template <class Attributes>
json attributes_of(const Attributes& attributes) {
  auto object = json::object();
  for (const auto& attribute : attributes)
    object[attribute.key()] = to_json(attribute);
  return object;
}

json to_json(const SpanData& span) {
  auto events = json::array();
  for (const auto& happened : span.events())
    events.push_back({{"at_ns", happened.at_ns()},
                      {"name", happened.name()},
                      {"attributes", attributes_of(happened.attributes())}});
  auto links = json::array();
  for (const auto& link : span.links())
    links.push_back(
        {{"span_id", to_hex(link.span())}, {"attributes", attributes_of(link.attributes())}});
  return {{"span_id", to_hex(span.span())},
          {"parent_span_id", span.parent() == 0 ? "" : to_hex(span.parent())},
          {"name", span.name()},
          {"kind", kind_name(span.kind())},
          {"node", to_string(node_from_bytes(span.node()))},
          {"node_name", span.node_name()},
          {"start_ns", span.start_ns()},
          {"end_ns", span.end_ns()},
          {"attributes", attributes_of(span.attributes())},
          {"events", std::move(events)},
          {"links", std::move(links)},
          {"status", span.failed() ? "error" : "ok"},
          {"status_message", span.status_message()}};
}

} // namespace

std::string trace_json(const TraceFound& found) {
  auto id = run_from_bytes(found.trace());
  auto object = json::object();
  object["trace_id"] = to_hex(id.hi, id.lo);
  object["silent"] = json::array();
  for (const auto& node : found.silent())
    object["silent"].push_back(node);
  object["spans"] = json::array();
  for (const auto& row : order_trace(found))
    object["spans"].push_back(to_json(*row.span));
  auto text = to_line(object);
  text.pop_back();
  return text;
}

} // namespace troupe::cli
