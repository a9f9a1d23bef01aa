#include "telemetry/otlp_post.hpp"

#include "config/limits/telemetry.hpp"
#include "telemetry/curl_handles.hpp"

#include <algorithm>
#include <strings.h>

namespace troupe {

namespace {

using std::chrono::milliseconds;

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<post_answer*>(to);
  auto bytes = size * count;
  if (answer.body.size() + bytes > limits::otlp_answer_bytes_max) {
    answer.too_large = true;
    return 0; // ends the transfer
  }
  answer.body.append(data, bytes);
  return bytes;
}

std::string_view trimmed_value(std::string_view text) {
  auto begin = text.find_first_not_of(" \t\r\n");
  auto end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<post_answer*>(to);
  std::string_view line{data, size * count};
  auto keep = [&](std::string_view field, std::string& where) {
    if (line.size() > field.size() && ::strncasecmp(line.data(), field.data(), field.size()) == 0)
      where = trimmed_value(line.substr(field.size()));
  };
  keep("retry-after:", answer.retry_after);
  keep("content-type:", answer.content_type);
  keep("location:", answer.location);
  return line.size();
}

} // namespace

struct otlp_post::impl {
  multi_handle multi{curl_multi_init()};
  easy_handle easy{curl_easy_init()};
  text_list headers;
  otlp_target target;

  void prepare();
  void prepare_tls();
  std::string explain(CURLcode code, const char* details) const;
  bool wait(const std::function<clock::time_point()>& deadline, CURLcode& code) const;
};

/// Sets the options that are the same for every request.
void otlp_post::impl::prepare() {
  auto add = [this](const char* line) { (void)add_text(headers, line); };
  add("Content-Type: application/x-protobuf");
  add("Expect:"); // no round trip before a long body
  if (target.gzip)
    add("Content-Encoding: gzip");
  for (const auto& header : target.headers)
    add(header.c_str());
  auto set = [this](CURLoption option, auto value) { curl_easy_setopt(easy.get(), option, value); };
  set(CURLOPT_URL, target.url.full.c_str()); // libcurl copies it
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(milliseconds{limits::otlp_connect_timeout}.count()));
  set(CURLOPT_WRITEFUNCTION, &on_body);
  set(CURLOPT_HEADERFUNCTION, &on_header);
  if (target.url.loopback) // a proxy to the outside must not get what stays on this machine
    set(CURLOPT_PROXY, "");
  prepare_tls();
}

void otlp_post::impl::prepare_tls() {
  auto set = [this](CURLoption option, const named_file& file) {
    if (!file.path.empty())
      curl_easy_setopt(easy.get(), option, file.path.c_str());
  };
  set(CURLOPT_CAINFO, target.certificate);
  set(CURLOPT_SSLCERT, target.client_certificate);
  set(CURLOPT_SSLKEY, target.client_key);
}

/// libcurl's words, and what named the file that they are about.
std::string otlp_post::impl::explain(CURLcode code, const char* details) const {
  std::string text = details[0] != '\0' ? details : curl_easy_strerror(code);
  std::string named;
  auto name = [&](const named_file& file) {
    if (!file.path.empty())
      named += (named.empty() ? "" : ", ") + file.from + " names " + file.path.string();
  };
  if (code == CURLE_SSL_CACERT_BADFILE || code == CURLE_PEER_FAILED_VERIFICATION)
    name(target.certificate);
  if (code == CURLE_SSL_CERTPROBLEM) {
    name(target.client_certificate);
    name(target.client_key);
  }
  return named.empty() ? text : text + " (" + named + ")";
}

/// Runs the transfer that was added; true when it ended by itself.
bool otlp_post::impl::wait(const std::function<clock::time_point()>& deadline,
                           CURLcode& code) const {
  constexpr std::int64_t longest_wait_ms = 1'000;
  for (;;) {
    int running = 0, left = 0;
    if (curl_multi_perform(multi.get(), &running) != CURLM_OK)
      return false;
    while (auto message = curl_multi_info_read(multi.get(), &left))
      if (message->msg == CURLMSG_DONE) {
        code = message->data.result;
        return true;
      }
    auto time_left = std::chrono::ceil<milliseconds>(deadline() - clock::now()).count();
    if (time_left <= 0)
      return false;
    auto wait_ms = static_cast<int>(std::min<std::int64_t>(time_left, longest_wait_ms));
    curl_multi_poll(multi.get(), nullptr, 0, wait_ms, nullptr);
  }
}

otlp_post::otlp_post(std::unique_ptr<impl> body) : impl_(std::move(body)) {}

otlp_post::~otlp_post() = default;

const std::string& otlp_post::url() const noexcept { return impl_->target.url.shown; }

const std::string& otlp_post::from() const noexcept { return impl_->target.from; }

result<std::unique_ptr<otlp_post>> otlp_post::to(const otlp_target& target) {
  auto made = std::make_unique<impl>();
  if (!curl_is_ready() || !made->multi || !made->easy)
    return fail(ec::unavailable, "libcurl could not be initialised");
  made->target = target;
  made->prepare();
  return std::unique_ptr<otlp_post>{new otlp_post{std::move(made)}};
}

post_answer otlp_post::send(std::string_view body,
                            const std::function<clock::time_point()>& deadline) {
  post_answer answer;
  char details[CURL_ERROR_SIZE] = "";
  auto easy = impl_->easy.get();
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, details);
  auto code = CURLE_OK;
  curl_multi_add_handle(impl_->multi.get(), easy);
  bool ended = impl_->wait(deadline, code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(impl_->multi.get(), easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);
  if (!ended)
    answer.problem = "no answer in time";
  else if (code != CURLE_OK && !answer.too_large)
    answer.problem = impl_->explain(code, details);
  answer.connected = answer.problem.empty();
  answer.status = static_cast<unsigned>(status);
  return answer;
}

void otlp_post::wake() { curl_multi_wakeup(impl_->multi.get()); }

} // namespace troupe
