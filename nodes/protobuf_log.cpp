#include "nodes/protobuf_log.hpp"

#include <google/protobuf/stubs/logging.h>

#include <mutex>

namespace troupe {

namespace {

std::mutex mutex; ///< protects `sink`
std::weak_ptr<log_sink> sink;

void pass_on(google::protobuf::LogLevel level, const char* file, int line,
             const std::string& message) {
  std::shared_ptr<log_sink> to;
  {
    std::lock_guard guard{mutex};
    to = sink.lock();
  }
  if (!to)
    return;
  auto as = level == google::protobuf::LOGLEVEL_INFO      ? log_level::info
            : level == google::protobuf::LOGLEVEL_WARNING ? log_level::warning
                                                          : log_level::error;
  to->write({as, "protobuf", message + " (" + file + ":" + std::to_string(line) + ")", {}});
}

} // namespace

void route_protobuf_log(const std::shared_ptr<log_sink>& log) {
  {
    std::lock_guard guard{mutex};
    sink = log;
  }
  google::protobuf::SetLogHandler(&pass_on);
}

} // namespace troupe
