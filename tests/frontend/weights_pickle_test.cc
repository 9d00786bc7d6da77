#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "frontend/weights/pickle.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

absl::StatusOr<Pickle> Parse(const std::string& bytes) {
  ByteReader reader(AsBytes(bytes));
  return ParsePickle(reader);
}

// The object as text.
std::string Show(const PickleObject& object) {
  std::string items;
  for (const PickleObject* item : object.items) items += (items.empty() ? "" : ",") + Show(*item);
  switch (object.kind) {
    case PickleKind::kNone:
      return "None";
    case PickleKind::kBool:
      return object.integer == 1 ? "True" : "False";
    case PickleKind::kInt:
      return std::to_string(object.integer);
    case PickleKind::kBigInt:
      return "big" + std::to_string(object.text.size());
    case PickleKind::kFloat:
      return "float";
    case PickleKind::kText:
      return "'" + std::string(object.text) + "'";
    case PickleKind::kTuple:
      return "(" + items + ")";
    case PickleKind::kList:
      return "[" + items + "]";
    case PickleKind::kDict:
      return "{" + items + "}";
    case PickleKind::kGlobal:
      return std::string(object.text);
    case PickleKind::kCall:
      return std::string(object.text) + Show(*object.arguments) +
             (items.empty() ? "" : "{" + items + "}") +
             (object.state == nullptr ? "" : "." + Show(*object.state));
    case PickleKind::kPersistent:
      return "id(" + items + ")";
  }
  return "?";
}

// What the opcodes leave, or the error.
std::string Result(const std::string& opcodes) {
  const std::string bytes = "\x80\x02" + opcodes + ".";
  const auto pickle = Parse(bytes);
  return pickle.ok() ? Show(*pickle->root) : MessageOf(pickle.status());
}

