#include "sad/share.h"

#include <algorithm>

namespace testudo::sad {
namespace {

Time time_of(std::int64_t since_start) {
  return Time{Duration{since_start}};
}

}  // namespace

Usage& Usage::operator+=(const Usage& other) {
  packets += other.packets;
  bytes += other.bytes;
  if (other.first) first = first ? std::min(*first, *other.first) : *other.first;
  if (other.last) last = last ? std::max(*last, *other.last) : *other.last;
  return *this;
}

Usage Share::usage() const {
  Usage usage{packets_, bytes_, {}, {}};
  // Its worker may be counting its first packet right now.
  if (const std::int64_t first = first_; first != kNever) usage.first = time_of(first);
  if (const std::int64_t last = last_; last != kNever) usage.last = time_of(last);
  return usage;
}

void Share::start_from(const Usage& usage) {
  packets_ = usage.packets;
  bytes_ = usage.bytes;
  first_ = usage.first ? usage.first->time_since_epoch().count() : kNever;
  last_ = usage.last ? usage.last->time_since_epoch().count() : kNever;
}

}  // namespace testudo::sad
