#pragma once
// An engine without a host: databases filled from a setkey script, packets fed by the caller.  For `testudo pcap`
// and `testudo ring`.
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "io/random.h"
#include "observe/control.h"
#include "pfkey/server/server.h"
#include "wire/pfkey/message.h"

namespace testudo::app {

class Offline final : private engine::Host {
 public:
  explicit Offline(std::vector<net::Address> locals);

  /// Runs a script; the complaints, each a line with FILE,LINE, empty when all was installed.
  std::vector<std::string> load(const std::string& path, Time now);

  /// True when a packet to this address is one for us to open.
  bool is_local(const net::Address& address) const override;

  /// True when an outbound policy is about this packet: it comes from our side.
  bool has_policy_for(const net::Flow& flow) const { return spd_.lookup(spd::Direction::Out, flow) != nullptr; }
  void set_mtu(std::size_t mtu) { mtu_ = mtu; }

  engine::Engine& engine() { return engine_; }
  observe::Control& control() { return control_; }

 private:
  std::size_t mtu_towards(const net::Address&) const override { return mtu_; }
  net::Address source_towards(const net::Address& to) const override;
  /// Installs what one message asks for; the kernel's word for its refusal, or "".
  std::string submit(const wire::pfkey::Message& message, Time now);
  void guess_locals();

  std::vector<net::Address> locals_;
  std::size_t mtu_ = 65535;
  io::KernelRandom random_;
  engine::Settings settings_;
  sad::Database sad_{settings_.key, random_};
  spd::Database spd_;
  engine::Engine engine_;
  pfkey::server::Server pfkey_;
  pfkey::server::ClientId client_;
  observe::Control control_;
};

}  // namespace testudo::app