TEST(WeightsPickle, ReadsPlainData) {
  EXPECT_EQ(Result("N"), "None");
  EXPECT_EQ(Result("\x88"), "True");
  EXPECT_EQ(Result("\x89"), "False");
  EXPECT_EQ(Result(std::string("J\xfe\xff\xff\xff")), "-2");
  EXPECT_EQ(Result("K\xff"), "255");
  EXPECT_EQ(Result("M\xff\x01"), "511");
  EXPECT_EQ(Result(std::string("\x8a\0", 2)), "0");
  EXPECT_EQ(Result("\x8a\2\xff\x7f"), "32767");
  EXPECT_EQ(Result("\x8a\2\1\x80"), "-32767");
  EXPECT_EQ(Result("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), "9223372036854775807");
  EXPECT_EQ(Result("\x8a\x09" + std::string(9, '\1')), "big9");
  EXPECT_EQ(Result("G" + std::string(8, '\1')), "float");
  EXPECT_EQ(Result(pickle::Text("text")), "'text'");
  EXPECT_EQ(Result("\x8c\2ab"), "'ab'");
  EXPECT_EQ(Result("U\2ab"), "'ab'");
  EXPECT_EQ(Result("C\2ab"), "'ab'");
  EXPECT_EQ(Result("\x8d" + Raw(uint64_t{2}) + "ab"), "'ab'");
  EXPECT_EQ(Result("\x96" + Raw(uint64_t{2}) + "ab"), "'ab'");                        // a bytearray
  EXPECT_EQ(Result("\x95" + Raw(uint64_t{1}) + "N\x95" + Raw(uint64_t{1})), "None");  // frames
}

TEST(WeightsPickle, ReadsContainers) {
  EXPECT_EQ(Result(")"), "()");
  EXPECT_EQ(Result("K\1\x85"), "(1)");
  EXPECT_EQ(Result("K\1K\2\x86"), "(1,2)");
  EXPECT_EQ(Result("K\1K\2K\3\x87"), "(1,2,3)");
  EXPECT_EQ(Result("(K\1K\2K\3K\4t"), "(1,2,3,4)");
  EXPECT_EQ(Result("](K\1K\2e"), "[1,2]");
  EXPECT_EQ(Result("]K\1a"), "[1]");
  EXPECT_EQ(Result("(K\1l"), "[1]");
  EXPECT_EQ(Result("}K\1K\2s"), "{1,2}");
  EXPECT_EQ(Result("\x8f(K\1K\2\x90"), "[1,2]");  // a set
  EXPECT_EQ(Result("(K\1K\2\x91"), "[1,2]");      // a frozen one
  EXPECT_EQ(Result("(K\1K\2d"), "{1,2}");
  EXPECT_EQ(Result(pickle::OrderedDict({{"a", "N"}, {"b", ")"}})), "{'a',None,'b',()}");
  EXPECT_EQ(Result("K\1K\2"
                   "0"),
            "1");
  EXPECT_EQ(Result("K\1(K\2K\3"
                   "1"),
            "1");
}

TEST(WeightsPickle, ReadsWhatPython2MadeOfAnOrderedDict) {
  const std::string pair = "](U\1aK\1e";
  EXPECT_EQ(Result("ccollections\nOrderedDict\n](" + pair + "e\x85R"), "{'a',1}");
  EXPECT_THAT(Result("ccollections\nOrderedDict\n](K\1e\x85R"), HasSubstr("else than pairs"));
  EXPECT_THAT(Result("ccollections\nOrderedDict\nK\1\x85R"), HasSubstr("else than pairs"));
}

TEST(WeightsPickle, RemembersObjects) {
  EXPECT_EQ(Result("K\7q\5"
                   "0h\5"),
            "7");
  EXPECT_EQ(Result(std::string("K\7r\5\0\0\0"
                               "0j\5\0\0\0",
                               13)),
            "7");
  EXPECT_EQ(Result("\x8c\1a\x94\x8c\1b\x94"
                   "00h\1"),
            "'b'");
  EXPECT_EQ(Result("K\1"
                   "2\x86"),
            "(1,1)");
  EXPECT_THAT(Result("h\5"), HasSubstr("nothing is remembered as 5"));
}

TEST(WeightsPickle, ListsThatContainThemselvesEnd) {
  const std::string bytes = "\x80\x02]q\1h\1a.";
  const auto pickle = Parse(bytes);
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  EXPECT_EQ(pickle->root->items[0], pickle->root);
}

TEST(WeightsPickle, CallsAreDataToo) {
  EXPECT_EQ(Result("ctorch\nmake\nK\1\x85R"), "torch.make(1)");
  EXPECT_EQ(Result("\x8c\5torch\x8c\4make\x93K\1\x85R"), "torch.make(1)");
  EXPECT_EQ(Result("K\1Q"), "id(1)");
  EXPECT_EQ(Result(pickle::OrderedDict({}) + "}b"), "{}");
  EXPECT_THAT(Result("ctorch\nmake\nK\1R"), HasSubstr("without a tuple"));
  EXPECT_THAT(Result("K\1)R"), HasSubstr("no global"));
  EXPECT_THAT(Result("K\1}b"), HasSubstr("expects a dict"));
}

TEST(WeightsPickle, KeepsWhatObjectsOfAnyClassWereGiven) {
  EXPECT_EQ(Result("cargparse\nNamespace\n)\x81}X\2\0\0\0lrK\1sb"s),
            "argparse.Namespace().{'lr',1}");
  EXPECT_EQ(Result("ca\nB\nK\1\x85}\x92"), "a.B(1)");  // NEWOBJ_EX; keywords are not kept
  EXPECT_EQ(Result("(ca\nB\nK\1K\2o"), "a.B(1,2)");
  EXPECT_EQ(Result("ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\1K\2s(K\3K\4u"),
            "collections.defaultdict(__builtin__.list){1,2,3,4}");
  EXPECT_EQ(Result("ccollections\ndeque\n]\x85RK\1a(K\2e"), "collections.deque([])");
  EXPECT_EQ(Result("c__builtin__\ngetattr\nca\nB\nX\1\0\0\0x\x86R)R"s), "__builtin__.getattr()");
  EXPECT_EQ(Result("ccollections\nOrderedDict\n)\x81K\1K\2s"), "{1,2}");
  // A module's class with its source, of PyTorch's older format.
  EXPECT_EQ(Result("(X\6\0\0\0moduleca\nNet\nNNtQ)\x81"s), "a.Net()");
  EXPECT_THAT(Result("(o"), HasSubstr("an object of no class"));
}

// Nothing is imported, called or executed: whatever its name says, it is an object.
TEST(WeightsPickle, NoGlobalIsMoreThanItsName) {
  EXPECT_EQ(Result("cos\nsystem\nU\2ls\x85R"), "os.system('ls')");
  EXPECT_EQ(Result("\x8c\2os\x8c\6system\x93\x8c\2ls\x85R"), "os.system('ls')");
  EXPECT_EQ(Result("c__builtin__\neval\n"), "__builtin__.eval");
  EXPECT_THAT(Result("\x8c\2osK\1\x93"), HasSubstr("a global's name is no string"));
}

TEST(WeightsPickle, LimitsTheNamesOfGlobals) {
  const std::string longest(kMaxGlobalName, 'a');
  EXPECT_EQ(Result("c" + longest + "\nb\n"), longest + ".b");
  EXPECT_THAT(Result("c" + longest + "a\nb\n"), HasSubstr("name of more than 1024 bytes"));
  // Many names of few texts.
  std::string many = "](";
  for (int i = 0; i < 200; ++i)
    many += pickle::Text(std::to_string(i) + std::string(1000, 'a')) + "\x94";
  many += "e";
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 200; ++k)
      many += "h" + Raw(static_cast<uint8_t>(i)) + "h" + Raw(static_cast<uint8_t>(k)) + "\x93";
  }
  EXPECT_THAT(Result(many), HasSubstr("the limits"));
}

