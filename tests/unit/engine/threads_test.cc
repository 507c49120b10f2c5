// Several engines, each in a thread of its own, seal with one SA: no number comes twice, none is left out, no count is
// lost, limits hold.  They open with one SA: nothing is accepted twice.  They ask for one: the key daemon hears of it
// once.  Says most under ThreadSanitizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/endian.h"
#include "engine/shared.h"
#include "support/station.h"

namespace testudo {
namespace {

using net::DropReason;
using test::kGateA;
using test::kGateB;
using test::kHostA;
using test::kHostB;

constexpr std::size_t kWorkers = 2, kBatches = 40, kMostOfABatch = 64;
constexpr std::size_t kEspHeader = 20;  // behind the outer IPv4 header

/// One engine of several on a station's databases, and what it sent.
class SealingWorker final : public engine::Outbox {
 public:
  SealingWorker(test::Station& station, std::uint8_t number)
      : random_(100U + number),
        reader_(station.spd),
        engine_{{station.sad, station.spd, station.settings, random_, station.host, nullptr, sad::Worker{number},
                 &reader_}} {}

  /// So many packets of a host, in one call.
  void send(std::size_t count) {
    std::vector<std::unique_ptr<wire::packet::PacketBuffer>> buffers;
    std::vector<wire::packet::PacketBuffer*> batch;
    for (std::size_t i = 0; i < count; ++i) {
      const ByteVector data(1 + random_.below(200), 'x');
      const auto port = static_cast<std::uint16_t>(1024 + random_.below(2));
      buffers.push_back(std::make_unique<wire::packet::PacketBuffer>());
      EXPECT_TRUE(buffers.back()->assign(test::udp({kHostA, port}, {kHostB, 2}, data)));
      batch.push_back(buffers.back().get());
      bytes += data.size() + 28;
    }
    engine_.outbound(batch, Time{std::chrono::seconds{++calls_}}, *this);
  }
  void send_batches() {
    for (std::size_t i = 0; i < kBatches; ++i) send(1 + random_.below(kMostOfABatch));
  }

  std::uint64_t drops(DropReason reason) const {
    return engine_.statistics().drops[static_cast<std::size_t>(reason)].packets;
  }
  const engine::Statistics& statistics() const { return engine_.statistics(); }

  std::vector<ByteVector> wire;
  std::uint64_t bytes = 0;  ///< of all packets that were sent

  void to_wire(wire::packet::PacketBuffer& packet, bool in_clear) override {
    EXPECT_FALSE(in_clear);
    wire.emplace_back(packet.bytes().begin(), packet.bytes().end());
  }
  void to_host(wire::packet::PacketBuffer&) override { ADD_FAILURE() << "nothing is for the host"; }
  void acquire(const engine::Acquire&) override { ADD_FAILURE() << "the SA is there"; }

 private:
  test::SeededRandom random_;
  spd::Reader reader_;
  engine::Engine engine_;
  int calls_ = 0;
};

/// A gateway with one SA and several workers.
class Workers : public testing::Test {
 protected:
  void install(sad::SaParameters p, std::uint64_t last = 0) {
    p.group.mode = sad::Mode::Tunnel;
    p.replay_packets = 65536;
    near.host.addresses = {kGateA};
    far.host.addresses = {kGateB};
    const auto protocol =
        p.group.protocol == sad::SaProtocol::Ah ? spd::RequestProtocol::Ah : spd::RequestProtocol::Esp;
    const auto tunnel = test::tunnel(protocol, kGateA, kGateB);
    policy = &near.install(test::policy(spd::Direction::Out, "10.0.1.0/24", "10.0.2.0/24", {tunnel}));
    far.install(test::policy(spd::Direction::In, "10.0.1.0/24", "10.0.2.0/24", {tunnel}));
    sa = &near.install(copy_of(p));
    sad::Sa& peer = far.install(std::move(p));
    sa->sequence = sad::Sequence{sa->parameters().flags.extended_sequence, sa->sequence.wrap(), last};
    if (last != 0) peer.window.commit(last);
    for (std::uint8_t i = 0; i < kWorkers; ++i) workers.push_back(std::make_unique<SealingWorker>(near, i));
  }
  static sad::SaParameters copy_of(const sad::SaParameters& p) {
    sad::SaParameters copy;
    copy.group = p.group;
    copy.spi = p.spi;
    copy.flags = p.flags;
    copy.cipher = p.cipher;
    copy.mac = p.mac;
    copy.cipher_key = p.cipher_key.clone();
    copy.mac_key = p.mac_key.clone();
    copy.replay_packets = p.replay_packets;
    copy.lifetimes = p.lifetimes;
    return copy;
  }

