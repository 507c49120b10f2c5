#include "cli/setkey/restore.h"

#include <gtest/gtest.h>

#include "cli/setkey/print_sa.h"
#include "crypto/algorithms.h"
#include "unit/cli/setkey/dumped.h"
#include "unit/cli/setkey/support.h"

namespace testudo::cli {
namespace {

using wire::pfkey::LifetimeExt;
using wire::pfkey::Message;
using wire::pfkey::Mode;
using wire::pfkey::SaState;
using wire::pfkey::SaType;
using wire::pfkey::Type;

/// One of every kind that `setkey -D` can show.
std::vector<Message> a_full_sad() {
  std::vector<Message> sad;
  sad.push_back(dumped_esp());
  for (const crypto::CipherRow& row : crypto::ciphers()) {
    Message m = dumped_sa(SaType::Esp);
    m.sa->encrypt = row.id;
    m.encrypt_key = key_of(row.key.min, 0x10);
    m.sa2->mode = Mode::Transport;
    sad.push_back(std::move(m));
  }
  for (const crypto::MacRow& row : crypto::macs()) {
    Message m = dumped_sa(SaType::Ah);
    m.sa->auth = row.id;
    m.auth_key = key_of(row.key.min, 0x80);
    m.source = end_at("fd00::1");
    m.destination = end_at("fd00::2");
    m.current = LifetimeExt{1, 2, 946872306, 0};
    m.hard = m.soft = LifetimeExt{};
    sad.push_back(std::move(m));
  }
  Message comp = dumped_sa(SaType::Ipcomp);
  comp.sa->encrypt = 2;
  sad.push_back(std::move(comp));

  Message nat = dumped_esp();
  nat.nat_t_type = std::uint8_t{2};
  nat.nat_t_sport = std::uint16_t{4500};
  nat.nat_t_dport = std::uint16_t{12345};
  nat.nat_t_oa = *net::Address::parse("192.168.0.9");
  nat.nat_t_frag = std::uint16_t{552};
  sad.push_back(std::move(nat));

  Message large = dumped_sa(SaType::TcpSignature);
  large.sa->replay = 255;
  large.replay_window = 65536;
  large.sa->state = SaState::Dying;
  large.reserved = 2;
  sad.push_back(std::move(large));
  Message larval = dumped_sa(SaType::Esp);
  larval.sa->state = SaState::Larval;
  sad.push_back(std::move(larval));
  return sad;
}

std::string dump_of(const std::vector<Message>& sad, bool ports) {
  std::string text;
  for (const Message& m : sad) text += print_sa(m, {ports, kNow});
  return text;
}

TEST(SetkeyRestore, ReadsBackWhatADumpShows) {
  use_utc();
  for (const bool ports : {false, true}) {
    const std::string text = dump_of(a_full_sad(), ports);
    const auto back = parse_sad_dump(text);
    ASSERT_TRUE(back) << back.error().line << ": " << back.error().message;
    EXPECT_EQ(back->size(), a_full_sad().size());
    EXPECT_EQ(dump_of(*back, ports), text);
  }
}

TEST(SetkeyRestore, MakesTheAddThatMadeTheSa) {
  use_utc();
  const auto back = parse_sad_dump(dump_of(a_full_sad(), true));
  ASSERT_TRUE(back);
  const auto add = restoring_add(back->front());
  ASSERT_TRUE(add);
  const Message original = dumped_esp();
  EXPECT_EQ(add->type, Type::Add);
  EXPECT_EQ(add->satype, SaType::Esp);
  EXPECT_EQ(add->sa->spi, original.sa->spi);
  EXPECT_EQ(add->sa->flags, original.sa->flags);
  EXPECT_EQ(add->sa->replay, original.sa->replay);
  EXPECT_EQ(add->sa->encrypt, original.sa->encrypt);
  EXPECT_EQ(add->sa->auth, original.sa->auth);
  EXPECT_EQ(add->sa2->mode, original.sa2->mode);
  EXPECT_EQ(add->sa2->reqid, original.sa2->reqid);
  EXPECT_EQ(add->hard->addtime, original.hard->addtime);
  EXPECT_EQ(add->hard->bytes, original.hard->bytes);
  EXPECT_EQ(add->soft->addtime, original.soft->addtime);
  EXPECT_EQ(hex(add->encrypt_key->key), hex(original.encrypt_key->key));
  EXPECT_EQ(hex(add->auth_key->key), hex(original.auth_key->key));
  EXPECT_FALSE(add->current);
  EXPECT_EQ(add->sequence, 0U);
  EXPECT_EQ(add->sa2->sequence, original.sa2->sequence);
  EXPECT_TRUE(wire::pfkey::parse(wire::pfkey::compose(*add)));
}

TEST(SetkeyRestore, KeepsWindowsAndEncapsulation) {
  use_utc();
  const auto back = parse_sad_dump(dump_of(a_full_sad(), false));
  ASSERT_TRUE(back);
  const auto nat = restoring_add((*back)[back->size() - 3]);
  ASSERT_TRUE(nat);
  EXPECT_EQ(nat->nat_t_type, 2);
  EXPECT_EQ(nat->nat_t_sport, 4500);
  EXPECT_EQ(nat->nat_t_dport, 12345);
  EXPECT_EQ(nat->nat_t_frag, 552);
  EXPECT_EQ(nat->nat_t_oa->to_string(), "192.168.0.9");
  const auto large = restoring_add((*back)[back->size() - 2]);
  ASSERT_TRUE(large);
  EXPECT_EQ(large->replay_window, 65536U);
  EXPECT_EQ(large->sa->replay, 255);
  EXPECT_FALSE(large->hard);
  EXPECT_FALSE(restoring_add(back->back())) << "a larval SA has nothing to restore";
}

TEST(SetkeyRestore, AnSaWithoutACipherLineIsNull) {
  Message m = dumped_sa(SaType::Esp);
  const auto add = restoring_add(m);
  ASSERT_TRUE(add);
  EXPECT_EQ(add->sa->encrypt, 11);
  EXPECT_TRUE(add->encrypt_key);
}

TEST(SetkeyRestore, AnEncapsulatedSaHasPorts) {
  Message m = dumped_esp();
  m.nat_t_type = std::uint8_t{2};
  EXPECT_FALSE(parse_sad_dump(print_sa(m, {false, kNow}))) << "it shows no port";
}

TEST(SetkeyRestore, TheLargestCountSurvivesItsRounding) {
  use_utc();
  Message m = dumped_esp();
  m.hard->bytes = ~std::uint64_t{0};
  const std::string text = print_sa(m, {false, kNow});
  EXPECT_NE(text.find("hard: 18446744073709551616(bytes)"), std::string::npos);
  const auto back = parse_sad_dump(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->front().hard->bytes, ~std::uint64_t{0});
}

TEST(SetkeyRestore, AnEmptySadRestoresNothing) {
  for (const char* text : {"", "\n", "No SAD entries.\n"}) {
    const auto back = parse_sad_dump(text);
    ASSERT_TRUE(back) << text;
    EXPECT_TRUE(back->empty());
  }
}

TEST(SetkeyRestore, NamesTheLineItDoesNotUnderstand) {
  use_utc();
  const std::string good = print_sa(dumped_esp(), {false, kNow});
  struct Row {
    const char* from;
    const char* to;
    unsigned line;
  };
  for (const Row& row :
       {Row{"20.0.0.1 ", "20.0.0.x ", 1}, Row{"\tesp mode", "esp mode", 2}, Row{"mode=tunnel", "mode=both", 2},
        Row{"spi=9876", "spi=x", 2}, Row{"3des-cbc", "4des-cbc", 3}, Row{"00010203", "0001020g", 3},
        Row{"00010203", "0001020", 3}, Row{"hmac-sha1", "hmac", 4}, Row{"replay=4", "replay=8193", 5},
        Row{"state=mature", "state=ripe", 5}, Row{"Jan  3 04:05:06", "Jnn  3 04:05:06", 6},
        Row{"\tallocated: 26", "\tallocated: x", 10}, Row{"pid=4711", "pid=", 11}}) {
    std::string bad = good;
    bad.replace(bad.find(row.from), std::string_view{row.from}.size(), row.to);
    const auto back = parse_sad_dump(bad);
    ASSERT_FALSE(back) << row.to;
    EXPECT_EQ(back.error().line, row.line) << row.to;
    EXPECT_FALSE(back.error().message.empty());
  }
  for (std::size_t cut = 1; cut + 1 < good.size(); ++cut) {
    const std::string part = good.substr(0, cut);
    if (part.ends_with("refcnt=0")) continue;
    EXPECT_FALSE(parse_sad_dump(part)) << part;
  }
}

}  // namespace
}  // namespace testudo::cli
