#include "engine/clear_flow.h"

namespace testudo::engine {

void ClearFlow::learn(const wire::packet::Plain& plain, const net::Flow& flow, bool usual) {
  key_ = plain.key;
  policy_ = usual ? parts_.policies().lookup(direction_, flow) : nullptr;
  passes_ = usual && answer_of(policy_, flow, parts_.settings).answer == Classified::Answer::Clear;
}

void ClearFlow::enter(PacketBuffer& packet, const wire::packet::Plain& plain, Verdicts& verdicts) const {
  packet.trim_back(packet.size() - plain.total_length);
  verdicts.enter(1, direction_);
  count_lookup(policy_, verdicts);
}

}  // namespace testudo::engine
