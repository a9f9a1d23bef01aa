#include "telemetry/http_transfer.hpp"

#include "telemetry/text_escape.hpp"

#include <strings.h>

#include <charconv>
#include <optional>
#include <utility>

namespace troupe {

namespace {

std::string_view trimmed(std::string_view text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  auto end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

/// The value of the header line, if it is that field.
std::optional<std::string_view> value_of(std::string_view line, std::string_view field) {
  if (line.size() <= field.size() || line[field.size()] != ':'
      || ::strncasecmp(line.data(), field.data(), field.size()) != 0)
    return std::nullopt;
  auto value = trimmed(line.substr(field.size() + 1));
  return value.substr(0, limits::http_client_head_value_bytes_max);
}

/// "x-ratelimit-remaining-requests: 59", "anthropic-ratelimit-tokens-limit: 80000".
bool is_about_rates(std::string_view line) {
  constexpr std::string_view mark = "ratelimit-";
  auto name = line.substr(0, line.find(':'));
  for (std::size_t at = 0; at + mark.size() <= name.size(); ++at)
    if (::strncasecmp(name.data() + at, mark.data(), mark.size()) == 0)
      return true;
  return false;
}

/// "HTTP/1.1 200 OK", "HTTP/2 200": the number; 0 if the line is none.
unsigned status_of(std::string_view line) {
  auto space = line.find(' ');
  unsigned status = 0;
  if (!line.starts_with("HTTP/") || space == line.npos)
    return 0;
  std::from_chars(line.data() + space + 1, line.data() + line.size(), status);
  return status;
}

std::string seconds(std::chrono::milliseconds time) {
  auto ms = time.count();
  return ms % 1'000 == 0 ? std::to_string(ms / 1'000) + " s" : std::to_string(ms) + " ms";
}

/// What libcurl looks up for a transfer through `proxy`.
result<http_target> target_of_proxy(const std::string& proxy) {
  auto scheme = proxy.find("://");
  auto rest = scheme == proxy.npos ? proxy : proxy.substr(scheme + 3);
  auto found = parse_http_target("http://" + rest);
  constexpr std::uint16_t usual_proxy_port = 1080; // libcurl's, where none is named
  auto host_end = rest.rfind(']') == rest.npos ? rest.find(':', rest.rfind('@') + 1)
                                               : rest.find(':', rest.rfind(']'));
  if (found && host_end == rest.npos)
    found->port = proxy.starts_with("https://") ? 443 : usual_proxy_port;
  return found;
}

} // namespace

std::string_view to_string(http_end why) {
  switch (why) {
    case http_end::done:
      return "done";
    case http_end::resolve:
      return "resolve";
    case http_end::connect:
      return "connect";
    case http_end::tls:
      return "tls";
    case http_end::timeout_connect:
      return "timeout_connect";
    case http_end::timeout_first:
      return "timeout_first";
    case http_end::timeout_between:
      return "timeout_between";
    case http_end::timeout_total:
      return "timeout_total";
    case http_end::broken:
      return "broken";
    case http_end::too_large:
      return "too_large";
    case http_end::cancelled:
      return "cancelled";
  }
  return "unknown";
}

http_transfer::http_transfer(http_call_id id, http_call what, http_callbacks callbacks,
                             http_target target, std::string proxy, deadlines& list)
    : id_(id), call_(std::move(what)), callbacks_(std::move(callbacks)), target_(std::move(target)),
      proxy_(std::move(proxy)), list_(list), entry_(list.end()), began_(clock::now()),
      reached_(began_) {
  auto first_hop = target_;
  if (!proxy_.empty())
    if (auto parsed = target_of_proxy(proxy_))
      first_hop = *parsed;
  if (first_hop.needs_look_up) {
    looked_up_host_ = first_hop.host;
    looked_up_port_ = first_hop.port;
  }
  watch();
}

http_transfer::~http_transfer() {
  if (entry_ != list_.end())
    list_.erase(entry_);
}

void http_transfer::watch() {
  auto at = next_limit().at;
  if (entry_ == list_.end()) {
    entry_ = list_.emplace(at, this);
  } else if (at != entry_->first) {
    auto node = list_.extract(entry_);
    node.key() = at;
    entry_ = list_.insert(std::move(node));
  }
}

void http_transfer::reach(phase next) {
  reached_ = clock::now();
  if (std::exchange(phase_, next) != next)
    watch();
}

/// libcurl takes them from its table of names, and starts no resolver of its own.
void http_transfer::set_addresses(const name_addresses& addresses) {
  auto entry = looked_up_host_ + ":" + std::to_string(looked_up_port_) + ":";
  bool is_first = true;
  for (const auto& address : addresses) {
    entry += is_first ? "" : ",";
    entry += address.find(':') == address.npos ? address : "[" + address + "]";
    is_first = false;
  }
  addresses_.reset();
  (void)add_text(addresses_, entry.c_str());
}

/// The options that are the same for every call.
void http_transfer::set_always() {
  auto set = [this](CURLoption option, auto value) {
    curl_easy_setopt(easy_.get(), option, value);
  };
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOPROXY, ""); // `proxies` has decided
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, 0L); // ours say what was waited for
  set(CURLOPT_BUFFERSIZE, limits::http_client_chunk_bytes);
  set(CURLOPT_WRITEFUNCTION, &http_transfer::on_body);
  set(CURLOPT_HEADERFUNCTION, &http_transfer::on_header);
  set(CURLOPT_PREREQFUNCTION, &http_transfer::on_connected);
}

