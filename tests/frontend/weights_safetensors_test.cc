#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/safetensors.h"
#include "frontend/weights/weights.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string File(const std::string& header, const std::string& data = "") {
  return Raw(static_cast<uint64_t>(header.size())) + header + data;
}

absl::StatusOr<NamedTensors> Parse(const std::string& bytes) {
  return ParseSafetensors(AsBytes(bytes), "x.safetensors");
}

std::string ErrorOf(const std::string& bytes) {
  const auto parsed = Parse(bytes);
  EXPECT_FALSE(parsed.ok()) << bytes;
  EXPECT_THAT(MessageOf(parsed.status()), ::testing::StartsWith("x.safetensors: "));
  return MessageOf(parsed.status());
}

// {"w": …} with these parts, and so many bytes.
std::string One(const std::string& dtype, const std::string& shape, const std::string& offsets,
                size_t bytes) {
  return File("{\"w\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
                  ",\"data_offsets\":" + offsets + "}}",
              std::string(bytes, '\1'));
}

Tensor Make(DType dtype, const Dims& dims) {
  Tensor tensor = *Tensor::Zeros(dtype, dims);
  for (size_t i = 0; i < tensor.bytes(); ++i) {
    tensor.mutable_data()[i] = std::byte(dtype == DType::kBool ? i % 2 : i * 37 % 251);
  }
  return tensor;
}

TensorMap OneOfEveryType() {
  TensorMap tensors;
  int n = 0;
  for (DType dtype :
       {DType::kU8, DType::kF32, DType::kBool, DType::kF64, DType::kF16, DType::kI32, DType::kBF16,
        DType::kI64, DType::kI8, DType::kU16, DType::kU64, DType::kU32, DType::kI16}) {
    tensors["t" + std::to_string(n++)] = Make(dtype, {3, 1});
  }
  tensors["scalar"] = Make(DType::kF32, {});
  tensors["empty"] = Make(DType::kF64, {0, 7});
  return tensors;
}

TEST(WeightsSafetensors, RoundTripsEveryType) {
  const std::string path = TestFolder() + "/x.safetensors";
  const TensorMap tensors = OneOfEveryType();
  ASSERT_TRUE(WriteSafetensors(path, tensors, {{"format", "pt"}, {"a \"b\"\n", "\xc3\xa4"}}).ok());
  const auto read = OpenWeights(path);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->tensors, tensors);
  EXPECT_TRUE(read->unsupported.empty());
  EXPECT_EQ(read->metadata.size(), 2u);
  EXPECT_EQ(read->metadata.at("a \"b\"\n"), "\xc3\xa4");
  EXPECT_EQ(read->source, path);
}

TEST(WeightsSafetensors, TensorsAreAlignedViewsOfTheMappedFile) {
  const std::string path = TestFolder() + "/x.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, OneOfEveryType(), {}).ok());
  const auto mapped = MapFile(path);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  const auto views = ParseSafetensors(mapped->bytes, path, mapped->owner);
  ASSERT_TRUE(views.ok()) << views.status();
  for (const auto& [name, tensor] : views->tensors) {
    if (tensor.size() == 0) continue;
    EXPECT_GE(tensor.data(), mapped->bytes.data()) << name;
    EXPECT_LE(tensor.data() + tensor.bytes(), mapped->bytes.data() + mapped->bytes.size());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % SizeOf(tensor.dtype()), 0u) << name;
  }
  const auto copies = ParseSafetensors(mapped->bytes, path);
  EXPECT_NE(copies->tensors.at("t1").data(), views->tensors.at("t1").data());
  EXPECT_EQ(copies->tensors, views->tensors);
}

// As the format's own writer does it.
TEST(WeightsSafetensors, WritesSortedKeysAndAPaddedHeader) {
  const std::string path = TestFolder() + "/x.safetensors";
  const std::vector<float> two = {1, 2};
  const TensorMap tensors = {{"b", *Tensor::FromValues<float>({2}, two)},
                             {"a", *Tensor::FromValues<float>({1, 2}, two)},
                             {"0", *Tensor::FromBytes(DType::kU8, {1}, AsBytes("\7"))}};
  ASSERT_TRUE(WriteSafetensors(path, tensors, {{"format", "pt"}}).ok());
  std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
      "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
      "\"0\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[16,17]}}";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(ReadText(path), File(header, RawValues(two) + RawValues(two) + "\7"));
}

// The length's lowest byte is a pickle's first one (0x80), or the index's of a sharded model ('{').
TEST(WeightsSafetensors, IsKnownWhateverTheHeadersLength) {
  const std::string path = TestFolder() + "/x.safetensors";
  for (size_t length : {128, 384, 123}) {
    std::string header = "{\"w\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    header.resize(length, ' ');
    WriteText(path, File(header, "\7"));
    const auto opened = OpenWeights(path);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->tensors.at("w").At(0), 7);
    const auto parsed = ParseWeights(AsBytes(ReadText(path)), "x");
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->tensors.at("w").At(0), 7);
  }
}

