#include "wire/ike/v1/chain.h"

#include <gtest/gtest.h>

#include "unit/wire/ike/v1/messages.h"
#include "wire/ike/header.h"

namespace testudo::wire::ike::v1 {
namespace {

using test::hex;
using test::kMainModeOffer;

Bytes offer_body() {
  return Bytes{kMainModeOffer}.subspan(kHeaderBytes);
}

TEST(Chain, EachPayloadNamesTheNext) {
  const auto chain = walk(Payload::Sa, offer_body());
  ASSERT_TRUE(chain);
  ASSERT_EQ(chain->payloads.size(), 2U);
  EXPECT_EQ(chain->payloads[0].type, Payload::Sa);
  EXPECT_EQ(chain->payloads[0].body.size(), 0x50U);
  EXPECT_EQ(chain->payloads[1].type, Payload::VendorId);
  EXPECT_EQ(chain->payloads[1].offset, 0x54U);
  EXPECT_EQ(chain->used, offer_body().size());
  EXPECT_EQ(chain->find(Payload::VendorId), &chain->payloads[1]);
  EXPECT_EQ(chain->find(Payload::Nonce), nullptr);
  EXPECT_EQ(chain->count(Payload::Sa), 1U);
}

TEST(Chain, PaddingBehindTheLastPayloadIsNotUsed) {
  const auto chain = walk(Payload::Hash, hex("00 00 0006 aabb 00000000"));
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->used, 6U);
  EXPECT_EQ(chain->payloads.size(), 1U);
}

TEST(Chain, NothingIsAnEmptyChain) {
  const auto chain = walk(Payload::None, {});
  ASSERT_TRUE(chain);
  EXPECT_TRUE(chain->payloads.empty());
}

TEST(Chain, LengthsThatDeceiveAreRefused) {
  struct Row {
    const char* bytes;
    Malformed why;
  };
  for (const auto& [bytes, why] : {Row{"00 00 0003 aa", Malformed::BadLength},    // shorter than its own header
                                   Row{"00 00 0000", Malformed::BadLength},       // would never advance
                                   Row{"00 00 0009 aabb", Malformed::Truncated},  // beyond the message
                                   Row{"0a 00 0004", Malformed::Truncated},       // names one that is not there
                                   Row{"00 01 0004", Malformed::BadValue}}) {     // reserved byte
    const auto chain = walk(Payload::Hash, hex(bytes));
    ASSERT_FALSE(chain) << bytes;
    EXPECT_EQ(chain.error(), why) << bytes;
  }
}

TEST(Chain, EndlessChainsEnd) {
  ByteVector bytes;
  for (std::size_t i = 0; i <= kMaxPayloads; ++i) {
    const ByteVector empty = hex("0d 00 0004");
    bytes.insert(bytes.end(), empty.begin(), empty.end());
  }
  bytes[kMaxPayloads * 4 - 4] = 0;
  EXPECT_TRUE(walk(Payload::VendorId, bytes)) << "as many as allowed";
  bytes[kMaxPayloads * 4 - 4] = 0x0d;
  bytes[kMaxPayloads * 4] = 0;
  const auto chain = walk(Payload::VendorId, bytes);
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error(), Malformed::TooDeep);
}

TEST(Chain, WriterWritesWhatWalkReads) {
  const auto chain = walk(Payload::Sa, offer_body());
  ASSERT_TRUE(chain);
  ChainWriter out;
  for (const auto& p : chain->payloads) out.add(p.type, {p.body.begin(), p.body.end()});
  EXPECT_EQ(out.first(), Payload::Sa);
  EXPECT_EQ(out.bytes(), ByteVector(offer_body().begin(), offer_body().end()));
}

}  // namespace
}  // namespace testudo::wire::ike::v1
