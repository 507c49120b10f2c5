#include "app/testudod/options.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "observe/variables.h"

namespace testudo::app {
namespace {

constexpr unsigned kMostWorkers = 64;
constexpr const char* kUsualConfig = "/etc/testudo.conf";

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::int64_t> number(const std::string& text) {
  std::int64_t value = 0;
  const bool hex = text.starts_with("0x");
  const char* begin = text.data() + (hex ? 2 : 0);
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, value, hex ? 16 : 10);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<std::vector<std::uint16_t>> ports(const std::string& text) {
  std::vector<std::uint16_t> list;
  if (text == "none") return list;
  std::istringstream words{text};
  for (std::string word; words >> word;) {
    const auto port = number(word);
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    list.push_back(static_cast<std::uint16_t>(*port));
  }
  return list;
}

// Nothing when it went well, else what was expected.
using Refusal = std::optional<std::string>;

template <typename T>
Refusal set_number(T& into, const std::string& text, std::int64_t low, std::int64_t high) {
  const auto value = number(text);
  if (!value || *value < low || *value > high) {
    return "expected a number from " + std::to_string(low) + " to " + std::to_string(high);
  }
  into = static_cast<T>(*value);
  return std::nullopt;
}

Refusal set_mark(std::uint32_t& mark, const std::string& text) {
  const auto value = number(text);
  const bool one_bit = value && *value > 0 && *value < 0x80000000 && (*value & (*value - 1)) == 0;
  if (!one_bit) return "expected one bit of the packet mark below the highest, such as 0x04000000";
  mark = static_cast<std::uint32_t>(*value);
  return std::nullopt;
}

Refusal set_variable(Options& options, const std::string& key, const std::string& text) {
  if (observe::find_variable(key) == nullptr) return "there is no such variable";
  const auto value = number(text);
  if (!value) return "expected a number";
  options.variables.emplace_back(key, *value);
  return std::nullopt;
}

Refusal add_tunnel(Options& options, const std::string& text) {
  std::istringstream line{text};
  auto spec = host::parse_tunnel({std::istream_iterator<std::string>{line}, {}});
  if (!spec) return spec.error();
  options.tunnels.push_back(*std::move(spec));
  return std::nullopt;
}

Refusal set_mss(Options& o, const std::string& text) {
  const auto value = number(text);
  if (text != "auto" && text != "off" && !(value && *value >= 88 && *value <= 65495)) {
    return "expected auto, off, or a number from 88 to 65495";
  }
  o.tcp_mss = text == "auto" ? Options::Mss::Auto : text == "off" ? Options::Mss::Off : Options::Mss::Fixed;
  if (value) o.fixed_mss = static_cast<std::uint16_t>(*value);
  return std::nullopt;
}

Refusal set_attach(Options& o, const std::string& text) {
  if (text != "host" && text != "none" && text != "wire")
    return "expected host, wire or none (without a kernel: testudo pcap, testudo ring)";
  o.attach = text == "none" ? Options::Attach::None : text == "wire" ? Options::Attach::Wire : Options::Attach::Host;
  return std::nullopt;
}

Refusal set_wire_io(Options& o, const std::string& text) {
  if (text != "auto" && text != "xdp" && text != "packet") return "expected auto, xdp or packet";
  o.wire_io = text == "xdp" ? WireIo::Xdp : text == "packet" ? WireIo::Packet : WireIo::Auto;
  return std::nullopt;
}

Refusal set_interface(std::string& into, const std::string& text) {
  const bool one_word = text.find_first_of(" \t/") == std::string::npos;
  if (text.empty() || text.size() > 15 || !one_word) return "expected the name of an interface";
  into = text;
  return std::nullopt;
}

Refusal set(Options& o, const std::string& key, const std::string& value) {
  if (key.find('.') != std::string::npos) return set_variable(o, key, value);
  if (key == "mtu") return set_number(o.host.mtu, value, 1280, 65535);
  if (key == "queue") return set_number(o.host.queue_length, value, 64, 100'000);
  if (key == "tunnel") return add_tunnel(o, value);
  if (key == "tcp_mss") return set_mss(o, value);
  if (key == "mark") return set_mark(o.host.mark, value);
  if (key == "table") return set_number(o.host.table, value, 1, 0xffffffff);
  if (key == "rule") return set_number(o.host.rule, value, 1, 32765);
  if (key == "workers") return set_number(o.workers_configured, value, 1, kMostWorkers);
  if (key == "spin") return set_number(o.spin, value, 0, 1000);
  if (key == "offload") {
    if (value != "on" && value != "off") return "expected on or off";
    o.host.offload = value == "on";
    return std::nullopt;
  }
  if (key == "device") {
    if (value.empty() || value.size() > 15) return "expected a device name of at most 15 characters";
    o.host.device = value;
    return std::nullopt;
  }
  if (key == "attach") {
    return set_attach(o, value);
  }
  if (key == "wire_inside") return set_interface(o.wire_inside, value);
  if (key == "wire_io") return set_wire_io(o, value);
  if (key == "wire_outside") return set_interface(o.wire_outside, value);
  if (key == "encapsulation_ports") {
    auto list = ports(value);
    if (!list) return "expected UDP ports with blanks between them, or none";
    o.host.encapsulation_ports = *std::move(list);
    return std::nullopt;
  }
  return "there is no such key (device, mtu, queue, mark, table, rule, attach, wire_inside, wire_outside, wire_io, "
         "encapsulation_ports, tcp_mss, offload, spin, workers, "
         "tunnel, or a variable with dots)";
}

}  // namespace

Result<Options, int> parse_command_line(int argc, char** argv) {
  Options options;
  CLI::App app{"IPsec in user space: the daemon that holds SAD and SPD and moves the packets.", "testudod"};
  app.add_flag("-F,--foreground", options.foreground, "Stay in the foreground and write to stderr");
  app.add_option("-c,--config", options.config_file, "Configuration file (default /etc/testudo.conf, if it exists)");
  app.add_option("--run-dir", options.run_dir, "Directory of the sockets (default $TESTUDO_RUN, else /run/testudo)");
  app.add_flag("--keep-rules", options.keep_rules, "When stopped, leave what is protected blocked for a successor");
  app.add_flag("--release", options.release, "Take away what such an end, or a crash, has left, and end");
  app.add_option("--workers", options.workers_asked, "Threads that carry packets (default 1, or as configured)")
      ->check(CLI::Range(1U, kMostWorkers));
  app.set_version_flag("-V,--version", std::string{"testudod "} + TESTUDO_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return Failure{app.exit(e)};
  }
  if (options.run_dir.empty()) {
    const char* environment = std::getenv("TESTUDO_RUN");
    options.run_dir = environment != nullptr && *environment != '\0' ? environment : "/run/testudo";
  }
  options.run_dir = std::filesystem::absolute(options.run_dir).lexically_normal().string();
  return options;
}

Status<std::string> read_config(Options& options) {
  const std::string path = options.config_file.empty() ? kUsualConfig : options.config_file;
  std::ifstream file{path};
  if (!file) {
    if (options.config_file.empty()) return Done{};
    return Failure{path + ": cannot be read"};
  }
  std::size_t line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    const std::string text = trimmed(line.substr(0, line.find('#')));
    if (text.empty()) continue;
    const auto equals = text.find('=');
    const std::string key = trimmed(text.substr(0, equals));
    const auto place = path + ":" + std::to_string(line_number) + ": ";
    if (equals == std::string::npos) return Failure{place + "expected `key = value`"};
    if (const auto refusal = set(options, key, trimmed(text.substr(equals + 1)))) {
      return Failure{place + key + ": " + *refusal};
    }
  }
  const bool two = !options.wire_inside.empty() && !options.wire_outside.empty();
  if (options.attach == Options::Attach::Wire && (!two || options.wire_inside == options.wire_outside))
    return Failure{path + ": attach = wire needs wire_inside and wire_outside, two interfaces"};
  return Done{};
}

}  // namespace testudo::app
