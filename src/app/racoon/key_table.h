#pragma once
// The machine's wishes as PF_KEY messages, and the key table's news as events: the adapter between ike/ and testudod.
// REGISTER and SPDDUMP at the start; then GETSPI, UPDATE, ADD, DELETE and a bare ACQUIRE out; their answers, ACQUIRE,
// EXPIRE, what others remove, and policies in.  One thread.
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "ike/event.h"
#include "ike/ports.h"
#include "pfkey/client/connection.h"
#include "pfkey/client/policy_cache.h"

namespace testudo::app {

class KeyTable final : public ike::PolicyBase {
 public:
  /// `complain` gets sentences about policies that no negotiation can serve.
  static KeyTable open(pfkey::client::Connection connection, std::function<void(std::string)> complain);
  /// For who may connect.
  static Result<KeyTable, std::string> open(const std::string& run_dir, std::function<void(std::string)> complain);

  int descriptor() const { return connection_.descriptor(); }
  /// Returns when the policies are known, of which everything else speaks: an ACQUIRE names one, and a peer's proposal
  /// is for one.  What comes meanwhile is kept for read().  An error when testudod does not answer.
  Status<std::string> await_policies(std::chrono::milliseconds longest = std::chrono::seconds{10});
  /// Reads what has arrived; an error when testudod is gone.
  Status<std::string> read(const std::function<void(const ike::Event&)>& sink);

  void make_policy(const ike::MakePolicy& wish);
  void drop_policy(const net::Selector& outbound);
  void allocate(const ike::AllocateSpi& wish);
  void install(const ike::ChildSa& sa);
  /// What the peer would send by it is not welcome yet: testudod has not said that it has all of this child's SAs.
  bool is_installing(ike::ChildId child) const;
  void remove(const ike::Remove& wish);
  void move(const ike::Move& wish);
  void abandon(const ike::Abandon& wish);
  void flush(std::optional<ike::ChildProtocol> protocol);
  /// The outbound policy with this selector, wherever IKE runs for it; or why there is none.
  Result<ike::ChildRequest, std::string> request_of(const net::Selector& outbound) const;
  /// Returns when testudod has acted upon all that was sent: it drops what a client that is gone had left in its
  /// socket.
  void settle();

  // ike::PolicyBase
  std::optional<ike::ChildRequest> find(const net::Selector& outbound, const net::Address& local,
                                        const net::Address& remote) const override;
  std::string in_the_way(const net::Selector& outbound) const override;
  std::string nearest(const net::Selector& outbound) const override;

 private:
  KeyTable(pfkey::client::Connection connection, std::function<void(std::string)> complain)
      : connection_(std::move(connection)), complain_(std::move(complain)) {}
  void hear(Bytes message, const std::function<void(const ike::Event&)>& sink);
  std::optional<ike::Event> event_of(const wire::pfkey::Message& message);
  std::optional<ike::Event> wanted(const wire::pfkey::Message& message);
  std::optional<ike::Event> answered(const wire::pfkey::Message& message);
  std::optional<ike::Event> installed(const wire::pfkey::Message& message);
  void fetched(wire::pfkey::Message message);
  const pfkey::client::PolicyCache::Entry* policy_for(const net::Selector& outbound) const;
  const pfkey::client::PolicyCache::Entry* inbound_of(const pfkey::client::PolicyCache::Entry& outbound) const;
  void send(wire::pfkey::Message message);
  std::uint32_t own_sequence();

  struct Asked {
    ike::ChildId child;
    std::size_t item = 0;
  };
  /// Those that this program made, of both directions.  An orphan was left by one that was killed: whoever asks for the
  /// same takes it over, and until then it stands for nobody.
  struct Generated {
    net::Selector outbound;
    std::optional<PolicyId> out, in;
    bool orphan = false;
  };
  struct Making {
    ike::ChildId child;
    net::Selector outbound;
    unsigned answers = 0;  ///< that are missing
    std::uint8_t error = 0;
    std::vector<PolicyId> made{};
  };

  // generated_policies.cc
  std::optional<ike::Event> policy_heard(const wire::pfkey::Message& message);
  std::optional<ike::Event> policy_answered(const wire::pfkey::Message& message);
  const Generated* generated_by(PolicyId id) const;
  bool is_orphan(PolicyId id) const;
  void adopt(const wire::pfkey::Message& message);
  Generated& generated_for(const net::Selector& outbound);
  void disown(PolicyId id);
  void delete_policy(PolicyId id);

  std::vector<Generated> generated_;
  std::map<std::uint32_t, Making> making_;  ///< by the sequence of both messages
  pfkey::client::Connection connection_;
  std::function<void(std::string)> complain_;
  pfkey::client::PolicyCache policies_;
  std::vector<ByteVector> early_;              ///< came before the policies were known
  std::map<std::uint32_t, Asked> asked_;       ///< GETSPI, by sequence
  std::map<std::uint32_t, ike::Move> moving_;  ///< GET, by sequence
  std::multimap<std::uint32_t, ike::ChildId>
      installing_;                                  ///< UPDATE and ADD, by sequence; both until they are answered
  std::map<std::uint32_t, ike::ChildId> arriving_;  ///< UPDATE alone, by sequence
  static constexpr std::uint32_t kFirstOwn = 0x80000000;
  std::uint32_t sequence_ = kFirstOwn;
};

}  // namespace testudo::app
