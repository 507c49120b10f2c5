#include "cli/setkey/print_debug.h"

#include <gtest/gtest.h>

#include "pfkey/policy/policy_text.h"
#include "unit/cli/setkey/dumped.h"

namespace testudo::cli {
namespace {

using wire::pfkey::Ext;
using wire::pfkey::Message;

std::string debugged(const Message& message) {
  return print_debug(wire::pfkey::compose(message));
}

TEST(SetkeyDebug, ShowsAnAddFieldByField) {
  Message m = dumped_sa(wire::pfkey::SaType::Esp);
  m.type = wire::pfkey::Type::Add;
  m.sa->encrypt = 2;
  m.sa->replay = 4;
  m.encrypt_key = key_of(8, 1);
  m.hard = wire::pfkey::LifetimeExt{0, 1000, 60, 0};
  m.soft = wire::pfkey::LifetimeExt{0, 900, 50, 0};
  m.destination = end_at("fd00::2", 500);
  m.order = {Ext::KeyEncrypt, Ext::LifetimeHard, Ext::LifetimeSoft, Ext::Sa,
             Ext::Sa2,        Ext::AddressSrc,   Ext::AddressDst};
  EXPECT_EQ(debugged(m),
            "sadb_msg{ version=2 type=3 errno=0 satype=3\n"
            "  len=24 reserved=0 seq=1 pid=4711\n"
            "sadb_ext{ len=2 type=9 }\n"
            "sadb_key{ bits=64 reserved=0\n"
            "  key= 01020304 05060708 }\n"
            "sadb_ext{ len=4 type=3 }\n"
            "sadb_lifetime{ alloc=0, bytes=1000\n"
            "  addtime=60, usetime=0 }\n"
            "sadb_ext{ len=4 type=4 }\n"
            "sadb_lifetime{ alloc=0, bytes=900\n"
            "  addtime=50, usetime=0 }\n"
            "sadb_ext{ len=2 type=1 }\n"
            "sadb_sa{ spi=9876 replay=4 state=1\n"
            "  auth=0 encrypt=2 flags=0x00000040 }\n"
            "sadb_ext{ len=2 type=19 }\n"
            "sadb_x_sa2{ mode=0 reqid=0\n"
            "  reserved1=0 reserved2=0 sequence=0 }\n"
            "sadb_ext{ len=3 type=5 }\n"
            "sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }\n"
            "sockaddr{ len=16 family=2 port=0\n"
            " 14000001  }\n"
            "sadb_ext{ len=5 type=6 }\n"
            "sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }\n"
            "sockaddr{ len=28 family=10 port=500\n"
            "  flowinfo=0x00000000, scope_id=0x00000000\n"
            " fd000000 00000000 00000000 00000002  }\n");
}

// NetBSD's test suite looks for these words.
TEST(SetkeyDebug, ShowsWhoMadeAPolicy) {
  Message m;
  m.type = wire::pfkey::Type::SpdDump;
  m.policy = *pfkey::parse_policy_text("out ipsec esp/transport//unique esp/tunnel/1.2.3.4-5.6.7.8/require");
  m.policy->id = PolicyId{0x1f};
  m.policy->flags = 0x80;
  const std::string text = debugged(m);
  EXPECT_NE(text.find("sadb_x_policy{ type=2 dir=2 flags=0x80 id=1f }\n"
                      " { len=16 proto=50 mode=1 level=3 reqid=0\n }\n"
                      " { len=48 proto=50 mode=2 level=2 reqid=0\n"
                      "sockaddr{ len=16 family=2 port=0\n 01020304  }\n"
                      "sockaddr{ len=16 family=2 port=0\n 05060708  }\n"
                      " }\n"),
            std::string::npos)
      << text;
  m.policy->flags = 0;
  EXPECT_NE(debugged(m).find("sadb_x_policy{ type=2 dir=2 flags=0x00"), std::string::npos);
}

TEST(SetkeyDebug, ShowsProposalsAlgorithmsIdentitiesAndNat) {
  Message m;
  m.type = wire::pfkey::Type::Acquire;
  wire::pfkey::Combination c;
  c.auth = 3;
  c.encrypt = 12;
  c.auth_minbits = c.auth_maxbits = 160;
  c.encrypt_minbits = 128;
  c.encrypt_maxbits = 256;
  c.soft = {1, 2, 3, 4};
  c.hard = {5, 6, 7, 8};
  m.proposal = wire::pfkey::ProposalExt{32, {c}};
  m.supported_auth = std::vector<wire::pfkey::Algorithm>{{2, 0, 128, 128}};
  m.source_identity = wire::pfkey::IdentityExt{wire::pfkey::IdentityType::Fqdn, 9, "a\tb"};
  m.nat_t_type = std::uint8_t{2};
  m.nat_t_sport = std::uint16_t{4500};
  m.nat_t_frag = std::uint16_t{552};
  m.replay_window = 65536U;
  const std::string text = debugged(m);
  EXPECT_NE(text.find("sadb_prop{ replay=32\n"
                      "sadb_comb{ auth=3 encrypt=12 flags=0x0000 reserved=0x00000000\n"
                      "  auth_minbits=160 auth_maxbits=160 encrypt_minbits=128 encrypt_maxbits=256\n"
                      "  soft_alloc=1 hard_alloc=5 soft_bytes=2 hard_bytes=6\n"
                      "  soft_alloc=3 hard_alloc=7 soft_bytes=4 hard_bytes=8 }\n"
                      "}\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("sadb_sup{\n  { id=2 ivlen=0 min=128 max=128 }\n}\n"), std::string::npos);
  EXPECT_NE(text.find("sadb_ident_src{ type=2 id=9\n  str=\"a\\011b\" }\n"), std::string::npos);
  EXPECT_NE(text.find("sadb_x_nat_t_type{ type=2 }\n"), std::string::npos);
  EXPECT_NE(text.find("sadb_x_nat_t_port{ port=4500 }\n"), std::string::npos);
  EXPECT_NE(text.find("sadb_x_nat_t_frag{ esp_frag=552 }\n"), std::string::npos);
  EXPECT_NE(text.find("sadb_x_replay{ window=65536 }\n"), std::string::npos);
}

TEST(SetkeyDebug, GoesAsFarAsAMessageMakesSense) {
  EXPECT_EQ(print_debug(ByteVector(15)), "kdebug_sadb: the message is shorter than its header.\n");
  ByteVector bytes = wire::pfkey::compose(dumped_esp());
  bytes.resize(24);
  bytes[16] = bytes[17] = 0;
  EXPECT_NE(print_debug(bytes).find("kdebug_sadb: invalid ext_len=0 was passed.\n"), std::string::npos);
  bytes[16] = 9;
  EXPECT_NE(print_debug(bytes).find("kdebug_sadb: ext_len exceeds end of buffer.\n"), std::string::npos);
}

TEST(SetkeyDebug, HexHas16BytesALine) {
  EXPECT_EQ(print_hex({}), "");
  ByteVector bytes(18, 0xab);
  EXPECT_EQ(print_hex(bytes),
            "00000000: ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab \n"
            "00000010: ab ab \n");
}

}  // namespace
}  // namespace testudo::cli
