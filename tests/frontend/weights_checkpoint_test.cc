// What stands beside and around the tensors of a .pth file: checkpoints, modules, objects of any
// class.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/checkpoint.h"
#include "frontend/weights/pth.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using pickle::Call;
using pickle::Dict;
using pickle::Global;
using pickle::Int;
using pickle::Item;
using pickle::Text;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

const std::vector<float> kThree = {1, 2, 3};

// Two of the three elements, from `offset` on.
std::string TensorAt(int32_t offset) {
  return pickle::Tensor(pickle::Storage("FloatStorage", "0", 3), offset, {2}, {1});
}

// An object of a class with these attributes.
std::string Object(const std::string& module, const std::string& name,
                   const std::vector<Item>& attributes) {
  return Global(module, name) + ")\x81" + Dict(attributes) + "b";
}

std::string ZipFileOf(const std::string& object) { return Pth(object, {{"0", RawValues(kThree)}}); }
std::string LegacyFileOf(const std::string& object) {
  return LegacyPth(object, {{"0", 3, RawValues(kThree)}});
}

absl::StatusOr<NamedTensors> Parse(const std::string& object, std::string_view key = {}) {
  return ParsePth(AsBytes(ZipFileOf(object)), "x.pth", nullptr, key);
}

std::string ErrorOf(const std::string& object, std::string_view key = {}) {
  const auto parsed = Parse(object, key);
  EXPECT_FALSE(parsed.ok());
  return MessageOf(parsed.status());
}

// The names of the tensors, and the first element of the first one.
void ExpectTensors(const std::string& object, const std::vector<std::string>& names, float first,
                   std::string_view key = {}) {
  for (const std::string& file : {ZipFileOf(object), LegacyFileOf(object)}) {
    const auto parsed = ParsePth(AsBytes(file), "x.pth", nullptr, key);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    std::vector<std::string> found;
    for (const auto& [name, tensor] : parsed->tensors) found.push_back(name);
    EXPECT_EQ(found, names);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(parsed->tensors.begin()->second.values<float>()[0], first);
  }
}

// A checkpoint with more in it than the state dict.
std::string Checkpoint(const std::vector<Item>& more) {
  std::vector<Item> items = {{"epoch", Int(3)},
                             {"best", "G" + std::string(8, '\0')},
                             {"note", Text("x")},
                             {"none", pickle::None()},
                             {"optimizer", Dict({{"state", Dict({})}})}};
  items.insert(items.end(), more.begin(), more.end());
  return Dict(items);
}

const std::string kStateDict = pickle::OrderedDict({{"w", TensorAt(0)}});

TEST(WeightsCheckpoint, FindsTheStateDict) {
  for (const char* key : {"state_dict", "model", "model_state_dict", "net", "whatever"}) {
    ExpectTensors(Checkpoint({{key, kStateDict}}), {"w"}, 1);
  }
  ExpectTensors(Checkpoint({{"ema", kStateDict}, {"model", Dict({{"v", TensorAt(1)}})}}), {"v"}, 2);
  ExpectTensors(Checkpoint({{"v", TensorAt(1)}, {"ema", kStateDict}}), {"v"}, 2);
  ExpectTensors(Checkpoint({{"v", TensorAt(1)}, {"net", kStateDict}}), {"w"}, 1);
}

TEST(WeightsCheckpoint, LooksFurtherInWhereItMust) {
  ExpectTensors(Checkpoint({{"a", Dict({{"b", Dict({{"c", kStateDict}})}})}}), {"w"}, 1);
  ExpectTensors(pickle::List({Int(1), Dict({{"weights", kStateDict}})}), {"w"}, 1);
  const std::string deep = Dict({{"c", Dict({{"d", Dict({{"e", kStateDict}})}})}});
  EXPECT_THAT(ErrorOf(Dict({{"a", Dict({{"b", deep}})}})), HasSubstr("no tensors in the file"));
}

TEST(WeightsCheckpoint, OneStateDictUnderTwoKeysIsOne) {
  ExpectTensors(Dict({{"a", kStateDict + "q\x64"}, {"b", "h\x64"}}), {"w"}, 1);
}

