#pragma once
// A run of packets through the SAs of one bundle, the innermost first: for each SA an outer header when it is a tunnel,
// then the transform of all packets in one call.  RFC 4301 section 5.1 steps 3a and 4.  What fails is dropped whole.
#include <vector>

#include "engine/bundle.h"
#include "engine/emit.h"
#include "transform/esp_seal.h"

namespace testudo::engine {

class Sealer {
 public:
  explicit Sealer(const Engine::Parts& parts) : context_{parts.settings.headers, parts.random, parts.worker} {}

  /// Afterwards `run` holds the packets that went through every step; the others are dropped, and gone from it.
  void seal(const Bundle& bundle, std::vector<Departure>& run, Verdicts& verdicts);

 private:
  void encapsulate(sad::Sa& sa, std::vector<Departure>& run, Verdicts& verdicts);
  void apply(sad::Sa& sa, std::vector<Departure>& run, Verdicts& verdicts);
  void transform(sad::Sa& sa, Verdicts& verdicts);
  void compress(sad::Sa& sa, Verdicts& verdicts);

  transform::Context context_;
  std::vector<transform::SealJob> jobs_;
};

}  // namespace testudo::engine
