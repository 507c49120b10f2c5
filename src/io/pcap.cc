#include "io/pcap.h"

#include <pcap/pcap.h>

#include <array>
#include <chrono>
#include <cstring>

#include "base/endian.h"

namespace testudo::io {
namespace {

struct Close {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
  void operator()(pcap_dumper_t* dumper) const { pcap_dump_close(dumper); }
};
using Handle = std::unique_ptr<pcap_t, Close>;
using Dumper = std::unique_ptr<pcap_dumper_t, Close>;

constexpr int kSnapLength = 262144;
constexpr std::uint16_t kEtherIpv4 = 0x0800, kEtherIpv6 = 0x86dd, kEtherVlan = 0x8100;

/// The IP packet behind an Ethernet-like type at `offset`; VLAN tags are stepped over.
Bytes behind_ethertype(Bytes frame, std::size_t offset) {
  for (int tags = 0; tags < 3; ++tags) {
    if (frame.size() < offset + 2) return {};
    const std::uint16_t type = be16(frame.data() + offset);
    if (type == kEtherIpv4 || type == kEtherIpv6) return frame.subspan(offset + 2);
    if (type != kEtherVlan) return {};
    offset += 4;
  }
  return {};
}

Bytes ip_of(Bytes frame, int link_type) {
  switch (link_type) {
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return frame;
    case DLT_EN10MB:
      return behind_ethertype(frame, 12);
    case DLT_LINUX_SLL:
      return behind_ethertype(frame, 14);
    case DLT_LINUX_SLL2:  // the type stands first, the header has 20 bytes
      return frame.size() < 20 || behind_ethertype(frame, 0).empty() ? Bytes{} : frame.subspan(20);
    case DLT_NULL:
    case DLT_LOOP:
      return frame.size() < 4 ? Bytes{} : frame.subspan(4);
    default:
      return {};
  }
}

}  // namespace

struct PcapReader::Impl {
  Handle handle;
  int link_type = DLT_RAW;
  std::uint64_t skipped = 0;
  std::string error;
};

PcapReader::PcapReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PcapReader::PcapReader(PcapReader&&) noexcept = default;
PcapReader& PcapReader::operator=(PcapReader&&) noexcept = default;
PcapReader::~PcapReader() = default;

Result<PcapReader, std::string> PcapReader::open(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> words{};
  auto impl = std::make_unique<Impl>();
  impl->handle.reset(pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, words.data()));
  if (!impl->handle) return Failure{std::string{words.data()}};
  impl->link_type = pcap_datalink(impl->handle.get());
  return PcapReader{std::move(impl)};
}

std::optional<PcapReader::Packet> PcapReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  while (true) {
    const int status = pcap_next_ex(impl_->handle.get(), &header, &data);
    if (status == PCAP_ERROR) impl_->error = pcap_geterr(impl_->handle.get());
    if (status != 1) return std::nullopt;
    const Bytes ip = ip_of({data, header->caplen}, impl_->link_type);
    if (!ip.empty() && header->caplen == header->len) {
      // With nanosecond precision tv_usec holds nanoseconds.
      return Packet{ip, std::chrono::seconds{header->ts.tv_sec} + std::chrono::nanoseconds{header->ts.tv_usec}};
    }
    ++impl_->skipped;
  }
}

std::uint64_t PcapReader::skipped() const {
  return impl_->skipped;
}
std::string PcapReader::error() const {
  return impl_->error;
}

struct PcapWriter::Impl {
  Handle handle;
  Dumper dumper;
};

PcapWriter::PcapWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;
PcapWriter& PcapWriter::operator=(PcapWriter&&) noexcept = default;
PcapWriter::~PcapWriter() = default;

Result<PcapWriter, std::string> PcapWriter::create(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->handle.reset(pcap_open_dead_with_tstamp_precision(DLT_RAW, kSnapLength, PCAP_TSTAMP_PRECISION_NANO));
  if (!impl->handle) return Failure{std::string{"out of memory"}};
  impl->dumper.reset(pcap_dump_open(impl->handle.get(), path.c_str()));
  if (!impl->dumper) return Failure{std::string{pcap_geterr(impl->handle.get())}};
  return PcapWriter{std::move(impl)};
}

void PcapWriter::write(Bytes ip, CaptureTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<decltype(header.ts.tv_sec)>(seconds.count());
  header.ts.tv_usec = static_cast<decltype(header.ts.tv_usec)>((time - seconds).count());
  header.caplen = header.len = static_cast<bpf_u_int32>(ip.size());
  pcap_dump(reinterpret_cast<u_char*>(impl_->dumper.get()), &header, ip.data());
}

std::string PcapWriter::close() {
  const bool flushed = pcap_dump_flush(impl_->dumper.get()) == 0;
  impl_->dumper.reset();
  return flushed ? "" : "the capture could not be written whole";
}

}  // namespace testudo::io
