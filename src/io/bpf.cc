#include "io/bpf.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace testudo::io {
namespace {

// Of the verifier's words; the last lines say what it refuses.
constexpr std::size_t kVerifierLog = 65536;
constexpr std::size_t kMaxName = BPF_OBJ_NAME_LEN - 1;

long bpf_call(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

bpf_attr no_attributes() {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);  // a union: {} would leave what its first member does not cover
  return attributes;
}

std::string last_line(const std::string& log) {
  const auto end = log.find_last_not_of(" \n");
  if (end == std::string::npos) return {};
  const auto before = log.rfind('\n', end);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  return log.substr(begin, end + 1 - begin);
}

}  // namespace

BpfWriter::Label BpfWriter::label() {
  labels_.push_back(0);
  return {labels_.size() - 1};
}

void BpfWriter::put(Label at) {
  labels_[at.number] = text_.size();
}

void BpfWriter::write(std::uint8_t code, std::uint8_t to, std::uint8_t from, std::int16_t offset, std::int32_t value) {
  bpf_insn instruction{};
  instruction.code = code;
  instruction.dst_reg = static_cast<std::uint8_t>(to & 15U);
  instruction.src_reg = static_cast<std::uint8_t>(from & 15U);
  instruction.off = offset;
  instruction.imm = value;
  text_.push_back(instruction);
}

