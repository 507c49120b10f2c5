#pragma once
// The thread that carries packets: runs their loop until the end of this object.
#include <csignal>
#include <string>
#include <thread>

#include "io/event_loop.h"

namespace testudo::app {

class PacketThread {
 public:
  PacketThread(io::EventLoop& loop, const std::string& name, Duration spin) : loop_(loop) {
    // Signals are the first thread's.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[&loop, spin] { loop.run(spin); }};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread_.native_handle(), name.c_str());
  }
  ~PacketThread() {
    loop_.stop();
    thread_.join();
  }
  PacketThread(const PacketThread&) = delete;
  PacketThread& operator=(const PacketThread&) = delete;

 private:
  io::EventLoop& loop_;
  std::thread thread_;
};

}  // namespace testudo::app