  /// Every worker sends at once; meanwhile somebody does this again and again.
  void run_while(const std::function<void()>& doing) {
    std::latch start{kWorkers + 1};
    std::atomic<std::size_t> busy{kWorkers};
    std::vector<std::thread> threads;
    for (const auto& worker : workers) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        worker->send_batches();
        --busy;
      });
    }
    start.arrive_and_wait();
    do doing();
    while (busy > 0);
    for (std::thread& thread : threads) thread.join();
  }
  /// Somebody asks for the counts, which only grow.
  void run() {
    std::uint64_t before = 0;
    run_while([&] {
      const sad::Usage usage = sa->usage();
      EXPECT_GE(usage.packets, before);
      before = usage.packets;
    });
  }

  std::vector<ByteVector> all_sent() const {
    std::vector<ByteVector> out;
    for (const auto& worker : workers) out.insert(out.end(), worker->wire.begin(), worker->wire.end());
    return out;
  }
  std::uint64_t sum(DropReason reason) const {
    std::uint64_t out = 0;
    for (const auto& worker : workers) out += worker->drops(reason);
    return out;
  }
  std::uint64_t entered() const {
    std::uint64_t out = 0;
    for (const auto& worker : workers) out += worker->statistics().outbound_packets;
    return out;
  }
  /// What the peer says to these packets, in this order.
  void expect_all_accepted(const std::vector<ByteVector>& packets) {
    const std::uint64_t before = far.statistics().to_host;
    far.receive(packets);
    EXPECT_EQ(far.statistics().to_host, before + packets.size());
    EXPECT_TRUE(far.all_drops().empty());
  }

  test::Station near{1}, far{2};
  sad::Sa* sa = nullptr;
  const spd::Policy* policy = nullptr;
  std::vector<std::unique_ptr<SealingWorker>> workers;
};

std::uint32_t number_of(const ByteVector& packet, std::size_t at = kEspHeader + 4) {
  return be32(&packet.at(at));
}

std::vector<ByteVector> in_order(std::vector<ByteVector> packets, std::uint32_t behind, std::size_t at) {
  std::ranges::sort(packets, {}, [&](const ByteVector& p) { return number_of(p, at) - behind; });
  return packets;
}

/// From `last` + 1 on, modulo 2^32, each exactly once.
void expect_each_number_once(const std::vector<ByteVector>& ordered, std::uint32_t last,
                             std::size_t at = kEspHeader + 4) {
  for (const ByteVector& packet : ordered) ASSERT_EQ(number_of(packet, at), ++last);
}

void expect_no_iv_twice(const std::vector<ByteVector>& packets) {
  std::vector<std::uint64_t> ivs;
  for (const ByteVector& packet : packets) ivs.push_back(be64(&packet.at(kEspHeader + 8)));
  std::ranges::sort(ivs);
  EXPECT_EQ(std::ranges::adjacent_find(ivs), ivs.end());
}

