#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace troupe {

/// A queue in one block of memory. An empty queue owns no memory at first, so short-lived ones are
/// cheap. The room of popped items is used again when the queue runs empty, or when it is the
/// larger part of the block.
template <class T>
class fifo {
public:
  bool empty() const noexcept { return head_ == items_.size(); }
  std::size_t size() const noexcept { return items_.size() - head_; }
  const T& front() const { return items_[head_]; }
  const T& back() const { return items_.back(); }

  void push(T item) { items_.push_back(std::move(item)); }
  void push_front(T item) {
    if (head_ > 0)
      items_[--head_] = std::move(item);
    else
      items_.insert(items_.begin(), std::move(item));
  }
  T pop() {
    T item = std::move(items_[head_++]);
    if (head_ == items_.size()) {
      items_.clear();
      head_ = 0;
    } else if (head_ >= 64 && head_ * 2 > items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }
  T pop_back() {
    T item = std::move(items_.back());
    items_.pop_back();
    if (head_ == items_.size()) {
      items_.clear();
      head_ = 0;
    }
    return item;
  }
  template <class Visit>
  void visit(Visit visit) const {
    for (auto at = head_; at < items_.size(); ++at)
      visit(items_[at]);
  }
  /// Removes the elements for which `gone` holds.
  template <class Predicate>
  std::size_t remove_if(Predicate gone) {
    auto before = size();
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
    std::erase_if(items_, std::move(gone));
    return before - size();
  }

private:
  std::vector<T> items_;
  std::size_t head_ = 0;
};

} // namespace troupe
