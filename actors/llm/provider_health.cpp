#include "actors/llm/provider_health.hpp"

#include "config/limits/models.hpp"
#include "telemetry/text_escape.hpp"

namespace troupe {

void provider_health::answered(instant at) {
  ++answered_;
  ended(at, ec::none);
}

void provider_health::failed(instant at, const failure& why) {
  ++failed_;
  words_ = one_line(utf8_prefix(why.message, limits::provider_words_bytes_max));
  ended(at, why.code);
}

void provider_health::ended(instant at, ec how) {
  if (answered_ + failed_ == 1 || last_ != how)
    since_ = at;
  last_ = how;
  last_at_ = at;
}

void provider_health::tell(ProviderHealth& to) const {
  to.set_answered(answered_);
  to.set_failed(failed_);
  to.set_words(words_);
  if (answered_ + failed_ == 0)
    return;
  to.set_last(last_ == ec::none ? "answered" : std::string{to_string(last_)});
  to.set_since_ns(since_.time_since_epoch().count());
  to.set_last_ns(last_at_.time_since_epoch().count());
}

} // namespace troupe
