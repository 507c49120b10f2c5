#include <algorithm>

#include "crypto/algorithms.h"
#include "fixture.h"

namespace testudo::pfkey::server {
namespace {

using Register = ServerTest;

TEST_F(Register, TheReplyListsEveryAlgorithmOfTheTable) {
  const Message reply = ask(message(Type::Register, SaType::Esp));
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.order, (std::vector{Ext::SupportedAuth, Ext::SupportedEncrypt}));
  EXPECT_EQ(reply.supported_auth->size(), crypto::macs().size());
  EXPECT_EQ(reply.supported_encrypt->size(), crypto::ciphers().size());
}

TEST_F(Register, TheNumbersAreThoseOfNetbsd) {
  // From the table of the kernel: id, ivlen (a cipher's block, not its IV), bits.
  struct Row {
    std::uint8_t id, ivlen;
    std::uint16_t min, max;
  };
  const std::vector<Row> encrypt{{2, 8, 64, 64},     {3, 8, 192, 192},  {6, 8, 40, 128},
                                 {7, 8, 40, 448},    {11, 4, 0, 2048},  {12, 16, 128, 256},
                                 {13, 16, 160, 288}, {20, 4, 160, 288}, {23, 4, 160, 288}};
  const std::vector<Row> auth{{2, 0, 128, 128},   {3, 0, 160, 160}, {5, 0, 256, 256}, {6, 0, 384, 384},
                              {7, 0, 512, 512},   {8, 0, 160, 160}, {9, 0, 128, 128}, {249, 0, 128, 128},
                              {250, 0, 160, 160}, {251, 0, 0, 2048}};
  const Message reply = ask(message(Type::Register, SaType::Ah));
  const auto expect_all = [](const std::vector<Row>& rows, const std::vector<wire::pfkey::Algorithm>& list) {
    for (const Row& row : rows) {
      const auto found = std::ranges::find(list, row.id, &wire::pfkey::Algorithm::id);
      ASSERT_NE(found, list.end()) << int{row.id};
      EXPECT_EQ(found->ivlen, row.ivlen) << int{row.id};
      EXPECT_EQ(found->minbits, row.min) << int{row.id};
      EXPECT_EQ(found->maxbits, row.max) << int{row.id};
    }
  };
  expect_all(encrypt, *reply.supported_encrypt);
  expect_all(auth, *reply.supported_auth);
}

TEST_F(Register, WithoutATypeItAnswersWithoutRegistering) {
  EXPECT_EQ(error_of(message(Type::Register)), 0);
  EXPECT_EQ(error_of(message(Type::Register)), 0) << "not EEXIST";
  server.acquire({.wanted = {sad::SaProtocol::Esp, sad::Mode::Transport, {}, {}}, .policy = {}}, now);
  EXPECT_TRUE(silent(user));
}

TEST_F(Register, ARegistrationIsToldToThoseRegisteredForThatType) {
  const ClientId for_esp = server.connect(true), for_ah = server.connect(true);
  ask(for_esp, message(Type::Register, SaType::Esp));
  ask(for_ah, message(Type::Register, SaType::Ah));
  all(for_esp);
  EXPECT_EQ(error_of(message(Type::Register, SaType::Esp)), 0);
  EXPECT_EQ(all(for_esp).size(), 1U);
  EXPECT_TRUE(silent(for_ah));
}

TEST_F(Register, ThatAKeyDaemonCameIsToldToTheEngineOnceForEachType) {
  ask(message(Type::Register));
  EXPECT_EQ(key_daemons, 0);
  ask(message(Type::Register, SaType::Esp));
  ask(message(Type::Register, SaType::Esp));
  EXPECT_EQ(key_daemons, 1) << "EEXIST is no news";
  ask(message(Type::Register, SaType::Ah));
  EXPECT_EQ(key_daemons, 2);
}

TEST_F(Register, EachTypeIsRegisteredOnItsOwn) {
  for (const SaType satype : {SaType::Ah, SaType::Esp, SaType::Ipcomp, SaType::TcpSignature})
    EXPECT_EQ(error_of(message(Type::Register, satype)), 0);
}

TEST_F(Register, AClientThatComesBackRegistersAnew) {
  ask(message(Type::Register, SaType::Esp));
  server.disconnect(user);
  user = server.connect(true);
  EXPECT_EQ(error_of(message(Type::Register, SaType::Esp)), 0);
}

}  // namespace
}  // namespace testudo::pfkey::server