TEST(WeightsCheckpoint, KeysPickOneOfSeveral) {
  const std::string two =
      Dict({{"params", kStateDict}, {"params_ema", Dict({{"v", TensorAt(1)}})}});
  EXPECT_EQ(ErrorOf(two),
            "x.pth: several state dicts in the file: params (1 tensors, 2 elements); params_ema (1 "
            "tensors, 2 elements). Pick one by its key: --key params");
  ExpectTensors(two, {"w"}, 1, "params");
  ExpectTensors(two, {"v"}, 2, "params_ema");
  EXPECT_EQ(ErrorOf(two, "ema"), "x.pth: no key ema in the file; its keys: params, params_ema");
  EXPECT_THAT(ErrorOf(two, "params.x"), HasSubstr("no key params.x in the file"));
  EXPECT_THAT(ErrorOf(Checkpoint({{"model", kStateDict}}), "optimizer"),
              HasSubstr("no tensors in the key optimizer; its keys: state"));
  EXPECT_THAT(
      ErrorOf(Checkpoint({{"model", kStateDict}}), "epoch"),
      HasSubstr(
          "expected a state dict (as model.state_dict() gives it), the key epoch holds an int"));
}

TEST(WeightsCheckpoint, KeysLeadFurtherIn) {
  const std::string gan = Dict({{"G", kStateDict}, {"D.x", Dict({{"v", TensorAt(1)}})}});
  const std::string file = Checkpoint({{"models", gan}});
  EXPECT_THAT(ErrorOf(file), HasSubstr("models.G (1 tensors, 2 elements); models.D.x (1 tensors"));
  ExpectTensors(file, {"w"}, 1, "models.G");
  ExpectTensors(file, {"v"}, 2, "models.D.x");
  EXPECT_THAT(ErrorOf(file, "models"), HasSubstr("several state dicts in the file: models.G ("));
  const std::string list = Checkpoint({{"nets", pickle::List({gan, kStateDict})}});
  ExpectTensors(list, {"w"}, 1, "nets.1");
  ExpectTensors(list, {"v"}, 2, "nets.0.D.x");
  // Integers are keys, too.
  ExpectTensors("}K\7" + kStateDict + "sK\10" + Dict({{"v", TensorAt(1)}}) + "s", {"v"}, 2, "8");
}

TEST(WeightsCheckpoint, KeysWithDotsAreFoundBesideTheirPrefixes) {
  const std::string two = Dict({{"v", TensorAt(1)}});
  const std::string gan = Dict({{"D", Dict({{"y", kStateDict}})}, {"D.x", two}});
  ExpectTensors(gan, {"v"}, 2, "D.x");
  ExpectTensors(gan, {"w"}, 1, "D.y");
  // The longest name that leads on, and back from one that does not.
  const std::string both =
      Dict({{"D", Dict({{"x", kStateDict}, {"x.y", kStateDict}})}, {"D.x", Dict({{"z", two}})}});
  ExpectTensors(both, {"v"}, 2, "D.x.z");
  ExpectTensors(both, {"w"}, 1, "D.x.y");
  EXPECT_THAT(ErrorOf(both, "D.x.q"), HasSubstr("no key D.x.q in the file; its keys: D, D.x"));
  // A dict in itself has no end of readings.
  const std::string self = "}q\1(" + Text("a") + "h\1" + Text("a.a") + "h\1u";
  std::string long_key = "a";
  for (int i = 0; i < 1000; ++i) long_key += ".a";
  EXPECT_THAT(ErrorOf(self, long_key + ".b"), HasSubstr("no key a.a.a"));
}

TEST(WeightsCheckpoint, SaysWhatThereIsWhereItFindsNoTensors) {
  EXPECT_THAT(ErrorOf(Checkpoint({})),
              HasSubstr("no tensors in the file; its keys: epoch, best, note, none, optimizer"));
  EXPECT_THAT(ErrorOf(Dict({})), HasSubstr("its keys: none"));
  EXPECT_THAT(ErrorOf(pickle::List({})), HasSubstr("gives it), the file holds a list"));
  EXPECT_THAT(ErrorOf(pickle::List({TensorAt(0)})), HasSubstr("the file holds a list"));
  EXPECT_THAT(ErrorOf(TensorAt(0)), HasSubstr("the file holds a tensor without a name"));
  EXPECT_THAT(ErrorOf(Global("a", "B")), HasSubstr("the file holds the class or function a.B"));
}

