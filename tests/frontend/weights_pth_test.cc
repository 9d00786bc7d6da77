#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/pth.h"
#include "frontend/weights/weights.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using pickle::Dict;
using pickle::Item;
using pickle::Storage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<NamedTensors> Parse(const std::string& bytes) {
  return ParsePth(AsBytes(bytes), "x.pth");
}

std::string ErrorOf(const std::string& bytes) {
  const auto parsed = Parse(bytes);
  EXPECT_FALSE(parsed.ok());
  EXPECT_THAT(MessageOf(parsed.status()), ::testing::StartsWith("x.pth: "));
  return MessageOf(parsed.status());
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6};

// One f32 tensor "w" of six elements with these dims and strides.
std::string Strided(int32_t offset, const std::vector<int32_t>& dims,
                    const std::vector<int32_t>& strides) {
  return Pth(Dict({{"w", pickle::Tensor(Storage("FloatStorage", "0", 6), offset, dims, strides)}}),
             {{"0", RawValues(kSix)}});
}

// One tensor "w" of `count` elements in both formats.
std::vector<std::string> BothFormats(const std::string& type, int32_t count,
                                     const std::string& data) {
  const std::string dict =
      Dict({{"w", pickle::Tensor(Storage(type, "0", count), 0, {count}, {1})}});
  return {Pth(dict, {{"0", data}}), Pth(dict, {{"0", data}}, /*deflate=*/true),
          LegacyPth(dict, {{"0", static_cast<uint64_t>(count), data}})};
}

template <typename T>
void ExpectValues(const std::string& type, const std::vector<T>& values) {
  std::string data;
  for (const T& value : values) data += Raw(value);
  for (const std::string& file : BothFormats(type, static_cast<int32_t>(values.size()), data)) {
    const auto parsed = Parse(file);
    ASSERT_TRUE(parsed.ok()) << type << ": " << parsed.status();
    const Tensor& w = parsed->tensors.at("w");
    EXPECT_EQ(w.dtype(), DTypeOf<T>) << type;
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(w.At(static_cast<int64_t>(i)), static_cast<double>(values[i])) << type;
    }
  }
}

TEST(WeightsPth, ReadsEveryTypeInBothFormats) {
  ExpectValues<float>("FloatStorage", {1.5f, -2, 3e38f});
  ExpectValues<double>("DoubleStorage", {1.5, -2e300});
  ExpectValues<int64_t>("LongStorage", {1, -1, int64_t{1} << 50});
  ExpectValues<int32_t>("IntStorage", {7, -7});
  ExpectValues<int16_t>("ShortStorage", {-32768, 32767});
  ExpectValues<uint8_t>("ByteStorage", {0, 255});
  ExpectValues<bool>("BoolStorage", {true, false});
  for (const std::string& file : BothFormats("HalfStorage", 2, RawValues<uint16_t>({0x3c00, 1}))) {
    const auto parsed = Parse(file);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->tensors.at("w").type(), (TensorType{DType::kF16, ToShape(Dims{2})}));
  }
  const auto bf16 = Parse(BothFormats("BFloat16Storage", 1, "ab")[0]);
  EXPECT_EQ(bf16->tensors.at("w").dtype(), DType::kBF16);
  const auto i8 = Parse(BothFormats("CharStorage", 1, "\xff")[0]);
  EXPECT_EQ(i8->tensors.at("w").dtype(), DType::kI8);
}

TEST(WeightsPth, ListsTensorsOfTypesThatWeftLacks) {
  const auto parsed = Parse(BothFormats("ComplexFloatStorage", 1, "abcdefgh")[0]);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->tensors.empty());
  EXPECT_EQ(parsed->unsupported.at("w"), "c64[1]");
}

TEST(WeightsPth, RefusesBoolsThatAreNone) {
  EXPECT_THAT(ErrorOf(BothFormats("BoolStorage", 2, "\1\2")[0]),
              HasSubstr("w: expected bools of 0 or 1, element 1 is 2"));
}

