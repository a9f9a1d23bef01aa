#pragma once

#include <curl/curl.h>

#include <memory>

namespace troupe {

/// libcurl requires one `curl_global_init` before anything else; since 7.84 it may race with
/// itself.
inline bool curl_is_ready() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return ready;
}

template <auto Free>
struct closed_by {
  template <class Handle>
  void operator()(Handle* handle) const {
    Free(handle);
  }
};
using easy_handle = std::unique_ptr<CURL, closed_by<curl_easy_cleanup>>;
using multi_handle = std::unique_ptr<CURLM, closed_by<curl_multi_cleanup>>;
using url_handle = std::unique_ptr<CURLU, closed_by<curl_url_cleanup>>;
using text_list = std::unique_ptr<curl_slist, closed_by<curl_slist_free_all>>;

/// False without memory; the list is then as it was.
inline bool add_text(text_list& to, const char* text) {
  auto longer = curl_slist_append(to.get(), text);
  if (!longer)
    return false;
  (void)to.release();
  to.reset(longer);
  return true;
}

} // namespace troupe