// Nothing is run: what is no tensor is passed over, whatever it claims to be.
TEST(WeightsCheckpoint, PassesOverObjectsOfEveryClass) {
  const std::string evil = Call(Global("os", "system"), {Text("touch pwned")});
  const std::vector<std::string> others = {
      evil,
      Object("argparse", "Namespace", {{"lr", Int(1)}, {"model", Text("net")}}),
      Call(Global("collections", "Counter"), {Dict({{"a", Int(3)}})}),
      Call(Global("collections", "defaultdict"), {Global("__builtin__", "list")}) + "K\1K\2s",
      Call(Global("collections", "deque"), {}) + "(K\1K\2e",
      Call(Global("numpy.core.multiarray", "scalar"),
           {Call(Global("numpy", "dtype"), {Text("f8")}) + pickle::Ints({3, 0}) + "b",
            Call(Global("_codecs", "encode"), {Text("x"), Text("latin1")})}),
      Call(Global("numpy._core.multiarray", "_reconstruct"),
           {Global("numpy", "ndarray"), pickle::Ints({0}), Text("b")}) +
          pickle::Ints({1, 2}) + "b",
      Call(Global("torch", "device"), {Text("cuda"), Int(0)}),
      Call(Global("torch", "Size"), {pickle::Ints({3, 8})}),
      Global("torch", "float32"),
      Call(Global("pathlib", "PosixPath"), {Text("/"), Text("x")}),
      Call(Global("datetime", "datetime"), {Text("bytes")}),
      Call(Global("my.config", "Color"), {Int(1)}),
      Call(Global("builtins", "getattr"), {Global("my.config", "Color"), Text("RED")}),
      "\x8f(K\1K\2\x90",
      "ca\nB\n)}\x92N}\x86"
      "b",  // NEWOBJ_EX, then a state with slots
      Object("torch", "Generator", {}),
  };
  std::vector<Item> items = {{"model", kStateDict}};
  for (size_t i = 0; i < others.size(); ++i) items.push_back({std::to_string(i), others[i]});
  ExpectTensors(Dict(items), {"w"}, 1);
  EXPECT_THAT(
      ErrorOf(evil),
      HasSubstr(
          "expected a state dict (as model.state_dict() gives it), the file holds an object of "
          "os.system"));
  EXPECT_FALSE(std::filesystem::exists("pwned"));
}

TEST(WeightsCheckpoint, StateDictsMayBeOfAClassThatIsFilledAsADict) {
  const std::string items = Text("w") + TensorAt(0) + "s";
  ExpectTensors(Call(Global("collections", "defaultdict"), {Global("a", "B")}) + items, {"w"}, 1);
  ExpectTensors(Global("my", "OrderedDict") + ")\x81" + items + Dict({}) + "b", {"w"}, 1);
}

// Modules ---------------------------------------------------------------------------------------

std::string Module(const std::string& name, const std::vector<Item>& parameters,
                   const std::vector<Item>& buffers, const std::vector<Item>& modules,
                   const std::string& passing = "\x8f") {
  return Object("my", name,
                {{"training", pickle::False()},
                 {"_parameters", pickle::OrderedDict(parameters)},
                 {"_buffers", pickle::OrderedDict(buffers)},
                 {"_non_persistent_buffers_set", passing},
                 {"_forward_hooks", pickle::OrderedDict({})},
                 {"_modules", pickle::OrderedDict(modules)},
                 {"scale", TensorAt(1)}});
}

std::string Parameter(const std::string& tensor) {
  return Call(Global("torch._utils", "_rebuild_parameter"),
              {tensor, "\x88", pickle::OrderedDict({})});
}