TEST(WeightsPth, ReadsScalarsAndTensorsWithoutElements) {
  const auto parsed = Parse(
      Pth(Dict({{"scalar", pickle::Tensor(Storage("FloatStorage", "0", 6), 5, {}, {})},
                {"empty", pickle::Tensor(Storage("FloatStorage", "1", 0), 0, {0, 3}, {3, 1})}}),
          {{"0", RawValues(kSix)}, {"1", ""}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->tensors.at("scalar").values<float>(), ElementsAre(6));
  EXPECT_EQ(parsed->tensors.at("empty").dims(), (Dims{0, 3}));
}

TEST(WeightsPth, CopiesOtherStridesIntoRowMajorOrder) {
  const auto values = [](const std::string& file) {
    const auto parsed = Parse(file);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    const auto w = parsed->tensors.at("w").values<float>();
    return std::vector<float>(w.begin(), w.end());
  };
  EXPECT_EQ(values(Strided(0, {2, 3}, {3, 1})), kSix);
  EXPECT_THAT(values(Strided(0, {3, 2}, {1, 3})), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(values(Strided(1, {2}, {4})), ElementsAre(2, 6));
  EXPECT_THAT(values(Strided(2, {2, 2}, {1, 2})), ElementsAre(3, 5, 4, 6));
  EXPECT_THAT(values(Strided(3, {2, 2}, {0, 1})), ElementsAre(4, 5, 4, 5));  // expanded
  EXPECT_THAT(values(Strided(0, {1, 2, 1, 3}, {2147483647, 3, 99, 1})),
              ElementsAre(1, 2, 3, 4, 5, 6));  // a dim of 1 takes no step
  EXPECT_THAT(values(Strided(0, {2, 1, 3}, {1, 2147483647, 2})), ElementsAre(1, 3, 5, 2, 4, 6));
}

TEST(WeightsPth, RefusesViewsBeyondTheStorage) {
  for (const std::string& file :
       {Strided(1, {6}, {1}), Strided(0, {7}, {1}), Strided(0, {2, 3}, {4, 1}), Strided(6, {}, {}),
        Strided(2147483647, {1}, {1}), Strided(0, {2, 2, 2}, {2147483647, 2147483647, 2147483647}),
        Strided(0, {2}, {6}), Strided(0, {2, 3}, {1})}) {
    EXPECT_THAT(ErrorOf(file), HasSubstr("w: malformed tensor: dims ["));
    EXPECT_THAT(ErrorOf(file), HasSubstr("do not fit its storage of 6 elements"));
  }
  EXPECT_THAT(ErrorOf(Strided(-1, {1}, {1})), HasSubstr("a natural number for its offset"));
  EXPECT_THAT(ErrorOf(Strided(0, {-1}, {1})), HasSubstr("a natural number for its dims"));
  EXPECT_THAT(ErrorOf(Strided(0, {1}, {-1})), HasSubstr("a natural number for its strides"));
  EXPECT_THAT(ErrorOf(Strided(0, std::vector<int32_t>(13, 1), std::vector<int32_t>(13, 1))),
              HasSubstr("w: "));
}

TEST(WeightsPth, LimitsWhatStridesMultiply) {
  EXPECT_THAT(ErrorOf(Strided(0, {1000, 1000, 1000}, {0, 0, 0})),
              HasSubstr("takes more than 10"));  // 4 times the file and a mebibyte
  EXPECT_THAT(ErrorOf(Strided(0, {2147483647, 2147483647}, {0, 0})), HasSubstr("elements"));
  // Many small ones add up.
  std::vector<Item> items;
  for (int i = 0; i < 300; ++i) {
    items.push_back({std::to_string(i),
                     pickle::Tensor(Storage("FloatStorage", "0", 2048), 0, {2, 1024}, {1, 2})});
  }
  EXPECT_THAT(ErrorOf(Pth(Dict(items), {{"0", std::string(8192, '\0')}})),
              HasSubstr("not in row-major order takes more than"));
}

TEST(WeightsPth, LimitsHowOftenBoolsAreLookedAt) {
  const std::string storage = Storage("BoolStorage", "0", 65536);
  std::vector<Item> items;
  for (int i = 0; i < 100; ++i) {
    items.push_back({std::to_string(i), pickle::Tensor(storage, 0, {65536}, {1})});
  }
  EXPECT_THAT(ErrorOf(Pth(Dict(items), {{"0", std::string(65536, '\1')}})),
              HasSubstr("tensors of bools of more than"));
}

TEST(WeightsPth, NamesTensorsWithLazySigns) {
  const auto file = [](const std::string& metadata) {
    const std::string w =
        pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor_v2"),
                     {Storage("FloatStorage", "0", 6), pickle::Int(0), pickle::Ints({6}),
                      pickle::Ints({1}), pickle::False(), pickle::OrderedDict({}), metadata});
    return Pth(Dict({{"w", w}}), {{"0", RawValues(kSix)}});
  };
  const auto negated = Parse(file(Dict({{"neg", "\x88"}})));
  ASSERT_TRUE(negated.ok()) << negated.status();
  EXPECT_THAT(negated->tensors, ::testing::IsEmpty());
  EXPECT_EQ(negated->unsupported.at("w"),
            "f32[6] to be negated or conjugated: save resolve_neg().resolve_conj()");
  for (const std::string& none : {Dict({}), pickle::None()}) {
    const auto plain = Parse(file(none));
    ASSERT_TRUE(plain.ok()) << plain.status();
    EXPECT_THAT(plain->tensors.at("w").values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  }
}

TEST(WeightsPth, OneStateDictUnderTwoKeysIsOne) {
  const std::string tensors =
      Dict({{"w", pickle::Tensor(Storage("FloatStorage", "0", 6), 0, {6}, {1})}});
  const auto parsed =
      Parse(Pth(Dict({{"a", tensors + "q\x64"}, {"b", "h\x64"}}), {{"0", RawValues(kSix)}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->tensors.contains("w"));
}

TEST(WeightsPth, TensorsShareAStorage) {
  const std::string storage = Storage("FloatStorage", "0", 6);
  const auto parsed = Parse(Pth(Dict({{"a", pickle::Tensor(storage, 0, {6}, {1})},
                                      {"b", pickle::Tensor(storage, 4, {2}, {1})}}),
                                {{"0", RawValues(kSix)}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->tensors.at("a").data() + 16, parsed->tensors.at("b").data());
  EXPECT_THAT(parsed->tensors.at("b").values<float>(), ElementsAre(5, 6));
}

TEST(WeightsPth, TensorsAreViewsOfAMappedFile) {
  const std::string bytes = Strided(0, {6}, {1});
  const auto copied = Parse(bytes);
  const auto inside = [](const std::string& text, const std::byte* data) {
    const auto* p = reinterpret_cast<const char*>(data);
    return p >= text.data() && p < text.data() + text.size();
  };
  EXPECT_FALSE(inside(bytes, copied->tensors.at("w").data()));
  // As a mapping is: aligned to a page.
  const std::string path = TestFolder() + "/x.pth";
  WriteText(path, bytes);
  const auto mapped = MapFile(path);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  const auto views = ParsePth(mapped->bytes, path, mapped->owner);
  ASSERT_TRUE(views.ok()) << views.status();
  const std::byte* data = views->tensors.at("w").data();
  EXPECT_GE(data, mapped->bytes.data());
  EXPECT_LT(data, mapped->bytes.data() + mapped->bytes.size());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u);
  EXPECT_EQ(views->source, path);
}

TEST(WeightsPth, OpenedFilesStayMappedWhileTheirTensorsLive) {
  const std::string path = TestFolder() + "/x.pth";
  WriteText(path, Strided(0, {6}, {1}));
  Tensor w;
  {
    const auto opened = OpenWeights(path);
    ASSERT_TRUE(opened.ok()) << opened.status();
    w = opened->tensors.at("w");
  }
  EXPECT_THAT(w.values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(WeightsPth, ReadsParametersAndTheOldTensorCall) {
  const std::string storage = Storage("FloatStorage", "0", 6);
  const std::string tensor = pickle::Tensor(storage, 0, {6}, {1});
  const std::string parameter = pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                                             {tensor, "\x88", pickle::OrderedDict({})});
  const std::string old =
      pickle::Call(pickle::Global("torch._utils", "_rebuild_tensor"),
                   {storage, pickle::Int(0), pickle::Ints({2, 3}), pickle::Ints({3, 1})});
  const auto parsed =
      Parse(Pth(Dict({{"parameter", parameter}, {"old", old}}), {{"0", RawValues(kSix)}}));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->tensors.at("parameter").dims(), Dims{6});
  EXPECT_EQ(parsed->tensors.at("old").dims(), (Dims{2, 3}));
  const std::string of_text = pickle::Call(pickle::Global("torch._utils", "_rebuild_parameter"),
                                           {pickle::Text("x"), "\x88", pickle::OrderedDict({})});
  EXPECT_THAT(ErrorOf(Pth(Dict({{"w", of_text}}), {{"0", RawValues(kSix)}})),
              HasSubstr("w: malformed tensor: a parameter of none"));
}

TEST(WeightsPth, ChecksTheStorages) {
  const std::string tensor = pickle::Tensor(Storage("FloatStorage", "7", 6), 0, {6}, {1});
  const std::string dict = Dict({{"w", tensor}});
  EXPECT_THAT(ErrorOf(Pth(dict, {})), HasSubstr("w: the archive has no storage 7"));
  EXPECT_THAT(ErrorOf(Pth(dict, {{"7", std::string(20, '\0')}})),
              HasSubstr("w: expected 6 elements of 4 bytes in storage 7, the file has 20 bytes"));
  EXPECT_THAT(ErrorOf(Pth(dict, {{"7", std::string(28, '\0')}})), HasSubstr("has 28 bytes"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {})), HasSubstr("w: the file has no storage 7"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"7", 5, std::string(20, '\0')}})),
              HasSubstr("expected 6 elements of 4 bytes in storage 7"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"7", 6, std::string(20, '\0')}})),
              HasSubstr("storage 7 reaches beyond the end of the file"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"7", uint64_t{1} << 62, std::string(24, '\0')}})),
              HasSubstr("storage 7 reaches beyond the end of the file"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"7", 6, std::string(25, '\0')}})),
              HasSubstr("1 bytes after the last storage"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"7", 0, ""}, {"7", 0, ""}})), HasSubstr("comes twice"));
  EXPECT_THAT(ErrorOf(LegacyPth(dict, {{"8", 0, ""}})), HasSubstr("one that no tensor has"));
  const std::string not_storage = pickle::Tensor(pickle::Text("x"), 0, {6}, {1});
  EXPECT_THAT(ErrorOf(Pth(Dict({{"w", not_storage}}), {})), HasSubstr("w: malformed tensor"));
}

