#include "observe/netstat.h"

#include <array>
#include <map>
#include <span>
#include <string_view>

#include "crypto/algorithms.h"
#include "engine/verdicts.h"

namespace testudo::observe {
namespace {

using engine::ProtocolCounters;
using engine::Statistics;

/// Index into DropCount::by_protocol.
enum class Layer : std::size_t { Esp = 0, Ah = 1, Ipcomp = 2 };

/// Drops whose reason feeds this counter, whatever the layer ("ipsec.out_nosa") or at one layer ("replay").
std::uint64_t dropped(const Statistics& s, std::string_view counter) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < net::kDropReasonCount; ++i) {
    if (net::kDropReasons[i].counter == counter) n += s.drops[i].packets;
  }
  return n;
}
std::uint64_t dropped_at(const Statistics& s, Layer layer, std::string_view counter) {
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < net::kDropReasonCount; ++i) {
    if (net::kDropReasons[i].counter == counter) n += s.drops[i].by_protocol[static_cast<std::size_t>(layer)];
  }
  return n;
}

struct Row {
  std::string_view name, words;
};

// The drop counters of one protocol, in netstat's order; the number in front is dropped_at(name).
constexpr std::array kAhDrops{
    Row{"hdrops", "ah headers too short"},
    Row{"nopf", "ah headers for unsupported address family"},
    Row{"notdb", "ah packets with no SA"},
    Row{"badkcr", "ah packets dropped by crypto returning NULL mbuf"},
    Row{"badauth", "ah packets with bad authentication"},
    Row{"noxform", "ah packets with no xform"},
    Row{"qfull", "ah packets dropped due to queue full"},
    Row{"wrap", "ah packets dropped for replay counter wrap"},
    Row{"replay", "ah packets dropped for possible replay"},
    Row{"badauthl", "ah packets dropped for bad authenticator length"},
    Row{"invalid", "ah packets with an invalid SA"},
    Row{"toobig", "ah packets too big"},
    Row{"pdrops", "ah packets blocked due to policy"},
    Row{"crypto", "ah failed crypto requests"},
    Row{"tunnel", "ah tunnel sanity check failures"},
};
constexpr std::array kEspDrops{
    Row{"hdrops", "esp headers too short"},
    Row{"nopf", "esp headers for unsupported address family"},
    Row{"notdb", "esp packets with no SA"},
    Row{"badkcr", "esp packets dropped by crypto returning NULL mbuf"},
    Row{"qfull", "esp packets dropped due to queue full"},
    Row{"noxform", "esp packets with no xform"},
    Row{"badilen", "esp packets with bad ilen"},
    Row{"badenc", "esp packets with bad encryption"},
    Row{"badauth", "esp packets with bad authentication"},
    Row{"wrap", "esp packets dropped for replay counter wrap"},
    Row{"replay", "esp packets dropped for possible replay"},
    Row{"invalid", "esp packets with an invalid SA"},
    Row{"toobig", "esp packets too big"},
    Row{"pdrops", "esp packets blocked due to policy"},
    Row{"crypto", "esp failed crypto requests"},
    Row{"tunnel", "esp tunnel sanity check failures"},
};
constexpr std::array kIpcompDrops{
    Row{"hdrops", "ipcomp packets too short for header length"},
    Row{"nopf", "ipcomp protocol family not supported"},
    Row{"notdb", "ipcomp packets with no SA"},
    Row{"badkcr", "ipcomp packets dropped by crypto returning NULL mbuf"},
    Row{"qfull", "ipcomp queue full"},
    Row{"noxform", "ipcomp no support for transform"},
    Row{"wrap", "ipcomp packets dropped for replay counter wrap"},
};

/// Not among the algorithms that an SA can name, but counted; the words are netstat's.
struct GmacRow {
  std::uint8_t id;
  std::string_view histogram;
};
constexpr std::array kGmacs{GmacRow{engine::kGmac128, "aes-128-mac"}, GmacRow{engine::kGmac192, "aes-192-mac"},
                            GmacRow{engine::kGmac256, "aes-256-mac"}};

StatLine line(std::string_view name, std::uint64_t value, std::string_view words) {
  return {std::string{name}, value, std::string{words}, false};
}

void add_drops(StatSection& section, const Statistics& s, Layer layer, std::span<const Row> rows) {
  for (const Row& row : rows) section.lines.push_back(line(row.name, dropped_at(s, layer, row.name), row.words));
}

/// Lines `PREFIX packets with ALG: N` for the algorithms that were seen.
template <typename AlgorithmRows>
void add_histogram(StatSection& section, const ProtocolCounters& counters, const AlgorithmRows& rows,
                   std::string_view prefix) {
  for (const auto& row : rows) {
    const std::uint64_t n = counters.histogram[row.id];
    if (n == 0) continue;
    section.lines.push_back({"histogram." + std::string{row.histogram}, n,
                             std::string{prefix} + " packets with " + std::string{row.histogram}, true});
  }
}