// Closer to each other than packets let them come.
TEST(SharedSa, GivesNoNumberTwiceAndLosesNoCountHoweverOftenItIsAsked) {
  constexpr std::uint64_t kTimes = 100'000;
  const auto sa = test::sa(test::esp(kGateA, kGateB, "aes-gcm-16"));
  std::array<std::vector<std::uint64_t>, kWorkers> numbers, ivs;
  std::latch start{kWorkers};
  {
    std::vector<std::jthread> threads;
    for (std::uint8_t i = 0; i < kWorkers; ++i) {
      threads.emplace_back([&, i] {
        test::SeededRandom random{i};
        start.arrive_and_wait();
        for (std::uint64_t n = 0; n < kTimes; ++n) {
          for (auto block = sa->sequence.take(1 + n % 3); !block.empty();) numbers.at(i).push_back(block.next());
          ivs.at(i).push_back(sa->iv_counter.take(1, random));
          sa->share(sad::Worker{i}).count(1, 10, Time{});
        }
      });
    }
  }
  EXPECT_EQ(sa->usage().packets, kWorkers * kTimes);
  EXPECT_EQ(sa->usage().bytes, kWorkers * kTimes * 10);
  numbers[0].insert(numbers[0].end(), numbers[1].begin(), numbers[1].end());
  std::ranges::sort(numbers[0]);
  for (std::uint64_t n = 0; n < numbers[0].size(); ++n) ASSERT_EQ(numbers[0][n], n + 1);
  ivs[0].insert(ivs[0].end(), ivs[1].begin(), ivs[1].end());
  std::ranges::sort(ivs[0]);
  EXPECT_EQ(ivs[0].back() - ivs[0].front(), kWorkers * kTimes - 1) << "one start for both";
  EXPECT_EQ(std::ranges::adjacent_find(ivs[0]), ivs[0].end());
}

TEST_F(Workers, ShareAnSaAndUseEachNumberOnceAndLoseNoCount) {
  install(test::esp(kGateA, kGateB, "aes-gcm-16"));
  run();
  const std::vector<ByteVector> sent = in_order(all_sent(), 0, kEspHeader + 4);
  EXPECT_EQ(sent.size(), entered());
  expect_each_number_once(sent, 0);
  expect_no_iv_twice(sent);
  const sad::Usage usage = sa->usage();
  EXPECT_EQ(usage.packets, sent.size());
  EXPECT_EQ(usage.bytes, workers[0]->bytes + workers[1]->bytes);
  EXPECT_EQ(usage.first, Time{std::chrono::seconds{1}});
  EXPECT_EQ(usage.last, Time{std::chrono::seconds{kBatches}});
  EXPECT_EQ(policy->hits, sent.size());
  expect_all_accepted(sent);
}

TEST_F(Workers, GoBeyondTheLow32BitsTogether) {
  constexpr std::uint64_t kLast = 0xfffffff0U + (std::uint64_t{3} << 32);
  install(test::esp(kGateA, kGateB, "aes-gcm-16", "", {.extended_sequence = true}), kLast);
  run();
  const auto low = static_cast<std::uint32_t>(kLast);
  const std::vector<ByteVector> sent = in_order(all_sent(), low + 1, kEspHeader + 4);
  expect_each_number_once(sent, low);
  EXPECT_EQ(sa->sequence.last(), kLast + sent.size());
  expect_all_accepted(sent);
}

TEST_F(Workers, UseTheLastNumberOnceAndThenNone) {
  constexpr std::size_t kLeft = 1001;
  install(test::esp(kGateA, kGateB, "aes-cbc", "hmac-sha256"), UINT32_MAX - kLeft);
  run();
  const std::vector<ByteVector> sent = in_order(all_sent(), UINT32_MAX - kLeft + 1, kEspHeader + 4);
  EXPECT_EQ(sent.size(), kLeft);
  expect_each_number_once(sent, UINT32_MAX - kLeft);
  EXPECT_EQ(sum(DropReason::SequenceExhausted), entered() - kLeft);
  EXPECT_EQ(sa->sequence.next(), std::nullopt);
}

TEST_F(Workers, TheLongWaySharesAsWell) {
  sad::SaParameters p = test::ah(kGateA, kGateB, "hmac-sha256");
  install(std::move(p));
  run();
  constexpr std::size_t kAhNumber = kEspHeader + 8;
  const std::vector<ByteVector> sent = in_order(all_sent(), 0, kAhNumber);
  EXPECT_EQ(sent.size(), entered());
  expect_each_number_once(sent, 0, kAhNumber);
  EXPECT_EQ(sa->usage().packets, sent.size());
  expect_all_accepted(sent);
}

