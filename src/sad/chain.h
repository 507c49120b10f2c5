#pragma once
// A list whose links lie in what it lists: an SA stands in several, and a node and an allocation for each would be more
// than the links.  The list itself is one pointer: in front of the first stands the last.  Owns nothing.  One writing
// thread.

namespace testudo::sad {

template <typename T>
struct Links {
  T* before = nullptr;
  T* after = nullptr;
};

template <typename T, Links<T> T::*kLinks>
class Chain {
 public:
  bool empty() const { return front_ == nullptr; }
  T* front() const { return front_; }
  T* back() const { return front_ == nullptr ? nullptr : (front_->*kLinks).before; }
  static T* after(const T& item) { return (item.*kLinks).after; }
  T* before(const T& item) const { return &item == front_ ? nullptr : (item.*kLinks).before; }

  void push_front(T& item) { insert(front_, item); }
  void push_back(T& item) { insert(nullptr, item); }
  /// In front of `place`, which is in the list; null: at the end.
  void insert(T* place, T& item) {
    T* const next = place == nullptr ? front_ : place;  // where it says what stood before the place
    T* const last = next == nullptr ? &item : (next->*kLinks).before;
    if (next != nullptr) (next->*kLinks).before = &item;
    if (place == front_) {
      front_ = &item;
    } else {
      (last->*kLinks).after = &item;
    }
    item.*kLinks = {last, place};
  }
  void erase(T& item) {
    const Links<T> links = item.*kLinks;
    if (&item == front_) {
      front_ = links.after;
    } else {
      (links.before->*kLinks).after = links.after;
    }
    T* const next = links.after == nullptr ? front_ : links.after;
    if (next != nullptr) (next->*kLinks).before = links.before;
    item.*kLinks = {};
  }
  /// The first that `wanted` is true for, or null.
  template <typename Wanted>
  T* find(const Wanted& wanted) const {
    T* item = front_;
    while (item != nullptr && !wanted(*item)) item = after(*item);
    return item;
  }
  /// The same from the end.
  template <typename Wanted>
  T* find_last(const Wanted& wanted) const {
    T* item = back();
    while (item != nullptr && !wanted(*item)) item = before(*item);
    return item;
  }

 private:
  T* front_ = nullptr;
};

}  // namespace testudo::sad
