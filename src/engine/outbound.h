#pragma once
// What the host sends.  RFC 4301 section 5.1, in its order: which policy, which SAs, seal from the innermost request to
// the outermost, send.  Packets of one batch that follow each other through the same SAs are sealed as one run.
//
// A packet that went through here is not looked up again: it leaves as it is, so that no policy can match its own
// output.  Most packets need little of this and take the short ways, express_out.h and clear_flow.h.
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/acquire_queue.h"
#include "engine/bundle.h"
#include "engine/classify.h"
#include "engine/clear_flow.h"
#include "engine/emit.h"
#include "engine/express_out.h"
#include "engine/join.h"
#include "engine/seal.h"

namespace testudo::engine {

class Outbound {
 public:
  Outbound(const Engine::Parts& parts, Joiner& joiner, const PathMtu& learned, AcquireQueue& acquires)
      : parts_(parts), joiner_(joiner), acquires_(acquires), sealer_(parts), emitter_(parts, learned) {}

  /// `of_socket`: the policy of the sockets whose packets they are, if they have one of their own.
  void process(std::span<PacketBuffer* const> batch, const spd::SocketPolicy* of_socket, Verdicts& verdicts);

 private:
  /// Packets that follow each other through the same SAs.
  struct Run {
    Bundle bundle;
    Path path;
    std::optional<std::size_t> fragment_size;
    std::vector<Departure> departures;
  };
  /// The bundle that was put together last, and for what; holds within a batch.
  struct Remembered {
    const spd::Policy* policy = nullptr;
    net::Address source, destination;
    Assembly assembly{Bundle{}, {}};
  };

  void finish_express(Verdicts& verdicts);
  bool send_on(PacketBuffer& packet, Verdicts& verdicts);
  void learn_flow(Bytes packet);
  bool fits(const wire::packet::Plain& plain, Bytes packet, Time now);
  void admit(Passage passage, Verdicts& verdicts);
  void protect(const Passage& passage, const Classified& found, Verdicts& verdicts);
  void send_in_clear(const Passage& passage, Verdicts& verdicts);
  const Assembly& bundle_for(const net::Flow& flow, const spd::Policy& policy);
  void announce(const Passage& passage, const spd::Policy& policy, Verdicts& verdicts);

  void join_run(const Passage& passage, const Bundle& bundle, Verdicts& verdicts);
  void cut_and_seal(const Departure& whole, Verdicts& verdicts);
  void finish_run(Verdicts& verdicts);

  Engine::Parts parts_;
  Joiner& joiner_;
  AcquireQueue& acquires_;
  Sealer sealer_;
  Emitter emitter_;
  ExpressOut express_{parts_, emitter_};
  ClearFlow clear_{parts_, spd::Direction::Out};
  std::size_t clear_most_ = 0;  ///< of that flow's packets fit the path, as far as is known
  Remembered last_;
  const spd::SocketPolicy* of_socket_ = nullptr;  ///< of this batch
  Run run_;
  std::vector<std::unique_ptr<PacketBuffer>> pieces_;  // of packets that are cut before they are encapsulated
};

}  // namespace testudo::engine
