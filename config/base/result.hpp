#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace troupe {

/// Marks the error side of an `outcome`: `return unexpected{failure{...}};`
template <class E>
struct unexpected {
  E error;
};

template <class E>
unexpected(E) -> unexpected<E>;

/// A value or the error that stood in its way. Reading the wrong side is a bug and asserts.
template <class T, class E>
class [[nodiscard]] outcome {
public:
  outcome(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  outcome(unexpected<E> error) : content_(std::in_place_index<1>, std::move(error.error)) {}

  bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & { return assert(has_value()), std::get<0>(content_); }
  const T& value() const& { return assert(has_value()), std::get<0>(content_); }
  /// By value, so that `for (auto& x : *load())` does not iterate over a destroyed object.
  T value() && { return assert(has_value()), std::get<0>(std::move(content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  E& error() & { return assert(!has_value()), std::get<1>(content_); }
  const E& error() const& { return assert(!has_value()), std::get<1>(content_); }
  E&& error() && { return assert(!has_value()), std::get<1>(std::move(content_)); }

private:
  std::variant<T, E> content_;
};

/// The outcome of something that yields nothing but may fail.
template <class E>
class [[nodiscard]] outcome<void, E> {
public:
  outcome() = default;
  outcome(unexpected<E> error) : content_(std::move(error.error)) {}

  bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  E& error() & { return assert(!has_value()), std::get<1>(content_); }
  const E& error() const& { return assert(!has_value()), std::get<1>(content_); }
  E&& error() && { return assert(!has_value()), std::get<1>(std::move(content_)); }

private:
  std::variant<std::monostate, E> content_;
};

} // namespace troupe