void BpfWriter::move(std::uint8_t to, std::uint8_t from) {
  write(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}
void BpfWriter::set(std::uint8_t to, std::int32_t value) {
  write(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value);
}
void BpfWriter::add(std::uint8_t to, std::int32_t value) {
  write(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value);
}
void BpfWriter::bit_and(std::uint8_t to, std::int32_t value) {
  write(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value);
}
void BpfWriter::shift_right(std::uint8_t to, std::int32_t bits) {
  write(BPF_ALU64 | BPF_RSH | BPF_K, to, 0, 0, bits);
}
void BpfWriter::load(std::uint8_t size, std::uint8_t to, std::uint8_t base, std::int16_t offset) {
  write(static_cast<std::uint8_t>(BPF_LDX | BPF_MEM | size), to, base, offset, 0);
}
void BpfWriter::store(std::uint8_t size, std::uint8_t base, std::int16_t offset, std::uint8_t from) {
  write(static_cast<std::uint8_t>(BPF_STX | BPF_MEM | size), base, from, offset, 0);
}
void BpfWriter::set_map(std::uint8_t to, int map) {
  write(BPF_LD | BPF_IMM | BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, map);
  write(0, 0, 0, 0, 0);  // the upper half of the number
}
void BpfWriter::call(std::int32_t helper) {
  write(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}
void BpfWriter::leave() {
  write(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void BpfWriter::write_jump(std::uint8_t code, std::uint8_t left, std::uint8_t right, std::uint32_t value, Label to) {
  jumps_.push_back({text_.size(), to.number});
  write(code, left, right, 0, static_cast<std::int32_t>(value));
}

void BpfWriter::jump(Label to) {
  write_jump(BPF_JMP | BPF_JA, 0, 0, 0, to);
}
void BpfWriter::jump_if_equal(std::uint8_t left, std::uint32_t right, Label to) {
  write_jump(BPF_JMP32 | BPF_JEQ | BPF_K, left, 0, right, to);
}
void BpfWriter::jump_if_not_equal(std::uint8_t left, std::uint32_t right, Label to) {
  write_jump(BPF_JMP32 | BPF_JNE | BPF_K, left, 0, right, to);
}
void BpfWriter::jump_if_greater(std::uint8_t left, std::uint32_t right, Label to) {
  write_jump(BPF_JMP32 | BPF_JGT | BPF_K, left, 0, right, to);
}
void BpfWriter::jump_if_beyond(std::uint8_t left, std::uint8_t right, Label to) {
  write_jump(BPF_JMP | BPF_JGT | BPF_X, left, right, 0, to);
}
void BpfWriter::jump_if_null(std::uint8_t pointer, Label to) {
  write_jump(BPF_JMP | BPF_JEQ | BPF_K, pointer, 0, 0, to);
}

std::vector<bpf_insn> BpfWriter::finish() const {
  std::vector<bpf_insn> done = text_;
  for (const Jump& jump : jumps_) {
    const auto target = static_cast<std::int64_t>(labels_[jump.label]);
    done[jump.at].off = static_cast<std::int16_t>(target - static_cast<std::int64_t>(jump.at) - 1);
  }
  return done;
}

Result<Fd, SystemError> make_bpf_map(const BpfMapSpec& spec) {
  bpf_attr attributes = no_attributes();
  attributes.map_type = spec.type;
  attributes.key_size = spec.key_size;
  attributes.value_size = spec.value_size;
  attributes.max_entries = spec.entries;
  spec.name.copy(attributes.map_name, kMaxName);
  Fd made{static_cast<int>(bpf_call(BPF_MAP_CREATE, attributes))};
  if (!made) return last_error("make BPF map " + spec.name);
  return made;
}

Status<SystemError> put_into_bpf_map(int map, Bytes key, Bytes value) {
  bpf_attr attributes = no_attributes();
  attributes.map_fd = static_cast<std::uint32_t>(map);
  attributes.key = address_of(key.data());
  attributes.value = address_of(value.data());
  attributes.flags = BPF_ANY;
  if (bpf_call(BPF_MAP_UPDATE_ELEM, attributes) != 0) return last_error("put into BPF map");
  return Done{};
}

void remove_from_bpf_map(int map, Bytes key) {
  bpf_attr attributes = no_attributes();
  attributes.map_fd = static_cast<std::uint32_t>(map);
  attributes.key = address_of(key.data());
  static_cast<void>(bpf_call(BPF_MAP_DELETE_ELEM, attributes));
}

Result<Fd, SystemError> load_xdp(std::span<const bpf_insn> text, const std::string& name) {
  std::string log(kVerifierLog, '\0');
  bpf_attr attributes = no_attributes();
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.expected_attach_type = BPF_XDP;
  attributes.insns = address_of(text.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(text.size());
  attributes.license = address_of("BSD");  // none of its helpers is for GPL alone
  name.copy(attributes.prog_name, kMaxName);
  Fd loaded{static_cast<int>(bpf_call(BPF_PROG_LOAD, attributes))};
  if (loaded) return loaded;
  const int error = errno;
  attributes.log_buf = address_of(log.data());
  attributes.log_size = static_cast<std::uint32_t>(log.size());
  attributes.log_level = 1;
  loaded = Fd{static_cast<int>(bpf_call(BPF_PROG_LOAD, attributes))};
  if (loaded) return loaded;
  log.resize(std::strlen(log.c_str()));
  // Its last line counts instructions; the one before says what it minds.
  const auto cut = log.rfind("processed ");
  const std::string words = last_line(cut == std::string::npos ? log : log.substr(0, cut));
  return Failure{SystemError{"load XDP program" + (words.empty() ? "" : " (" + words + ")"), error}};
}

Result<std::uint32_t, SystemError> bpf_program_id(int program) {
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  bpf_attr attributes = no_attributes();
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = address_of(&info);
  if (bpf_call(BPF_OBJ_GET_INFO_BY_FD, attributes) != 0) return last_error("look at XDP program");
  return info.id;
}

Result<std::uint32_t, SystemError> try_xdp(int program, Bytes frame) {
  bpf_attr attributes = no_attributes();
  attributes.test.prog_fd = static_cast<std::uint32_t>(program);
  attributes.test.data_in = address_of(frame.data());
  attributes.test.data_size_in = static_cast<std::uint32_t>(frame.size());
  attributes.test.repeat = 1;
  if (bpf_call(BPF_PROG_TEST_RUN, attributes) != 0) return last_error("try XDP program");
  return attributes.test.retval;
}

}  // namespace testudo::io