TEST(WeightsCheckpoint, ReadsTheTensorsOfModules) {
  const std::string conv =
      Module("Conv", {{"weight", Parameter(TensorAt(1))}, {"bias", pickle::None()}}, {}, {});
  const std::string net = Module(
      "Net", {{"a", Parameter(TensorAt(0))}}, {{"mean", TensorAt(1)}, {"cache", TensorAt(1)}},
      {{"conv", conv}, {"none", pickle::None()}}, "\x8f(" + Text("cache") + "\x90");
  ExpectTensors(net, {"a", "conv.weight", "mean"}, 1);
  ExpectTensors(Checkpoint({{"model", net}, {"ema", conv}}), {"a", "conv.weight", "mean"}, 1);
  ExpectTensors(Checkpoint({{"model", net}, {"ema", conv}}), {"weight"}, 2, "ema");
  const std::string old_set = Call(Global("__builtin__", "set"), {pickle::List({Text("cache")})});
  ExpectTensors(Module("Net", {{"a", TensorAt(0)}}, {{"cache", TensorAt(1)}}, {}, old_set), {"a"},
                1);
}

TEST(WeightsCheckpoint, ReadsModulesOfTheOlderFormatThatKeepTheirSource) {
  const std::string module =
      pickle::Tuple({Text("module"), Global("my", "Net"), Text("net.py"), Text("class Net: ...")}) +
      "Q";
  ExpectTensors(module + ")\x81" +
                    Dict({{"_parameters", Dict({{"a", TensorAt(0)}})}, {"_modules", Dict({})}}) +
                    "b",
                {"a"}, 1);
}

TEST(WeightsCheckpoint, ReadsTorchScript) {
  const std::string conv = Object("__torch__.torch.nn.modules.conv", "Conv2d",
                                  {{"weight", TensorAt(0)}, {"bias", pickle::None()}});
  const auto parsed = Parse(Object(
      "__torch__", "Net",
      {{"training", "\x89"},
       {"conv", conv},
       {"scale", TensorAt(1)},
       {"pads", Call(Global("torch.jit._pickle", "build_intlist"), {pickle::List({Int(1)})})}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->tensors, ElementsAre(Key("conv.weight"), Key("scale")));
}

TEST(WeightsCheckpoint, ModulesInThemselvesEnd) {
  const std::string parts = Text("_parameters") + Dict({}) + Text("_modules");
  EXPECT_THAT(ErrorOf("cmy\nNet\n)\x81q\1}(" + parts + Dict({{"me", "h\1"}}) + "ub"),
              HasSubstr("modules nested too deeply or too often, at me.me.me"));
  // Each of 30 modules has the next one twice: 2^30 places.
  std::string net = Object("__torch__", "Leaf", {});
  for (char i = 1; i < 31; ++i) {
    const std::string put = std::string("q") + i, get = std::string("h") + i;
    net = Object("__torch__", "Twice", {{"a", net + put}, {"b", get}});
  }
  EXPECT_THAT(ErrorOf(net), HasSubstr("modules nested too deeply or too often"));
}

// The older format has no checksums.
TEST(WeightsCheckpoint, NoFlippedByteCrashes) {
  const std::string net =
      Module("Net", {{"a", Parameter(TensorAt(0))}}, {{"b", TensorAt(1)}},
             {{"c", Object("__torch__", "C", {{"d", TensorAt(0)}})}}, "\x8f(" + Text("e") + "\x90");
  const std::string file = LegacyFileOf(pickle::List({Dict({{"x", net}, {"y", kStateDict}})}));
  int refused = 0;
  for (size_t i = 0; i < file.size(); ++i) {
    for (int mask = 1; mask < 256; ++mask) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      refused += !ParsePth(AsBytes(damaged), "x", nullptr, "0.x").ok();
    }
  }
  EXPECT_GT(refused, 10000);
}

// Tensors of other kinds ------------------------------------------------------------------------

TEST(WeightsCheckpoint, NamesTensorsThatWeftHasNoneFor) {
  const auto rebuild = [](const std::string& function, const std::vector<std::string>& arguments) {
    return Call(Global("torch._utils", "_rebuild_" + function), arguments);
  };
  const std::string layout = Call(Global("torch.serialization", "_get_layout"), {Text("x")});
  const auto parsed = Parse(Dict({
      {"w", TensorAt(0)},
      {"quantized", rebuild("qtensor", {pickle::Storage("QInt8Storage", "0", 3), Int(0),
                                        pickle::Ints({3}), pickle::Ints({1}), pickle::None()})},
      {"sparse", rebuild("sparse_tensor", {layout, pickle::None()})},
      {"complex", pickle::Tensor(pickle::Storage("ComplexFloatStorage", "0", 3), 0, {3}, {1})},
      {"meta", rebuild("meta_tensor_no_storage",
                       {Global("torch", "float32"),
                        Call(Global("torch", "Size"), {pickle::Ints({2, 2})}), Int(1)})},
      {"new", rebuild("from_the_future", {})},
  }));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->tensors, ElementsAre(Key("w")));
  EXPECT_THAT(parsed->unsupported,
              ElementsAre(std::pair("complex", "c64[3]"), std::pair("meta", "meta[2,2]"),
                          std::pair("new", "made by torch._utils._rebuild_from_the_future"),
                          std::pair("quantized", "quantized[3]"), std::pair("sparse", "sparse")));
}

