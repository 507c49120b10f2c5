#pragma once
// The SPD as a thread sees it that does not change it: between enter() and leave(), a batch of packets, all policies as
// they were published at one moment, and what it found stays there.  RFC 4301 section 4.4.1.
// Made and destroyed in the database's thread, while the reader's own does not run yet or any more; all else is for
// that one.  Whoever stays long makes the database's thread wait in publish().
#include "spd/database.h"
#include "spd/views.h"

namespace testudo::spd {

class Reader {
 public:
  explicit Reader(Database& database) : database_(database), views_(database.seat(seat_)) {}
  ~Reader() { database_.unseat(seat_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// What is published now, until leave().
  const View& enter() {
    view_ = &views_.enter(seat_);
    return *view_;
  }
  void leave() { Views::leave(seat_); }
  /// That of the last enter().
  const View& view() const { return *view_; }

 private:
  Database& database_;
  Seat seat_;
  const Views& views_;
  const View* view_ = nullptr;
};

}  // namespace testudo::spd
