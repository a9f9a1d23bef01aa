#include "tests/bench/bare_curl.hpp"

#include <curl/curl.h>

#include <memory>
#include <stdexcept>
#include <vector>

namespace troupe::bench {

namespace {

std::size_t count_bytes(char*, std::size_t size, std::size_t count, void* sum) {
  *static_cast<std::size_t*>(sum) += size * count;
  return size * count;
}

} // namespace

void bare_curl_calls(const std::string& url, const std::string& body, std::uint64_t count,
                     std::size_t window) {
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{curl_multi_init(),
                                                              &curl_multi_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{
      curl_slist_append(nullptr, "content-type: application/json"), &curl_slist_free_all};
  std::size_t received = 0;
  std::uint64_t begun = 0, ended = 0;
  std::vector<CURL*> all;
  for (; begun < window && begun < count; ++begun) {
    auto easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &count_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &received);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_multi_add_handle(multi.get(), easy);
    all.push_back(easy);
  }
  bool bad = false;
  while (ended < count && !bad) {
    int running = 0, left = 0;
    curl_multi_perform(multi.get(), &running);
    while (auto message = curl_multi_info_read(multi.get(), &left)) {
      long status = 0;
      auto easy = message->easy_handle;
      curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      bad = bad || message->data.result != CURLE_OK || status != 200;
      ++ended;
      curl_multi_remove_handle(multi.get(), easy);
      if (begun < count) {
        ++begun;
        curl_multi_add_handle(multi.get(), easy);
      }
    }
    if (ended < count)
      curl_multi_poll(multi.get(), nullptr, 0, 1'000, nullptr);
  }
  for (auto easy : all) {
    curl_multi_remove_handle(multi.get(), easy);
    curl_easy_cleanup(easy);
  }
  if (bad || received == 0)
    throw std::runtime_error("a bare call failed");
}

} // namespace troupe::bench
