#pragma once
// What the unprivileged process asks the privileged one (parent.h), each question with its answer awaited: the other
// side answers at once.  When it does not within a time, or is gone, this process ends: it could do nothing more.  What
// no question can carry (a peer's identifier that is too long for the name of a key) is refused here, so that no peer
// can make the other side distrust this one.  One thread; but sign() may be called in any, and has a socket of its own.
#include <array>
#include <mutex>
#include <optional>
#include <string>

#include "app/racoon/certificates.h"
#include "app/racoon/log.h"
#include "ike/event.h"
#include "ike/ports.h"
#include "io/unix_socket.h"
#include "wire/racoon_question.h"

namespace testudo::app {

class Questions final : public ike::KeyStore {
 public:
  Questions(io::SeqPacket socket, io::SeqPacket signatures, Log& log)
      : socket_(std::move(socket)), signatures_(std::move(signatures)), log_(log) {}

  struct Given {
    bool granted = false;
    ByteVector value;
    io::Fd descriptor;
    std::string sentence() const { return {value.begin(), value.end()}; }
  };
  Given ask(const wire::racoon::Question& question) const;
  /// Nothing when the other side is gone.
  std::optional<Given> try_ask(const wire::racoon::Question& question) const;
  /// For reports of the filter of system calls.
  int descriptor() const { return socket_.fd(); }

  std::optional<Secret> pre_shared_key(const std::string& name) const override;
  /// Empty when there is none, or when the other side is gone, which ends this one by its other sockets.
  ByteVector sign(const std::array<std::uint8_t, 32>& key, Bytes hash) const;
  void run(const ike::Hook& hook) const;
  /// False: nobody will judge it.
  bool judge(const ike::CheckLogin& login) const;
  void account(const ike::Account& account) const;

 private:
  static std::optional<Given> try_ask(const io::SeqPacket& socket, const wire::racoon::Question& question);
  static std::optional<Given> receive(const io::SeqPacket& socket);

  io::SeqPacket socket_;
  io::SeqPacket signatures_;
  mutable std::mutex signing_;  ///< one question at a time
  Log& log_;
};

/// Keys that the other process has: their public parts are in the record, signatures are asked for.
class AskedKeys final : public OwnKeys {
 public:
  explicit AskedKeys(const Questions& questions) : questions_(questions) {}
  Result<crypto::ike::Credentials, std::string> certified(const std::string& certificates,
                                                          const std::string& key_file) override;
  Result<ike::PlainKeys, std::string> plain(const std::string& file, config::KeyUse use, ConfFiles& files) override;

 private:
  const Questions& questions_;
};

}  // namespace testudo::app