// netipsec's limit is strict: the packet that passes it is the last.  Each worker may be at one that the others do not
// see yet.
TEST_F(Workers, PassAHardLimitByNoMoreThanAPacketEach) {
  constexpr std::uint32_t kLimit = 700;
  sad::SaParameters p = test::esp(kGateA, kGateB, "aes-gcm-16");
  p.lifetimes = sad::Lifetimes{.hard = {.allocations = kLimit}};
  install(std::move(p));
  run();
  const std::size_t sent = all_sent().size();
  EXPECT_GE(sent, kLimit + 1);
  EXPECT_LE(sent, kLimit + kWorkers);
  EXPECT_EQ(sa->usage().packets, sent);
  EXPECT_EQ(sum(DropReason::HardLifetime), entered() - sent);
  EXPECT_TRUE(sad::Database::over_limit(*sa));
}

// Between the removal and the addition nothing says that these packets are to be protected, and no packet sees that.
TEST_F(Workers, LetNothingOutInClearWhilePoliciesAreExchanged) {
  install(test::esp(kGateA, kGateB, "aes-gcm-16"));
  spd::Policy same = *policy;
  std::size_t exchanged = 0;
  run_while([&] {
    ASSERT_TRUE(near.spd.remove(same.direction, same.selector));
    std::this_thread::yield();
    ASSERT_TRUE(near.spd.add(same));
    near.spd.publish();
    ++exchanged;
  });
  EXPECT_GT(exchanged, 0U);
  EXPECT_EQ(all_sent().size(), entered()) << "sealed, says to_wire()";
}

/// A peer that remembers few packets, whatever the workers' turns and batches are, as long as what was taken first is
/// sent first.
TEST_F(Workers, SatisfyASmallWindowInTheOrderOfTheirRuns) {
  for (const std::uint32_t window : {32U, 64U}) {
    SCOPED_TRACE(window);
    if (sa == nullptr) install(test::esp(kGateA, kGateB, "aes-gcm-16"));
    const auto peer = far.sad.inbound(sad::SaProtocol::Esp, kGateB, sa->spi());
    ASSERT_NE(peer, nullptr);
    peer->window = peer->window.resized(window);
    test::SeededRandom random{window};
    for (int turn = 0; turn < 120; ++turn) {
      SealingWorker& worker = *workers.at(random.below(kWorkers));
      worker.wire.clear();
      worker.send(1 + random.below(random.chance(50) ? 2 : kMostOfABatch));
      expect_all_accepted(worker.wire);
    }
  }
}

/// One of several engines that have all together; what came to it, and what it asked for.
class ReceivingWorker final : public engine::Outbox {
 public:
  ReceivingWorker(test::Station& station, engine::Shared& shared, std::uint8_t number)
      : random_(200U + number),
        reader_(station.spd),
        engine_{{station.sad, station.spd, station.settings, random_, station.host, nullptr, sad::Worker{number},
                 &reader_, &shared}} {}

  void receive(std::span<const ByteVector> packets) {
    work_on(packets, [&](auto batch) { engine_.inbound(batch, Time{std::chrono::seconds{1}}, *this); });
  }
  void send(std::span<const ByteVector> packets) {
    work_on(packets, [&](auto batch) { engine_.outbound(batch, Time{std::chrono::seconds{1}}, *this); });
  }
  engine::Engine& engine() { return engine_; }

  std::vector<ByteVector> host;
  std::vector<std::uint32_t> asked;
  void to_wire(wire::packet::PacketBuffer&, bool) override { ADD_FAILURE() << "nothing is for the wire"; }
  void to_host(wire::packet::PacketBuffer& packet) override {
    host.emplace_back(packet.bytes().begin(), packet.bytes().end());
  }
  void acquire(const engine::Acquire& wanted) override { asked.push_back(wanted.sequence); }

 private:
  template <typename Work>
  static void work_on(std::span<const ByteVector> packets, const Work& work) {
    std::vector<std::unique_ptr<wire::packet::PacketBuffer>> buffers;
    std::vector<wire::packet::PacketBuffer*> batch;
    for (const ByteVector& packet : packets) {
      buffers.push_back(std::make_unique<wire::packet::PacketBuffer>());
      EXPECT_TRUE(buffers.back()->assign(packet));
      batch.push_back(buffers.back().get());
    }
    work(std::span<wire::packet::PacketBuffer* const>{batch});
  }