void add_bytes(StatSection& section, const ProtocolCounters& c) {
  section.lines.push_back(line("ibytes", c.input_bytes, section.name + " bytes received"));
  section.lines.push_back(line("obytes", c.output_bytes, section.name + " bytes transmitted"));
}

StatSection ipsec_section(const Statistics& s) {
  StatSection section{"ipsec", {}};
  const std::uint64_t in = dropped(s, "ipsec.in_polvio");
  const std::uint64_t out = dropped(s, "ipsec.out_polvio");
  section.lines = {
      line("in_polvio", in, "input policy violations"),
      line("out_polvio", out, "output policy violations"),
      line("out_nosa", dropped(s, "ipsec.out_nosa"), "no SA found (output)"),
      line("out_nomem", dropped(s, "ipsec.out_nomem"), "no memory available (output)"),
      line("out_noroute", dropped(s, "ipsec.out_noroute"), "no route available (output)"),
      line("out_inval", dropped(s, "ipsec.out_inval"), "generic errors (output)"),
      line("out_bundlesa", s.bundled, "bundled SA processed (output)"),
      line("spdcachelookup", s.spd_lookups, "SPD cache lookups"),
      line("spdcachemiss", s.spd_misses, "SPD cache misses"),
  };
  return section;
}

StatSection ah_section(const Statistics& s) {
  StatSection section{"ah", {}};
  section.lines = {line("input", s.ah.input, "ah input packets processed"),
                   line("output", s.ah.output, "ah output packets processed")};
  add_drops(section, s, Layer::Ah, kAhDrops);
  add_histogram(section, s.ah, crypto::macs(), "ah");
  add_histogram(section, s.ah, kGmacs, "ah");
  add_bytes(section, s.ah);
  return section;
}

StatSection esp_section(const Statistics& s) {
  StatSection section{"esp", {}};
  section.lines = {line("input", s.esp.input, "esp input packets processed"),
                   line("output", s.esp.output, "esp output packets processed")};
  add_drops(section, s, Layer::Esp, kEspDrops);
  add_histogram(section, s.esp, crypto::ciphers(), "esp");
  add_bytes(section, s.esp);
  return section;
}

StatSection ipip_section(const Statistics& s) {
  StatSection section{"ipip", {}};
  section.lines = {
      line("ipackets", s.ipip.input, "ipip total input packets"),
      line("opackets", s.ipip.output, "ipip total output packets"),
      line("hdrops", dropped(s, "ipip.hdrops"), "ipip packets too short for header length"),
      line("qfull", dropped(s, "ipip.qfull"), "ipip packets dropped due to queue full"),
      line("pdrops", 0, "ipip packets blocked due to policy"),
      line("spoof", dropped(s, "ipip.spoof"), "ipip IP spoofing attempts"),
      line("family", dropped(s, "ipip.family"), "ipip protocol family mismatched"),
      line("unspec", dropped(s, "ipip.unspec"), "ipip missing tunnel-endpoint address"),
      line("ibytes", s.ipip.input_bytes, "ipip input bytes received"),
      line("obytes", s.ipip.output_bytes, "ipip output bytes processed"),
  };
  return section;
}

StatSection ipcomp_section(const Statistics& s) {
  StatSection section{"ipcomp", {}};
  add_drops(section, s, Layer::Ipcomp, kIpcompDrops);
  const auto at = [&s](std::string_view counter) { return dropped_at(s, Layer::Ipcomp, counter); };
  for (StatLine& l : std::vector<StatLine>{
           line("input", s.ipcomp.input, "ipcomp input IPcomp packets"),
           line("output", s.ipcomp.output, "ipcomp output IPcomp packets"),
           line("invalid", at("invalid"), "ipcomp packets with an invalid SA"),
           line("toobig", at("toobig"), "ipcomp packets decompressed as too big"),
           line("minlen", s.ipcomp_too_short, "ipcomp packets too short to be compressed"),
           line("useless", s.ipcomp_useless, "ipcomp packet for which compression was useless"),
           line("pdrops", at("pdrops"), "ipcomp packets blocked due to policy"),
           line("crypto", at("crypto"), "ipcomp failed crypto requests"),
       }) {
    section.lines.push_back(std::move(l));
  }
  add_histogram(section, s.ipcomp, crypto::compressions(), "IPcomp");
  section.lines.push_back(line("ibytes", s.ipcomp.input_bytes, "ipcomp input bytes"));
  section.lines.push_back(line("obytes", s.ipcomp.output_bytes, "ipcomp output bytes"));
  return section;
}

}  // namespace

std::vector<StatSection> netstat_sections(const Statistics& statistics) {
  return {ipsec_section(statistics), ah_section(statistics), esp_section(statistics), ipip_section(statistics),
          ipcomp_section(statistics)};
}

}  // namespace testudo::observe
