#pragma once
// A list whose links lie in what it lists: an SA stands in several, and a node and an allocation for each would be more
// than the links.  Owns nothing.  One writing thread.

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
  T* back() const { return back_; }
  static T* after(const T& item) { return (item.*kLinks).after; }
  static T* before(const T& item) { return (item.*kLinks).before; }

  void push_front(T& item) { insert(front_, item); }
  void push_back(T& item) { insert(nullptr, item); }
  /// In front of `place`, which is in the list; null: at the end.
  void insert(T* place, T& item) {
    T* const last = place == nullptr ? back_ : (place->*kLinks).before;
    item.*kLinks = {last, place};
    (last == nullptr ? front_ : (last->*kLinks).after) = &item;
    (place == nullptr ? back_ : (place->*kLinks).before) = &item;
  }
  void erase(T& item) {
    const Links<T> links = item.*kLinks;
    (links.before == nullptr ? front_ : (links.before->*kLinks).after) = links.after;
    (links.after == nullptr ? back_ : (links.after->*kLinks).before) = links.before;
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
    T* item = back_;
    while (item != nullptr && !wanted(*item)) item = before(*item);
    return item;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace testudo::sad
