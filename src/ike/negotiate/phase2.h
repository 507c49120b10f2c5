#pragma once
// The choice of phase 2 transforms: RFC 2407 sections 4.4 and 4.5, RFC 2409 section 5.5, racoon's proposal_check. Pure.
#include <string>

#include "base/result.h"
#include "ike/child.h"
#include "ike/policy.h"
#include "ike/refusal.h"
#include "wire/ike/v1/sa.h"

namespace testudo::ike::negotiate {

/// As proposals and DELETE carry it: a CPI "is sent as a 16-bit number in a SPI field of two bytes" (RFC 3173).
ByteVector spi_bytes(ChildProtocol protocol, Spi spi);

/// One proposal: for each item of the bundle all combinations that the sainfo allows, under the SPI at its place.
v1wire::SaPayload phase2_offer(const Sainfo& sainfo, const std::vector<ChildItem>& items, const std::vector<Spi>& spis);

struct Phase2Choice {
  struct Item {
    ChildTerms terms;
    Spi peer_spi;
  };
  std::vector<Item> items;  ///< in the order of the request
  std::uint32_t lifetime = 28800;
  const crypto::ike::GroupRow* pfs_group = nullptr;
  v1wire::SaPayload answer;  ///< what was chosen, still with the peer's SPIs
};

struct Phase2Wish {
  const Sainfo& sainfo;
  const std::vector<ChildItem>& items;
  Check check = Check::Strict;
};
/// As responder: the first group of proposals in which every protocol fits.
Result<Phase2Choice, Mismatch> choose_phase2(const v1wire::SaPayload& theirs, const Phase2Wish& wish);

/// As initiator: one transform for each protocol, the group that we offered, and no longer lifetime.
Result<Phase2Choice, Mismatch> accept_phase2(const v1wire::SaPayload& answer, const Phase2Wish& offered);

/// The same proposals under our SPIs, for the responder's reply; empty SPIs stay where there are too few.
v1wire::SaPayload with_spis(v1wire::SaPayload answer, const std::vector<ChildItem>& items,
                            const std::vector<Spi>& spis);

}  // namespace testudo::ike::negotiate