bool http_transfer::set_request() {
  for (const auto& header : call_.headers)
    if (!add_text(headers_, header.c_str()))
      return false;
  auto set = [this](CURLoption option, auto value) {
    curl_easy_setopt(easy_.get(), option, value);
  };
  if (call_.method == "POST") {
    if (!add_text(headers_, "Expect:")) // no round trip before a long body
      return false;
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, call_.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size()));
  } else {
    set(CURLOPT_HTTPGET, 1L);
  }
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_URL, call_.url.c_str()); // libcurl copies it
  set(CURLOPT_RESOLVE, addresses_.get());
  set(CURLOPT_PROXY, proxy_.c_str());
  set(CURLOPT_HTTP_VERSION, call_.may_pause ? static_cast<long>(CURL_HTTP_VERSION_1_1)
                                            : static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_PIPEWAIT, target_.tls && !call_.may_pause ? 1L : 0L);
  return true;
}

bool http_transfer::prepare(easy_handle handle) {
  easy_ = handle ? std::move(handle) : easy_handle{curl_easy_init()};
  if (!easy_)
    return false;
  set_always();
  auto set = [this](CURLoption option, auto value) {
    curl_easy_setopt(easy_.get(), option, value);
  };
  if (!call_.ca_file.empty())
    set(CURLOPT_CAINFO, call_.ca_file.c_str());
  set(CURLOPT_ERRORBUFFER, error_);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_PREREQDATA, this);
  set(CURLOPT_PRIVATE, this);
  return set_request();
}

/// The handle for another call: nothing in it points here any more. It is reset, for libcurl counts
/// in it how often a kept connection had died, for all its calls together, and gives up at the
/// sixth.
easy_handle http_transfer::release() {
  if (easy_)
    curl_easy_reset(easy_.get());
  return std::move(easy_);
}

bool http_transfer::resume() {
  wants_pause_ = false;
  reached_ = clock::now();
  watch();
  return std::exchange(paused_, false);
}

http_transfer::limit http_transfer::next_limit() const {
  limit next{began_ + call_.total_within, http_end::timeout_total};
  auto sooner = [&](clock::time_point at, http_end why) {
    if (at < next.at)
      next = {at, why};
  };
  switch (phase_) {
    case phase::resolving:
    case phase::connecting:
      sooner(began_ + call_.connect_within, http_end::timeout_connect);
      break;
    case phase::waiting:
      sooner(reached_ + call_.first_within, http_end::timeout_first);
      break;
    case phase::receiving:
      if (!wants_pause_)
        sooner(reached_ + call_.between_within, http_end::timeout_between);
      break;
  }
  return next;
}

int http_transfer::on_connected(void* self, char*, char*, int, int) {
  static_cast<http_transfer*>(self)->reach(phase::waiting);
  return CURL_PREREQFUNC_OK;
}