TEST(WeightsPth, ReadsPartsOfStoragesInTheOlderFormat) {
  const auto storage = [](const std::string& part) {
    return pickle::Tuple({pickle::Text("storage"), pickle::Global("torch", "FloatStorage"),
                          pickle::Text("0"), pickle::Text("cpu"), pickle::Int(6), part}) +
           "Q";
  };
  const auto part = [&](int32_t begin, int32_t size) {
    return storage(pickle::Tuple({pickle::Text("1"), pickle::Int(begin), pickle::Int(size)}));
  };
  const std::vector<LegacyStorage> six = {{"0", 6, RawValues(kSix)}};
  const auto parsed = Parse(LegacyPth(Dict({{"whole", pickle::Tensor(storage("N"), 0, {6}, {1})},
                                            {"part", pickle::Tensor(part(2, 3), 1, {2}, {1})}}),
                                      six));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->tensors.at("whole").values<float>(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(parsed->tensors.at("part").values<float>(), ElementsAre(4, 5));
  EXPECT_THAT(ErrorOf(LegacyPth(Dict({{"w", pickle::Tensor(part(2, 3), 1, {3}, {1})}}), six)),
              HasSubstr("do not fit its storage of 3 elements"));
  EXPECT_THAT(ErrorOf(LegacyPth(Dict({{"w", pickle::Tensor(part(4, 3), 0, {1}, {1})}}), six)),
              HasSubstr("a part beyond its storage"));
}

TEST(WeightsPth, RefusesBigEndianFiles) {
  const std::string pickled = pickle::Whole(Dict({}));
  EXPECT_THAT(ErrorOf(Zip({{"a/data.pkl", pickled}, {"a/byteorder", "big"}})),
              HasSubstr("little-endian order, the file says \"big\""));
  EXPECT_THAT(ErrorOf(LegacyPth(Dict({}), {}, /*little_endian=*/false)),
              HasSubstr("the file is big-endian"));
}

TEST(WeightsPth, RefusesOtherFiles) {
  EXPECT_THAT(ErrorOf(Zip({{"a/numpy.npy", "x"}})), HasSubstr("not one of PyTorch's"));
  EXPECT_THAT(ErrorOf(Zip({{"a/data.pkl", "."}, {"b/data.pkl", "."}})),
              HasSubstr("several data.pkl"));
  EXPECT_THAT(ErrorOf(Zip({{"a/data.pkl", pickle::Whole("}") + "x"}})),
              HasSubstr("bytes after the pickle"));
  EXPECT_THAT(ErrorOf(pickle::Whole(Dict({}))), HasSubstr("a pickle, but not one of PyTorch's"));
  EXPECT_THAT(ErrorOf("hello"), HasSubstr("expected a zip archive or a pickle"));
  const auto text = ParseWeights(AsBytes("hello"), "x.pth");
  EXPECT_EQ(MessageOf(text.status()),
            "x.pth: expected a .safetensors file or a state dict saved by PyTorch (.pth), the file "
            "has another format");
  EXPECT_THAT(MessageOf(ParseWeights({}, "x").status()), HasSubstr("the file is empty"));
  const auto advice = [](const std::string& begin) {
    return MessageOf(ParseWeights(AsBytes(begin), "x").status());
  };
  EXPECT_THAT(advice("\x1f\x8b..."), HasSubstr("compressed by gzip: unpack it"));
  EXPECT_THAT(advice(std::string(257, 'a') + "ustar"), HasSubstr("a tar archive"));
  EXPECT_THAT(advice("version https://git-lfs.github.com/spec/v1"), HasSubstr("git lfs pull"));
  EXPECT_THAT(advice("<!DOCTYPE html>"), HasSubstr("a web page"));
}

TEST(WeightsPth, RefusesNamesThatAreTwiceOrNone) {
  const std::string tensor = pickle::Tensor(Storage("FloatStorage", "0", 6), 0, {6}, {1});
  EXPECT_THAT(ErrorOf(Pth(Dict({{"w", tensor}, {"w", tensor}}), {{"0", RawValues(kSix)}})),
              HasSubstr("w: malformed tensor: its name comes twice"));
  EXPECT_THAT(ErrorOf(Pth("})" + tensor + "s", {{"0", RawValues(kSix)}})),
              HasSubstr("expected a name for each, one has a tuple"));
  EXPECT_TRUE(Parse(Pth("}K\7" + tensor + "s", {{"0", RawValues(kSix)}}))->tensors.contains("7"));
}

std::vector<std::string> SmallFiles() {
  const std::string dict = pickle::OrderedDict(
      {{"w", pickle::Tensor(Storage("FloatStorage", "0", 6), 0, {3, 2}, {1, 3})},
       {"n", pickle::Tensor(Storage("LongStorage", "1", 1), 0, {}, {})}});
  const std::string one = Raw(int64_t{1});
  return {Pth(dict, {{"0", RawValues(kSix)}, {"1", one}}),
          Pth(dict, {{"0", RawValues(kSix)}, {"1", one}}, /*deflate=*/true),
          LegacyPth(dict, {{"0", 6, RawValues(kSix)}, {"1", 1, one}})};
}

TEST(WeightsPth, EveryTruncationIsRefused) {
  for (const std::string& file : SmallFiles()) {
    ASSERT_TRUE(Parse(file).ok());
    for (size_t n = 0; n < file.size(); ++n) EXPECT_FALSE(Parse(file.substr(0, n)).ok()) << n;
  }
}

// A zip archive's checksums cover what is read: an error, or the same tensors.
TEST(WeightsPth, EveryFlippedByteOfAnArchiveIsSeenOrHarmless) {
  const std::vector<std::string> files = SmallFiles();
  for (size_t f : {0, 1}) {
    const TensorMap expected = Parse(files[f])->tensors;
    for (size_t i = 0; i < files[f].size(); ++i) {
      for (int mask : {1, 0x20, 0xff}) {
        std::string damaged = files[f];
        damaged[i] = static_cast<char>(damaged[i] ^ mask);
        const auto parsed = Parse(damaged);
        if (parsed.ok()) {
          EXPECT_EQ(parsed->tensors, expected) << i;
        }
      }
    }
  }
}

// The older format has no checksums.
TEST(WeightsPth, NoFlippedByteOfTheOlderFormatCrashes) {
  const std::string file = SmallFiles()[2];
  int refused = 0;
  for (size_t i = 0; i < file.size(); ++i) {
    for (int mask = 1; mask < 256; ++mask) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      refused += !Parse(damaged).ok();
    }
  }
  EXPECT_GT(refused, 10000);
}

}  // namespace
}  // namespace weft
