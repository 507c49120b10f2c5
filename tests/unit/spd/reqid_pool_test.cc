#include "spd/reqid_pool.h"

#include <gtest/gtest.h>

#include <set>

namespace testudo::spd {
namespace {

TEST(ReqIdPool, StartsWhereNetBsdDoes) {
  ReqIdPool pool;
  EXPECT_EQ(pool.fresh(), ReqId{16385});
  EXPECT_EQ(pool.fresh(), ReqId{16386});
}

TEST(ReqIdPool, StartsOverAfterTheLastAndLeavesOutWhatIsHeld) {
  ReqIdPool pool;
  pool.hold(ReqId{16386});
  for (std::uint32_t i = 16385; i <= 0xffff; ++i) {
    if (i != 16386) {
      ASSERT_EQ(pool.fresh(), ReqId{i});
    }
  }
  EXPECT_EQ(pool.fresh(), ReqId{16385});
  EXPECT_EQ(pool.fresh(), ReqId{16387});
}

TEST(ReqIdPool, AReqIdHeldTwiceIsFreeAfterTwoReleases) {
  ReqIdPool pool;
  pool.hold(ReqId{16385});
  pool.hold(ReqId{16385});
  pool.release(ReqId{16385});
  EXPECT_EQ(pool.fresh(), ReqId{16386});
  pool.release(ReqId{16385});
  for (std::uint32_t i = 16387; i <= 0xffff; ++i) pool.fresh();
  EXPECT_EQ(pool.fresh(), ReqId{16385});
}

TEST(ReqIdPool, GoesBeyondSixteenBitsOnlyWhenAllAreHeld) {
  ReqIdPool pool;
  std::set<ReqId> given;
  for (std::uint32_t i = 16385; i <= 0xffff; ++i) {
    const ReqId id = pool.fresh();
    EXPECT_LE(id.value, 0xffffU);
    pool.hold(id);
    EXPECT_TRUE(given.insert(id).second);
  }
  const ReqId wide = pool.fresh();
  EXPECT_GT(wide.value, 0xffffU);
  pool.release(ReqId{20000});
  EXPECT_EQ(pool.fresh(), ReqId{20000});
}

TEST(ReqIdPool, TheUsersNumbersAreNotItsBusiness) {
  ReqIdPool pool;
  pool.hold(ReqId{5});
  pool.release(ReqId{5});
  pool.release(ReqId{30000});
  EXPECT_EQ(pool.fresh(), ReqId{16385});
}

}  // namespace
}  // namespace testudo::spd
