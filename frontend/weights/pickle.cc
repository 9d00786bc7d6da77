#include "frontend/weights/pickle.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/weights/named_tensors.h"
#include "frontend/weights/pickle_stack.h"

namespace weft {
namespace {

constexpr int kNewestProtocol = 5;

absl::Status Truncated() { return absl::DataLossError("the pickle ends early"); }

// The stack machine that a pickle is a program for.
class Machine {
 public:
  explicit Machine(ByteReader& reader) : reader_(reader) {}

  absl::StatusOr<Pickle> Run();

  // One a kind of opcode.

  absl::Status Protocol() {
    const auto version = reader_.Read<uint8_t>();
    if (!version) return Truncated();
    if (*version >= 2 && *version <= kNewestProtocol) return absl::OkStatus();
    return absl::UnimplementedError(
        absl::StrFormat("pickle protocol %d, expected 2 to %d", *version, kNewestProtocol));
  }
  absl::Status Frame() { return reader_.Read<uint64_t>() ? absl::OkStatus() : Truncated(); }
  absl::Status Bool(bool value) { return Push({.kind = PickleKind::kBool, .integer = value}); }
  template <typename T>
  absl::Status Int() {
    const auto value = reader_.Read<T>();
    return value ? Push({.kind = PickleKind::kInt, .integer = *value}) : Truncated();
  }
  template <typename Length>
  absl::Status Long();
  // No tensor needs its value.
  absl::Status Float() {
    return reader_.Take(sizeof(double)) ? Push({.kind = PickleKind::kFloat}) : Truncated();
  }
  template <typename Length>
  absl::Status Text() {
    const auto length = reader_.Read<Length>();
    const auto text = length ? reader_.TakeText(*length) : std::nullopt;
    return text ? Push({.kind = PickleKind::kText, .text = *text}) : Truncated();
  }

  template <typename Index>
  absl::Status Get() {
    const auto index = reader_.Read<Index>();
    return index ? stack_.Recall(*index) : Truncated();
  }
  template <typename Index>
  absl::Status Put() {
    const auto index = reader_.Read<Index>();
    return index ? stack_.Remember(*index) : Truncated();
  }

  absl::Status Global() {
    const auto module = reader_.ReadLine();
    const auto name = module ? reader_.ReadLine() : std::nullopt;
    return name ? stack_.PushGlobal(*module, *name) : Truncated();
  }

  PickleStack& stack() { return stack_; }

 private:
  absl::Status Push(PickleObject object) { return stack_.Push(std::move(object)); }