TEST(WeightsSafetensors, CopiesWhatIsNotAligned) {
  const auto file = std::make_shared<const std::string>(
      File("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
           "\7" + Raw(1.5f)));
  const auto parsed = ParseSafetensors(AsBytes(*file), "x", file);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_THAT(parsed->tensors.at("a").values<uint8_t>(), ElementsAre(7));
  EXPECT_THAT(parsed->tensors.at("b").values<float>(), ElementsAre(1.5f));
}

TEST(WeightsSafetensors, ListsTypesThatWeftLacks) {
  const auto parsed = Parse(One("C64", "[2,1]", "[0,16]", 16));
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(parsed->tensors.empty());
  EXPECT_EQ(parsed->unsupported.at("w"), "c64[2,1]");
  EXPECT_EQ(Parse(One("F8_E8M0", "[3]", "[0,3]", 3))->unsupported.at("w"), "f8_e8m0[3]");
  EXPECT_EQ(Parse(One("F4", "[3,2]", "[0,3]", 3))->unsupported.at("w"), "f4[3,2]");
  EXPECT_EQ(Parse(One("F6_E2M3", "[4]", "[0,3]", 3))->unsupported.at("w"), "f6_e2m3[4]");
  EXPECT_THAT(ErrorOf(One("F4", "[3]", "[0,2]", 2)), HasSubstr("w: expected whole bytes, f4[3]"));
  EXPECT_THAT(ErrorOf(One("F7", "[1]", "[0,1]", 1)), HasSubstr("w: unknown dtype F7"));
}

TEST(WeightsSafetensors, ReadsFilesWithoutTensors) {
  EXPECT_TRUE(Parse(File("{}"))->tensors.empty());
  EXPECT_TRUE(Parse(File("{}   \n"))->tensors.empty());
  EXPECT_EQ(Parse(File("{\"__metadata__\":{\"a\":\"b\"}}"))->metadata.at("a"), "b");
}

TEST(WeightsSafetensors, RefusesHeadersOfOtherLengths) {
  EXPECT_THAT(ErrorOf("short"), HasSubstr("begins with 8 bytes of length"));
  EXPECT_THAT(ErrorOf(Raw(uint64_t{3}) + "{}"),
              HasSubstr("the safetensors header has 3 bytes, the file ends after 2"));
  EXPECT_THAT(ErrorOf(Raw(uint64_t{100'000'001}) + "{}"),
              HasSubstr("the format's limit is 100000000"));
  EXPECT_THAT(ErrorOf(Raw(~uint64_t{0}) + "{}"), HasSubstr("the format's limit is 100000000"));
  EXPECT_THAT(ErrorOf(Raw(uint64_t{0})), HasSubstr("does not begin with {"));
}

TEST(WeightsSafetensors, RefusesOtherJson) {
  EXPECT_THAT(ErrorOf(File("{")), HasSubstr("it is not JSON at byte"));
  EXPECT_THAT(ErrorOf(File("{}x")), HasSubstr("it is not JSON at byte"));
  EXPECT_THAT(ErrorOf(File("{\"\xff\":1}")), HasSubstr("it is not JSON at byte"));
  EXPECT_THAT(ErrorOf(File(" {}")), HasSubstr("does not begin with {"));
  EXPECT_THAT(ErrorOf(File("[]")), HasSubstr("does not begin with {"));
  EXPECT_THAT(ErrorOf(File("{\"w\":null}")), HasSubstr("w: unexpected here: a null"));
  EXPECT_THAT(ErrorOf(File("{\"w\":[]}")), HasSubstr("w: unexpected here: an array"));
  EXPECT_THAT(ErrorOf(File("{\"w\":1}")), HasSubstr("w: unexpected here: a number"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"dtype\":1}}")), HasSubstr("a number at dtype"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"kind\":\"F32\"}}")), HasSubstr("a string at kind"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[true]}}")), HasSubstr("a bool"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[-1]}}")), HasSubstr("a negative number"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[1.5]}}")), HasSubstr("a fraction"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[[1]]}}")), HasSubstr("an array"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"data_offsets\":[1,2,3]}}")), HasSubstr("a number"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{}}")), HasSubstr("w: expected dtype, shape and"));
  EXPECT_THAT(ErrorOf(File("{\"__metadata__\":{\"a\":1}}")), HasSubstr("a number"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[18446744073709551616]}}")), HasSubstr("a fraction"));
}

TEST(WeightsSafetensors, RefusesDeepNestingAndEndlessShapes) {
  std::string deep = "{\"w\":";
  for (int i = 0; i < 1000000; ++i) deep += "{\"a\":";
  EXPECT_THAT(ErrorOf(File(deep)), HasSubstr("unexpected here: an object"));
  EXPECT_THAT(ErrorOf(File("{\"w\":" + std::string(1000000, '['))), HasSubstr("an array"));
  std::string ones = "1";
  for (int i = 0; i < 100; ++i) ones += ",1";
  EXPECT_THAT(ErrorOf(One("F32", "[" + ones + "]", "[0,4]", 4)),
              HasSubstr("a shape beyond the limits"));
}