TEST(WeightsCheckpoint, ReadsTensorsOfClassesOfTheirOwn) {
  const std::string v2 = Global("torch._utils", "_rebuild_tensor_v2");
  const std::string arguments =
      pickle::Tuple({pickle::Storage("FloatStorage", "0", 3), Int(1), pickle::Ints({2}),
                     pickle::Ints({1}), pickle::False(), pickle::OrderedDict({})});
  const std::string subclass = Call(Global("torch._tensor", "_rebuild_from_type_v2"),
                                    {v2, Global("my", "Tensor"), arguments, pickle::None()});
  const std::string state = Call(Global("torch._utils", "_rebuild_parameter_with_state"),
                                 {subclass, "\x88", pickle::OrderedDict({}), Dict({})});
  ExpectTensors(Dict({{"a", subclass}, {"b", state}}), {"a", "b"}, 2);
}

TEST(WeightsCheckpoint, ReadsStoragesOfPlainBytes) {
  const auto file = [](const std::string& dtype, int32_t offset, int32_t bytes) {
    const std::string storage =
        pickle::Tuple({Text("storage"), Global("torch.storage", "UntypedStorage"), Text("0"),
                       Text("cpu"), Int(bytes)}) +
        "Q";
    const std::string w = Call(Global("torch._utils", "_rebuild_tensor_v3"),
                               {storage, Int(offset), pickle::Ints({2}), pickle::Ints({1}),
                                pickle::False(), pickle::OrderedDict({}), Global("torch", dtype)});
    return Pth(Dict({{"w", w}}), {{"0", RawValues<uint16_t>({1, 2, 3})}});
  };
  const auto parse = [](const std::string& bytes) { return ParsePth(AsBytes(bytes), "x"); };
  const auto u16 = parse(file("uint16", 1, 6));
  ASSERT_TRUE(u16.ok()) << u16.status();
  EXPECT_THAT(u16->tensors.at("w").values<uint16_t>(), ElementsAre(2, 3));
  EXPECT_EQ(parse(file("float8_e5m2", 0, 6))->unsupported.at("w"), "f8_e5m2[2]");
  EXPECT_THAT(MessageOf(parse(file("uint16", 2, 6)).status()), HasSubstr("do not fit its storage"));
  EXPECT_THAT(MessageOf(parse(file("uint32", 0, 6)).status()), HasSubstr("a storage of u32"));
  EXPECT_THAT(MessageOf(parse(file("uint17", 0, 6)).status()), HasSubstr("uint17 is no dtype"));
}

// Comparing one long key with itself, once for each of many tensors, takes quadratic time.
TEST(WeightsCheckpoint, StoragesKeysAreShort) {
  const std::string key(300, 'k');
  const std::string w = pickle::Tensor(pickle::Storage("FloatStorage", key, 3), 0, {2}, {1});
  EXPECT_THAT(ErrorOf(Dict({{"w", w}})),
              HasSubstr("expected a storage's class, key, device and size"));
}

TEST(WeightsCheckpoint, LimitsTheBytesOfNames) {
  std::string dict = "}" + Text(std::string(1 << 20, 'n')) + "q\1" + TensorAt(0) + "q\2s(";
  for (int i = 0; i < 100; ++i) dict += "h\1h\2";
  EXPECT_THAT(ErrorOf(dict + "u"), HasSubstr("names of more than 67108864 bytes, the limit"));
}

}  // namespace
}  // namespace weft