  ByteReader& reader_;
  PickleStack stack_;
};

struct Opcode {
  uint8_t code;
  absl::Status (*run)(Machine& m);
};

constexpr Opcode kOpcodes[] = {
    {0x80, [](Machine& m) { return m.Protocol(); }},
    {0x95, [](Machine& m) { return m.Frame(); }},
    {'(', [](Machine& m) { return m.stack().PushMark(); }},
    {'N', [](Machine& m) { return m.stack().Push({}); }},
    {0x88, [](Machine& m) { return m.Bool(true); }},
    {0x89, [](Machine& m) { return m.Bool(false); }},
    {'J', [](Machine& m) { return m.Int<int32_t>(); }},
    {'K', [](Machine& m) { return m.Int<uint8_t>(); }},
    {'M', [](Machine& m) { return m.Int<uint16_t>(); }},
    {0x8a, [](Machine& m) { return m.Long<uint8_t>(); }},
    {0x8b, [](Machine& m) { return m.Long<uint32_t>(); }},
    {'G', [](Machine& m) { return m.Float(); }},
    {'X', [](Machine& m) { return m.Text<uint32_t>(); }},   // BINUNICODE
    {0x8c, [](Machine& m) { return m.Text<uint8_t>(); }},   // SHORT_BINUNICODE
    {0x8d, [](Machine& m) { return m.Text<uint64_t>(); }},  // BINUNICODE8
    {'T', [](Machine& m) { return m.Text<uint32_t>(); }},   // BINSTRING
    {'U', [](Machine& m) { return m.Text<uint8_t>(); }},    // SHORT_BINSTRING
    {'B', [](Machine& m) { return m.Text<uint32_t>(); }},   // BINBYTES
    {'C', [](Machine& m) { return m.Text<uint8_t>(); }},    // SHORT_BINBYTES
    {0x8e, [](Machine& m) { return m.Text<uint64_t>(); }},  // BINBYTES8
    {0x96, [](Machine& m) { return m.Text<uint64_t>(); }},  // BYTEARRAY8
    {']', [](Machine& m) { return m.stack().Push({.kind = PickleKind::kList}); }},
    {')', [](Machine& m) { return m.stack().Push({.kind = PickleKind::kTuple}); }},
    {'}', [](Machine& m) { return m.stack().Push({.kind = PickleKind::kDict}); }},
    {0x8f, [](Machine& m) { return m.stack().Push({.kind = PickleKind::kList}); }},  // EMPTY_SET
    {'l', [](Machine& m) { return m.stack().FromMark(PickleKind::kList); }},
    {0x91, [](Machine& m) { return m.stack().FromMark(PickleKind::kList); }},  // FROZENSET
    {'t', [](Machine& m) { return m.stack().FromMark(PickleKind::kTuple); }},
    {'d', [](Machine& m) { return m.stack().FromMark(PickleKind::kDict); }},
    {0x85, [](Machine& m) { return m.stack().Tuple(1); }},
    {0x86, [](Machine& m) { return m.stack().Tuple(2); }},
    {0x87, [](Machine& m) { return m.stack().Tuple(3); }},
    {'a', [](Machine& m) { return m.stack().Append(); }},
    {'e', [](Machine& m) { return m.stack().Appends(); }},
    {0x90, [](Machine& m) { return m.stack().Appends(); }},  // ADDITEMS
    {'s', [](Machine& m) { return m.stack().SetItem(); }},
    {'u', [](Machine& m) { return m.stack().SetItems(); }},
    {'0', [](Machine& m) { return m.stack().Pop(); }},
    {'1', [](Machine& m) { return m.stack().PopMark(); }},
    {'2', [](Machine& m) { return m.stack().Duplicate(); }},
    {'h', [](Machine& m) { return m.Get<uint8_t>(); }},
    {'j', [](Machine& m) { return m.Get<uint32_t>(); }},
    {'q', [](Machine& m) { return m.Put<uint8_t>(); }},
    {'r', [](Machine& m) { return m.Put<uint32_t>(); }},
    {0x94, [](Machine& m) { return m.stack().RememberNext(); }},
    {'c', [](Machine& m) { return m.Global(); }},
    {0x93, [](Machine& m) { return m.stack().StackGlobal(); }},
    {'R', [](Machine& m) { return m.stack().Call(); }},
    {0x81, [](Machine& m) { return m.stack().Call(); }},              // NEWOBJ
    {0x92, [](Machine& m) { return m.stack().CallWithKeywords(); }},  // NEWOBJ_EX
    {'o', [](Machine& m) { return m.stack().CallMarked(); }},         // OBJ
    {'b', [](Machine& m) { return m.stack().Build(); }},
    {'Q', [](Machine& m) { return m.stack().MakePersistent(); }},
};

const Opcode* FindOpcode(uint8_t code) {
  const auto it = std::find_if(std::begin(kOpcodes), std::end(kOpcodes),
                               [&](const Opcode& opcode) { return opcode.code == code; });
  return it == std::end(kOpcodes) ? nullptr : &*it;
}

absl::StatusOr<Pickle> Machine::Run() {
  for (;;) {
    const size_t at = reader_.position();
    const auto code = reader_.Read<uint8_t>();
    if (!code) return Truncated();
    if (*code == '.') break;
    const Opcode* opcode = FindOpcode(*code);
    if (opcode == nullptr) {
      return absl::UnimplementedError(
          absl::StrFormat("pickle opcode 0x%02x at byte %d is not one that is read", *code, at));
    }
    WEFT_RETURN_IF_ERROR(opcode->run(*this));
  }
  return stack_.Finish();
}

template <typename Length>
absl::Status Machine::Long() {
  const auto length = reader_.Read<Length>();
  const auto digits = length ? reader_.TakeText(*length) : std::nullopt;
  if (!digits) return Truncated();
  if (digits->size() > sizeof(int64_t)) {
    return Push({.kind = PickleKind::kBigInt, .text = *digits});
  }
  // Two's complement, little-endian; the sign is the last byte's.
  const bool negative = !digits->empty() && (static_cast<uint8_t>(digits->back()) & 0x80) != 0;
  int64_t value = negative ? -1 : 0;
  std::memcpy(&value, digits->data(), digits->size());
  return Push({.kind = PickleKind::kInt, .integer = value});
}

}  // namespace

absl::StatusOr<Pickle> ParsePickle(ByteReader& reader) { return Machine(reader).Run(); }

std::string Describe(const PickleObject& object) {
  switch (object.kind) {
    case PickleKind::kNone:
      return "None";
    case PickleKind::kBool:
      return "a bool";
    case PickleKind::kInt:
    case PickleKind::kBigInt:
      return "an int";
    case PickleKind::kFloat:
      return "a float";
    case PickleKind::kText:
      return "a string";
    case PickleKind::kTuple:
      return "a tuple";
    case PickleKind::kList:
      return "a list";
    case PickleKind::kDict:
      return "a dict";
    case PickleKind::kGlobal:
      return absl::StrCat("the class or function ", Printable(object.text));
    case PickleKind::kCall:
      return absl::StrCat("an object of ", Printable(object.text));
    case PickleKind::kPersistent:
      return "a storage";
  }
  return "an object";
}

}  // namespace weft
