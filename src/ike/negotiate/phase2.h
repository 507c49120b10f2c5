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

/// Numbers of the encapsulation modes: those of ESP in UDP where NAT-T has found a NAT.
struct Modes {
  std::uint16_t tunnel = v1wire::ipsec::kTunnel, transport = v1wire::ipsec::kTransport;

  std::uint16_t of(Encapsulation mode) const { return mode == Encapsulation::Tunnel ? tunnel : transport; }
  bool in_udp() const { return tunnel != v1wire::ipsec::kTunnel; }
};

/// One proposal: for each item of the bundle all combinations that the sainfo allows, under the SPI at its place.
v1wire::SaPayload phase2_offer(const Sainfo& sainfo, const std::vector<ChildItem>& items, const std::vector<Spi>& spis,
                               const Modes& modes = {});

/// What the first of the peer's proposals is, for a policy that is made of it; nothing for a bundle.
std::optional<ChildItem> only_item(const v1wire::SaPayload& theirs, const Modes& modes);

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
  Modes modes{};
};
/// As responder: the first group of proposals in which every protocol fits.
Result<Phase2Choice, Mismatch> choose_phase2(const v1wire::SaPayload& theirs, const Phase2Wish& wish);

/// As initiator: one transform for each protocol, the group that we offered, and no longer lifetime.
Result<Phase2Choice, Mismatch> accept_phase2(const v1wire::SaPayload& answer, const Phase2Wish& offered);

/// The same proposals under our SPIs, for the responder's reply; empty SPIs stay where there are too few.
v1wire::SaPayload with_spis(v1wire::SaPayload answer, const std::vector<ChildItem>& items,
                            const std::vector<Spi>& spis);

}  // namespace testudo::ike::negotiate