TEST(WeightsPickle, RefusesOtherOpcodesByNumber) {
  EXPECT_EQ(Result("K\1\x82"), "pickle opcode 0x82 at byte 4 is not one that is read");
  for (int code : std::vector<int>{0x82, 0x83, 0x84, 0x97, 0x98, 'i', 'P', 'I', 'F', 'L', 'S', 'V',
                                   'g', 'p', 0, 0xff}) {
    char number[8];
    std::snprintf(number, sizeof number, "0x%02x", code);
    EXPECT_THAT(Result(std::string(1, static_cast<char>(code))), HasSubstr(number));
  }
}

TEST(WeightsPickle, RefusesStacksMisused) {
  for (const char* opcodes : {"", "0", "1", "2", "t", "l", "d", "e", "u", "a", "s", "\x85", "\x86",
                              "\x87", "q\1", "\x94", "R", "b", "Q", "\x93", "K\1a", "K\1K\2a",
                              "}K\1a", "]K\1K\2s", "(K\1d", "}(K\1u", "](K\1", "K\1K\2", "K\1(",
                              // Nothing below the last mark may be taken.
                              "K\1(a", "](K\1a", "K\1(2", "K\1(\x85", "K\1(Q", "o", "\x81", "\x92",
                              "N\x81", "\x90", "\x91"}) {
    EXPECT_THAT(Result(opcodes), ::testing::StartsWith("malformed pickle: ")) << opcodes;
  }
}

TEST(WeightsPickle, RefusesOtherProtocols) {
  EXPECT_THAT(MessageOf(Parse("\x80\x06N.").status()), HasSubstr("protocol 6, expected 2 to 5"));
  EXPECT_THAT(MessageOf(Parse("\x80\x01N.").status()), HasSubstr("protocol 1, expected 2 to 5"));
}

TEST(WeightsPickle, LimitsWhatItKeeps) {
  EXPECT_THAT(Result(std::string(kMaxPickleObjects + 1, ']')),
              HasSubstr("more than 2097152 objects"));
  EXPECT_THAT(Result(std::string(kMaxPickleObjects + 1, '(')),
              HasSubstr("more than 2097152 objects"));
  EXPECT_THAT(Result("]" + std::string(kMaxPickleObjects + 1, '2')),
              HasSubstr("more than 2097152 objects"));
  EXPECT_THAT(Result("Nr\xff\xff\xff\xff"), HasSubstr("remembers an object as 4294967295"));
  // One object as ever more items.
  std::string items = "]";
  for (int i = 0; i < 5; ++i) items += "(N" + std::string(1000000, '2') + "e";
  EXPECT_THAT(Result(items), HasSubstr("or 4194304 items"));
  // A list of 1000 pairs, given to dicts for ever.
  std::string pairs = "](";
  for (int i = 0; i < 1000; ++i) pairs += "K\1K\2\x86";
  std::string many = pairs + "eq\1" + "0](";
  for (int i = 0; i < 3000; ++i) many += "ccollections\nOrderedDict\nh\1\x85R";
  EXPECT_THAT(Result(many + "e"), HasSubstr("more than 2097152 objects"));
}

TEST(WeightsPickle, DeepNestingNeedsNoStackOfTheProcess) {
  std::string nested = ")";
  for (int i = 0; i < 1000000; ++i) nested += '\x85';
  const std::string bytes = "\x80\x02" + nested + ".";
  EXPECT_TRUE(Parse(bytes).ok());
}

TEST(WeightsPickle, EveryTruncationIsRefused) {
  const std::string bytes = pickle::Whole(pickle::OrderedDict(
      {{"a", pickle::Tensor(pickle::Storage("FloatStorage", "0", 4), 0, {2, 2}, {2, 1})},
       {"b", pickle::List({pickle::Int(1), "\x8c\1a", "\x8a\1\1", "M\1\1", "G12345678"})}}));
  for (size_t n = 0; n <= bytes.size(); ++n) {
    const std::string part = bytes.substr(0, n);
    ByteReader reader(AsBytes(part));
    EXPECT_EQ(ParsePickle(reader).ok(), n == bytes.size()) << n;
  }
}

}  // namespace
}  // namespace weft
