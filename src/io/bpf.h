#pragma once
// Programs for the kernel's eBPF machine, by bpf(2) alone: a writer of their instructions with labels, and the few
// calls that make maps and programs.  linux/bpf.h; the instruction set: RFC 9669.  Knows nothing of packets.
#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "io/fd.h"
#include "io/system_error.h"

namespace testudo::io {

/// Writes one program.  Jumps name labels, which are put down anywhere behind or in front of them.
class BpfWriter {
 public:
  struct Label {
    std::size_t number = 0;
  };
  Label label();
  /// The next instruction is what jumps to this label come to.
  void put(Label at);

  void move(std::uint8_t to, std::uint8_t from);
  void set(std::uint8_t to, std::int32_t value);
  void add(std::uint8_t to, std::int32_t value);
  void bit_and(std::uint8_t to, std::int32_t value);
  void shift_right(std::uint8_t to, std::int32_t bits);
  /// `size`: BPF_B, BPF_H, BPF_W; in the byte order of the machine.
  void load(std::uint8_t size, std::uint8_t to, std::uint8_t base, std::int16_t offset);
  void store(std::uint8_t size, std::uint8_t base, std::int16_t offset, std::uint8_t from);
  void set_map(std::uint8_t to, int map);
  void call(std::int32_t helper);
  void leave();

  void jump(Label to);
  /// Of the low 32 bits.
  void jump_if_equal(std::uint8_t left, std::uint32_t right, Label to);
  void jump_if_not_equal(std::uint8_t left, std::uint32_t right, Label to);
  void jump_if_greater(std::uint8_t left, std::uint32_t right, Label to);
  /// Of all 64 bits: pointers.
  void jump_if_beyond(std::uint8_t left, std::uint8_t right, Label to);
  void jump_if_null(std::uint8_t pointer, Label to);

  /// With every jump led to its label, all of which must have been put.
  std::vector<bpf_insn> finish() const;

 private:
  struct Jump {
    std::size_t at;
    std::size_t label;
  };
  void write(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value);
  void write_jump(std::uint8_t code, std::uint8_t left, std::uint8_t right, std::uint32_t value, Label to);

  std::vector<bpf_insn> text_;
  std::vector<std::size_t> labels_;
  std::vector<Jump> jumps_;
};

struct BpfMapSpec {
  bpf_map_type type{};
  std::uint32_t key_size = 0, value_size = 0, entries = 0;
  std::string name;  ///< at most 15 characters
};
Result<Fd, SystemError> make_bpf_map(const BpfMapSpec& spec);
Status<SystemError> put_into_bpf_map(int map, Bytes key, Bytes value);
/// What is not there is no error.
void remove_from_bpf_map(int map, Bytes key);

/// An XDP program; the error quotes the last line of the verifier's.
Result<Fd, SystemError> load_xdp(std::span<const bpf_insn> text, const std::string& name);
/// The number by which the kernel lists a program.
Result<std::uint32_t, SystemError> bpf_program_id(int program);
/// What the program says about this frame (XDP_PASS, …), by BPF_PROG_TEST_RUN.
Result<std::uint32_t, SystemError> try_xdp(int program, Bytes frame);

}  // namespace testudo::io
