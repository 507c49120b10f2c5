#include "spd/views.h"

#include <thread>
#include <utility>

namespace testudo::spd {

void View::add(const Rule& rule) {
  Tables& tables = of(rule.direction);
  tables.by_flow.add(rule.selector, rule.order, rule.policy);
  tables.by_addresses.add(rule.selector, rule.order, rule.policy);
  ++size_;
}

void View::remove(const Rule& rule) {
  Tables& tables = of(rule.direction);
  tables.by_flow.remove(rule.selector, rule.order);
  tables.by_addresses.remove(rule.selector, rule.order);
  --size_;
}

void Views::make(const Change& change, View& view) {
  change.kind == Change::Kind::Add ? view.add(change.rule) : view.remove(change.rule);
}

void Views::change(const Change& change) {
  make(change, *back_);
  if (has_readers()) unpublished_.push_back(change);
}

void Views::publish() {
  if (!has_readers() || (unpublished_.empty() && retired_.empty())) return;
  front_.store(back_.get());
  std::swap(back_, held_);
  for (const Seat* seat : seats_) {
    while (seat->in.load() == back_.get()) std::this_thread::yield();
  }
  for (const Change& change : unpublished_) make(change, *back_);
  unpublished_.clear();
  retired_.clear();
}

void Views::seat(Seat& reader, const std::vector<View::Rule>& all) {
  if (!has_readers()) {
    held_ = std::make_unique<View>();
    for (const View::Rule& rule : all) held_->add(rule);
    front_.store(held_.get());
  }
  seats_.push_back(&reader);
}

void Views::unseat(const Seat& reader) {
  std::erase(seats_, &reader);
  if (has_readers()) return;
  front_.store(nullptr);
  held_.reset();
  unpublished_.clear();
  retired_.clear();
}

}  // namespace testudo::spd
