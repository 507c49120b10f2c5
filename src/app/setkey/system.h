#pragma once
// The system as setkey's parts want it: names by getaddrinfo(3), PF_KEY by testudod's socket.
#include "cli/setkey/compile.h"
#include "cli/setkey/session.h"
#include "pfkey/client/connection.h"

namespace testudo::app {

class SystemResolver final : public cli::Resolver {
 public:
  Result<std::vector<net::Address>, std::string> host(const std::string& name, const Query& query) override;
  std::optional<std::uint16_t> service(const std::string& name) override;
};

class DaemonChannel final : public cli::Channel {
 public:
  explicit DaemonChannel(pfkey::client::Connection connection) : connection_(std::move(connection)) {}

  Status<std::string> send(Bytes message) override { return connection_.send(message); }
  Result<std::optional<ByteVector>, std::string> receive(std::optional<std::chrono::milliseconds> timeout) override {
    return connection_.receive(timeout);
  }

 private:
  pfkey::client::Connection connection_;
};

}  // namespace testudo::app