TEST(WeightsSafetensors, RefusesNamesThatComeTwice) {
  const std::string entry = "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
  EXPECT_THAT(ErrorOf(File("{\"w\":" + entry + ",\"w\":" + entry + "}", "x")),
              HasSubstr("w: unexpected here: the name twice"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}")), HasSubstr("a string"));
  EXPECT_THAT(ErrorOf(File("{\"w\":{\"shape\":[],\"shape\":[]}}")), HasSubstr("an array"));
  EXPECT_THAT(ErrorOf(File("{\"__metadata__\":{},\"__metadata__\":{}}")), HasSubstr("twice"));
  EXPECT_THAT(ErrorOf(File("{\"__metadata__\":{\"a\":\"b\",\"a\":\"b\"}}")), HasSubstr("twice"));
}

TEST(WeightsSafetensors, RefusesOffsetsThatDoNotFit) {
  EXPECT_THAT(ErrorOf(One("F32", "[2]", "[0,4]", 4)),
              HasSubstr("w: expected 8 bytes of f32[2], the offsets are 0 to 4"));
  EXPECT_THAT(ErrorOf(One("F32", "[1]", "[4,0]", 4)), HasSubstr("the offsets are 4 to 0"));
  EXPECT_THAT(ErrorOf(One("F32", "[1]", "[0,4]", 3)),
              HasSubstr("expected 4 bytes of elements by the header, the file has 3"));
  EXPECT_THAT(ErrorOf(One("F32", "[1]", "[0,4]", 5)), HasSubstr("the file has 5"));
  EXPECT_THAT(ErrorOf(One("F32", "[1]", "[4,8]", 8)),
              HasSubstr("w: expected its elements at 0, after the previous ones"));
  EXPECT_THAT(ErrorOf(One("F32", "[1]", "[18446744073709551612,0]", 0)), HasSubstr("w: expected"));
  EXPECT_THAT(ErrorOf(One("F32", "[274877906944,274877906944]", "[0,0]", 0)),
              HasSubstr("at most 274877906944 elements"));
  EXPECT_THAT(ErrorOf(One("F64", "[9223372036854775808]", "[0,0]", 0)), HasSubstr("limits"));
  const auto two = [](const std::string& a, const std::string& b) {
    return File("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":" + a +
                    "},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":" + b + "}}",
                "1234");
  };
  EXPECT_TRUE(Parse(two("[2,4]", "[0,2]")).ok());
  EXPECT_THAT(ErrorOf(two("[0,2]", "[1,3]")), HasSubstr("b: expected its elements at 2"));
  EXPECT_THAT(ErrorOf(two("[0,2]", "[0,2]")), HasSubstr("b: expected its elements at 2"));
  EXPECT_THAT(ErrorOf(two("[0,2]", "[3,5]")), HasSubstr("b: expected its elements at 2"));
}

TEST(WeightsSafetensors, RefusesBoolsThatAreNone) {
  EXPECT_TRUE(Parse(One("BOOL", "[1]", "[0,1]", 1)).ok());
  EXPECT_THAT(
      ErrorOf(File("{\"w\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}", "\2")),
      HasSubstr("w: expected bools of 0 or 1, element 0 is 2"));
}

TEST(WeightsSafetensors, RefusesToWriteWhatItWouldNotRead) {
  const std::string path = TestFolder() + "/x.safetensors";
  const auto error = [&](const TensorMap& tensors) {
    return MessageOf(WriteSafetensors(path, tensors, {}));
  };
  EXPECT_THAT(error({{"\xff", Make(DType::kF32, {1})}}), HasSubstr("is not UTF-8"));
  EXPECT_THAT(error({{"__metadata__", Make(DType::kF32, {1})}}), HasSubstr("reserved"));
  EXPECT_THAT(error({{"w", Tensor()}}), HasSubstr("cannot write w, it is empty"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(WeightsSafetensors, EveryTruncationIsRefused) {
  const std::string file = One("F32", "[2]", "[0,8]", 8);
  for (size_t n = 0; n < file.size(); ++n) EXPECT_FALSE(Parse(file.substr(0, n)).ok()) << n;
  EXPECT_TRUE(Parse(file).ok());
}

// The format has no checksums: a damaged name or element goes unseen.
TEST(WeightsSafetensors, NoFlippedByteCrashes) {
  const std::string path = TestFolder() + "/x.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, OneOfEveryType(), {{"format", "pt"}}).ok());
  const std::string file = ReadText(path);
  int refused = 0;
  for (size_t i = 0; i < file.size(); ++i) {
    for (int mask : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      refused += !Parse(damaged).ok();
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(WeightsSafetensors, ReadsAFileThatAnotherProgramWrote) {
  const auto read =
      OpenWeights(WEFT_SOURCE_DIR "/tests/golden/train/BnNet-sgd-cross_entropy.safetensors");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->metadata.at("net"), "BnNet");
  EXPECT_EQ(read->tensors.at("init/conv1.weight").dims(), (Dims{8, 1, 3, 3}));
}

}  // namespace
}  // namespace weft