  test::SeededRandom random_;
  spd::Reader reader_;
  engine::Engine engine_;
};

class Together : public Workers {
 protected:
  void SetUp() override {
    for (std::uint8_t i = 0; i < kWorkers; ++i) {
      receivers.push_back(std::make_unique<ReceivingWorker>(far, shared, i));
    }
  }
  /// All of them at once.
  template <typename Work>
  void each(const Work& work) {
    far.spd.publish();
    std::latch start{kWorkers};
    std::vector<std::jthread> threads;
    for (const auto& receiver : receivers) {
      threads.emplace_back([&, one = receiver.get()] {
        start.arrive_and_wait();
        work(*one);
      });
    }
  }
  engine::Statistics counted() const {
    engine::Statistics sum;
    for (const auto& receiver : receivers) sum += receiver->engine().statistics();
    return sum;
  }
  /// Every packet comes to every worker, as no network would bring it.
  void expect_each_accepted_once(const std::vector<ByteVector>& sent) {
    each([&](ReceivingWorker& worker) {
      for (std::size_t i = 0; i < sent.size(); i += kMostOfABatch) {
        worker.receive(std::span{sent}.subspan(i, std::min(kMostOfABatch, sent.size() - i)));
      }
    });
    const engine::Statistics sum = counted();
    EXPECT_EQ(sum.to_host, sent.size());
    EXPECT_EQ(sum.drops[static_cast<std::size_t>(DropReason::Replayed)].packets, (kWorkers - 1) * sent.size());
    EXPECT_EQ(sum.entered(), sum.left());
    const auto peer = far.sad.inbound(sa->group().protocol, kGateB, sa->spi());
    ASSERT_NE(peer, nullptr);
    EXPECT_EQ(peer->usage().packets, sent.size());
  }

  engine::Shared shared{far.settings.key, kWorkers};
  std::vector<std::unique_ptr<ReceivingWorker>> receivers;
};

TEST_F(Together, AcceptEachPacketOnceWhoeverOpensIt) {
  install(test::esp(kGateA, kGateB, "aes-gcm-16"));
  workers[0]->send_batches();
  expect_each_accepted_once(workers[0]->wire);
}

TEST_F(Together, TheLongWayAcceptsEachPacketOnceAsWell) {
  install(test::ah(kGateA, kGateB, "hmac-sha256"));
  workers[0]->send_batches();
  expect_each_accepted_once(workers[0]->wire);
}

TEST_F(Together, AskForAnSaOnce) {
  far.settings.key.blockacq_count = 1'000'000;
  far.install(test::policy(spd::Direction::Out, "10.0.2.0/24", "10.0.1.0/24",
                           {test::tunnel(spd::RequestProtocol::Esp, kGateB, kGateA)}));
  const std::vector<ByteVector> packets(kMostOfABatch, test::udp({kHostB, 1}, {kHostA, 2}, ByteVector(20, 'x')));
  each([&](ReceivingWorker& worker) {
    for (std::size_t i = 0; i < kBatches; ++i) worker.send(packets);
  });
  EXPECT_EQ(receivers[0]->asked.size() + receivers[1]->asked.size(), 1U);
  const engine::Statistics sum = counted();
  EXPECT_EQ(sum.acquires, 1U);
  EXPECT_EQ(sum.acquires_suppressed, kWorkers * kBatches * kMostOfABatch - 1);
}

TEST_F(Together, KnowOfAPathWhatOneOfThemHeard) {
  std::size_t others = 0;
  each([&](ReceivingWorker& worker) {
    for (std::uint16_t i = 0; i < 2000; ++i) {
      const net::Address there = test::ip("192.0." + std::to_string(i >> 8) + "." + std::to_string(i & 255));
      if (&worker == receivers[0].get()) {
        shared.paths.lower(there, 1000U + i % 100, Time{});
      } else {
        others += shared.paths.towards(there, 1500, Time{}) < 1500 ? 1 : 0;
      }
    }
  });
  EXPECT_EQ(shared.paths.size(), 2000U);
  EXPECT_LE(others, 2000U);
}

}  // namespace
}  // namespace testudo