std::size_t http_transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  auto bytes = size * count;
  static_cast<http_transfer*>(self)->take_header({data, bytes});
  return bytes;
}

void http_transfer::take_header(std::string_view line) {
  constexpr unsigned final_status_min = 200; // those below are followed by another head
  if (head_given_)                           // a trailer
    return;
  if (auto status = status_of(line); status != 0) {
    status_ = status;
    content_type_.clear();
    retry_after_.clear();
    rate_limits_.clear();
  } else if (auto type = value_of(line, "content-type")) {
    content_type_ = *type;
  } else if (auto after = value_of(line, "retry-after")) {
    retry_after_ = *after;
  } else if (is_about_rates(line)) {
    if (rate_limits_.size() + line.size() < limits::http_client_rate_headers_bytes_max)
      rate_limits_.append(trimmed(line)).append("\n");
  } else if (trimmed(line).empty() && status_ >= final_status_min) {
    head_given_ = true;
    if (callbacks_.head)
      callbacks_.head({status_, content_type_, retry_after_, rate_limits_});
  }
}

std::size_t http_transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& me = *static_cast<http_transfer*>(self);
  auto bytes = size * count;
  if (me.wants_pause_) {
    me.paused_ = true;
    return CURL_WRITEFUNC_PAUSE; // it comes again after `resume`
  }
  me.reach(phase::receiving);
  if (me.received_bytes_ + bytes > me.call_.answer_bytes_max) {
    me.too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  me.received_bytes_ += bytes;
  if (me.callbacks_.chunk)
    me.callbacks_.chunk({data, bytes});
  return bytes;
}

http_end http_transfer::judge(CURLcode code) const {
  if (too_large_)
    return http_end::too_large;
  switch (code) {
    case CURLE_OK:
      return http_end::done;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return http_end::resolve;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return http_end::connect;
    case CURLE_OPERATION_TIMEDOUT: // libcurl has no limit of ours: the kernel gave up
      return phase_ == phase::connecting ? http_end::timeout_connect : http_end::broken;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return http_end::tls;
    default:
      return http_end::broken;
  }
}

std::string http_transfer::explain(http_end why, CURLcode code) const {
  auto whom = target_.shown();
  auto said = trimmed(error_[0] != '\0' ? error_ : curl_easy_strerror(code));
  auto words = one_line(utf8_prefix(said, limits::http_client_words_bytes_max));
  switch (why) {
    case http_end::done:
      return {};
    case http_end::resolve:
      return words;
    case http_end::connect:
      return "no connection to " + whom + (proxy_.empty() ? "" : " through the proxy") + ": "
             + words;
    case http_end::tls:
      return whom + " is not trusted, or speaks no TLS: " + words;
    case http_end::timeout_connect:
      return (connected_ && target_.tls && proxy_.empty()
                  ? "connected to " + whom + ", but no TLS within "
                  : "no connection to " + whom + " within ")
             + seconds(call_.connect_within);
    case http_end::timeout_first:
      return "no byte of an answer from " + whom + " within " + seconds(call_.first_within);
    case http_end::timeout_between:
      return whom + " fell silent for " + seconds(call_.between_within) + " within its answer";
    case http_end::timeout_total:
      return "the answer of " + whom + " was not whole within " + seconds(call_.total_within);
    case http_end::broken:
      return "the connection to " + whom + " broke: " + words;
    case http_end::too_large:
      return "the answer of " + whom + " has more than "
             + std::to_string(call_.answer_bytes_max / limits::mib) + " MiB";
    case http_end::cancelled:
      return "cancelled";
  }
  return {};
}

void http_transfer::end(http_end why, CURLcode code, std::string words) {
  http_ending ending;
  ending.why = why == http_end::done ? judge(code) : why;
  ending.words = words.empty() ? explain(ending.why, code) : std::move(words);
  ending.received_bytes = received_bytes_;
  if (long connections = 1;
      easy_ && curl_easy_getinfo(easy_.get(), CURLINFO_NUM_CONNECTS, &connections) == CURLE_OK)
    ending.reused = connections == 0 && phase_ >= phase::waiting;
  if (callbacks_.ended)
    callbacks_.ended(ending);
}

} // namespace troupe
