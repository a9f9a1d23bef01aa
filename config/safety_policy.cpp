#include "config/safety_policy.hpp"

namespace troupe {

std::string_view to_string(safety_check check) {
  switch (check) {
    case safety_check::size:
      return "size";
    case safety_check::encoding:
      return "encoding";
    case safety_check::secret:
      return "secret";
    case safety_check::email:
      return "email";
    case safety_check::card:
      return "card";
    case safety_check::iban:
      return "iban";
    case safety_check::denied:
      return "denied";
    case safety_check::injection:
      return "injection";
  }
  return "unknown";
}

std::string_view to_string(safety_action action) {
  switch (action) {
    case safety_action::off:
      return "off";
    case safety_action::flag:
      return "flag";
    case safety_action::mask:
      return "mask";
    case safety_action::block:
      return "block";
  }
  return "unknown";
}

} // namespace troupe
