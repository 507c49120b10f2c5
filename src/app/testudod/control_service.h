#pragma once
// Carries control requests and trace lines between the clients of RUN_DIR/control.sock and observe/.
#include <cstdint>
#include <functional>
#include <map>

#include "io/event_loop.h"
#include "io/unix_socket.h"
#include "observe/control.h"

namespace testudo::app {

class ControlService {
 public:
  ControlService(io::EventLoop& loop, io::SeqPacketListener listener, observe::Control control,
                 std::function<void(bool)> tracing_wanted);

  void trace(const engine::TraceStep& step);

 private:
  struct Client {
    io::SeqPacket socket;
    bool privileged = false, tracing = false;
    io::EventLoop::Watch watch;  ///< last: gone before the socket closes
  };

  void accept();
  void readable(std::uint64_t id);
  bool answer(Client& client);
  void count_tracers();

  io::EventLoop& loop_;
  io::SeqPacketListener listener_;
  observe::Control control_;
  std::function<void(bool)> tracing_wanted_;
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, Client> clients_;
  io::EventLoop::Watch watch_;
};

}  // namespace testudo::app
