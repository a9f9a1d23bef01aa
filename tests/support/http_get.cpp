#include "tests/support/cluster.hpp"

#include <curl/curl.h>

namespace troupe::tests {

namespace {

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(bytes, size * count);
  return size * count;
}

} // namespace

http_answer http_get(const std::string& url, std::chrono::milliseconds at_most) {
  http_answer answer;
  CURL* curl = ::curl_easy_init();
  ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(at_most.count()));
  ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
  ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
  if (::curl_easy_perform(curl) == CURLE_OK) {
    long status = 0;
    const char* type = nullptr;
    ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    ::curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    answer.status = static_cast<int>(status);
    answer.content_type = type ? type : "";
  }
  ::curl_easy_cleanup(curl);
  return answer;
}

} // namespace troupe::tests
