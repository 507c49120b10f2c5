#pragma once
// Carries control requests and trace lines between the clients of RUN_DIR/control.sock and observe/.
#include <cstdint>
#include <functional>
#include <map>

#include "io/event_loop.h"
#include "io/unix_socket.h"
#include "observe/control.h"
#include "observe/tap.h"

namespace testudo::app {

class ControlService {
 public:
  ControlService(io::EventLoop& loop, io::SeqPacketListener listener, observe::Control control,
                 std::function<void(engine::Engine::Tracing)> tracing_wanted);

  void trace(const engine::TraceStep& step);
  /// About once a second.
  void tick();

 private:
  struct Client {
    io::SeqPacket socket;
    bool privileged = false, tracing = false, tapping = false;
    std::uint64_t missed = 0;  ///< packets that it did not take in time
    bool missed_untold = false;
    io::EventLoop::Watch watch{};  ///< last: gone before the socket closes
  };

  void accept();
  void readable(std::uint64_t id);
  bool answer(Client& client);
  void count_tracers();
  void tap(const engine::TraceStep& step);
  static void give(Client& client, Bytes block);
  static void tell_of_missed(Client& client);

  io::EventLoop& loop_;
  io::SeqPacketListener listener_;
  observe::Control control_;
  std::function<void(engine::Engine::Tracing)> tracing_wanted_;
  bool tracers_ = false, tappers_ = false;
  observe::Tap tap_;
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, Client> clients_;
  io::EventLoop::Watch watch_;
};

}  // namespace testudo::app
