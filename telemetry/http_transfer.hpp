#pragma once

#include "telemetry/curl_handles.hpp"
#include "telemetry/http_call.hpp"
#include "telemetry/http_target.hpp"
#include "telemetry/name_resolver.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace troupe {

class http_group;

/// One call of an `http_loop` on its way: what is asked, libcurl's handle for it, how far it is and
/// until when it has to be further. Lives on the loop's thread.
class http_transfer {
public:
  using clock = std::chrono::steady_clock;
  using deadlines = std::multimap<clock::time_point, http_transfer*>;

  enum class phase : std::uint8_t {
    resolving,  ///< the name is being looked up, or nothing has begun yet
    connecting, ///< libcurl has it; there is no connection for it yet
    waiting,    ///< the request is on its way; no byte of a body has come
    receiving,  ///< the body comes
  };

  http_transfer(http_call_id id, http_call what, http_callbacks callbacks, http_target target,
                std::string proxy, deadlines& list);
  ~http_transfer();
  http_transfer(const http_transfer&) = delete;
  http_transfer& operator=(const http_transfer&) = delete;

  http_call_id id() const noexcept { return id_; }
  bool may_pause() const noexcept { return call_.may_pause; }
  /// The host whose name has to be known: the target, or its proxy. Empty: none.
  const std::string& name_to_look_up() const noexcept { return looked_up_host_; }
  void set_addresses(const name_addresses& addresses);

  /// Fills `handle`, which may have done another call, and owns it until `release`. False without
  /// memory.
  bool prepare(easy_handle handle);
  CURL* handle() const noexcept { return easy_.get(); }
  easy_handle release();
  void set_connecting() noexcept { phase_ = phase::connecting; }
  /// TCP stands: libcurl waits for bytes of the server, or of a proxy.
  void set_connected() noexcept { connected_ = true; }
  bool is_resolving() const noexcept { return phase_ == phase::resolving; }

  /// From the next chunk on.
  void pause() noexcept { wants_pause_ = may_pause(); }
  /// True when libcurl has to be told.
  bool resume();
  bool is_paused() const noexcept { return wants_pause_; }

  /// When it has to be further, and what it is called when it is not.
  struct limit {
    clock::time_point at;
    http_end why;
  };
  limit next_limit() const;
  /// Puts it into the list of deadlines, or moves it there. An entry may come too soon: then it is
  /// put anew.
  void watch();

  /// Calls `ended`. `code` and libcurl's words matter only where `why` is `done`.
  void end(http_end why, CURLcode code = CURLE_OK, std::string words = {});

  http_group* group = nullptr; ///< that carries it

private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static int on_connected(void* self, char*, char*, int, int);

  void set_always();
  bool set_request();
  void reach(phase next);
  void take_header(std::string_view line);
  http_end judge(CURLcode code) const;
  std::string explain(http_end why, CURLcode code) const;

  http_call_id id_;
  http_call call_;
  http_callbacks callbacks_;
  http_target target_;
  std::string proxy_;
  std::string looked_up_host_;
  std::uint16_t looked_up_port_ = 0;

  easy_handle easy_;
  text_list headers_;
  text_list addresses_;
  char error_[CURL_ERROR_SIZE] = "";

  deadlines& list_;
  deadlines::iterator entry_;
  phase phase_ = phase::resolving;
  clock::time_point began_;
  clock::time_point reached_; ///< the phase; in `receiving`, the last chunk
  bool connected_ = false;    ///< by TCP
  bool wants_pause_ = false;
  bool paused_ = false; ///< libcurl was told
  bool too_large_ = false;
  bool head_given_ = false;
  unsigned status_ = 0;
  std::string content_type_;
  std::string retry_after_;
  std::string rate_limits_;
  std::uint64_t received_bytes_ = 0;
};

} // namespace troupe
