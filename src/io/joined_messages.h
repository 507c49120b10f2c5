#pragma once
// UDP messages that the kernel joined (UDP_GRO), received and taken apart: each becomes the IP packet that it was, with
// its headers made again (rebuilt_header.h).  One thread.
#include <memory>
#include <span>
#include <utility>

#include "io/message_batch.h"
#include "io/rebuilt_header.h"
#include "io/slot.h"

namespace testudo::io {

class JoinedMessages {
 public:
  /// `port` is what the packets were sent to.
  explicit JoinedMessages(std::uint16_t port);

  /// Fills slots from the front and says how many.  What does not fit into them is kept for the next call.
  std::size_t receive(int socket, std::span<Slot> slots);
  /// True when the next call has something to give, whatever the socket has.
  bool pending() const { return !rest_.empty() || current_ < received_; }
  /// True when the last call saw that nothing more waits: what comes later, the socket tells of.
  bool drained() const { return !pending() && received_ < wanted_; }
  /// Receiver::take_skipped().
  std::uint64_t take_skipped() { return std::exchange(skipped_, 0); }

 private:
  static constexpr std::size_t kRoom = 65536;
  /// Of joined messages, one call asks for so many: each is some 45 packets, and more would only wait in storage_,
  /// whose pages the kernel gives when they are first written, so that memory would grow under overload.
  static constexpr std::size_t kJoinedAtOnce = 8;
  bool start_message();
  std::size_t write_piece(MutableBytes room);

  std::uint16_t port_;
  std::unique_ptr<std::uint8_t[]> storage_;
  MessageBatch batch_;
  bool joined_ = false;                     ///< some of what last came
  std::size_t wanted_ = kBatch;             ///< of the last call
  std::size_t received_ = 0, current_ = 0;  ///< messages of batch_
  std::size_t stale_ = kBatch;              ///< at the front of it, no longer as they were put
  Bytes rest_;                              ///< of the message before current_
  std::size_t step_ = 0;
  std::uint64_t skipped_ = 0;
  Ancillary ancillary_;
};

}  // namespace testudo::io
