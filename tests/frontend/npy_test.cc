#include "frontend/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string Npy(const std::string& header, std::string_view data, int version = 1) {
  std::string file = "\x93NUMPY";
  file += {static_cast<char>(version), '\0', static_cast<char>(header.size() & 0xff),
           static_cast<char>(header.size() >> 8)};
  if (version > 1) file += std::string(2, '\0');
  return file + header + std::string(data);
}

std::string Header(const std::string& descr, const std::string& shape,
                   const std::string& fortran = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
}

std::string ErrorOf(const std::string& file) {
  const absl::StatusOr<Tensor> tensor = ParseNpy(AsBytes(file), "x.npy");
  EXPECT_FALSE(tensor.ok()) << file;
  EXPECT_THAT(MessageOf(tensor.status()), testing::StartsWith("x.npy: "));
  return MessageOf(tensor.status());
}

TEST(Npy, ReadsVersionsOneToThree) {
  const std::string data("\x01\0\0\0\xff\xff\xff\xff\0\0\0\x80", 12);
  for (int version : {1, 2, 3}) {
    const auto tensor = ParseNpy(AsBytes(Npy(Header("<i4", "(3,)"), data, version)), "x");
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_THAT(tensor->dims(), ElementsAre(3));
    EXPECT_THAT(tensor->values<int32_t>(), ElementsAre(1, -1, -2147483647 - 1));
  }
}

TEST(Npy, ReadsScalarsAndEmptyArraysAndKeysInAnyOrder) {
  const auto scalar =
      ParseNpy(AsBytes(Npy("{\"shape\": (), \"descr\": \"<f4\", \"fortran_order\": False}",
                           {"\0\0\x80\x3f", 4})),
               "x");
  ASSERT_TRUE(scalar.ok()) << scalar.status();
  EXPECT_EQ(scalar->rank(), 0);
  EXPECT_THAT(scalar->values<float>(), ElementsAre(1.0f));
  const auto empty = ParseNpy(AsBytes(Npy(Header("<f8", "(0, 5)"), "")), "x");
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_THAT(empty->dims(), ElementsAre(0, 5));
}

TEST(Npy, ReadsOneByteTypesWithAnyOrderMark) {
  EXPECT_TRUE(ParseNpy(AsBytes(Npy(Header("<u1", "(1,)"), "a")), "x").ok());
  EXPECT_TRUE(ParseNpy(AsBytes(Npy(Header("|b1", "(1,)"), "\x01")), "x").ok());
}

TEST(Npy, WritesWhatNumpyWrites) {
  const std::string path = TestFolder() + "/x.npy";
  const std::vector<float> values = {1.0f, 2.0f};
  ASSERT_TRUE(WriteNpy(path, *Tensor::FromValues<float>({1, 2}, values)).ok());
  std::string expected("\x93NUMPY\x01\0\x76\0", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  expected += std::string(127 - expected.size(), ' ') + "\n";
  expected += std::string("\0\0\x80\x3f\0\0\0\x40", 8);
  EXPECT_EQ(ReadText(path), expected);
}

TEST(Npy, RoundTripsEveryTypeAndRank) {
  const std::string path = TestFolder() + "/x.npy";
  for (int number = 1; number <= kNumDTypes; ++number) {
    const DType dtype = *DTypeOfNumber(number);
    if (dtype == DType::kBF16) continue;  // which NumPy lacks
    for (const Dims& dims : {Dims{}, Dims{3}, Dims{2, 3}, Dims{2, 1, 4}, Dims{0}, Dims{3, 0}}) {
      Tensor tensor = *Tensor::Zeros(dtype, dims);
      for (size_t i = 0; i < tensor.bytes(); i += SizeOf(dtype)) {
        tensor.mutable_data()[i] = static_cast<std::byte>(dtype == DType::kBool ? i % 2 : i + 1);
      }
      ASSERT_TRUE(WriteNpy(path, tensor).ok());
      const auto read = ReadNpy(path);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(*read, tensor) << ToString(tensor.type());
    }
  }
}

TEST(Npy, ReadsStorageTypesAsWhatTheyAre) {
  const auto at = [](const char* descr, std::string_view bytes) {
    return ParseNpy(AsBytes(Npy(Header(descr, "(1,)"), std::string(bytes))), "x")->At(0);
  };
  EXPECT_EQ(at("<f2", {"\x00\xc0", 2}), -2);
  EXPECT_EQ(at("|i1", "\xff"), -1);
  EXPECT_EQ(at("<i2", "\xfe\xff"), -2);
  EXPECT_EQ(at("<u2", "\xff\xff"), 65535);
  EXPECT_EQ(at("<u4", "\xff\xff\xff\xff"), 4294967295.0);
  EXPECT_EQ(at("<u8", {"\0\0\0\0\0\0\0\x80", 8}), 0x1p63);
}

TEST(Npy, RefusesEveryTruncationAndAnExtraByte) {
  const std::string whole = Npy(Header("<i4", "(2,)"), "abcdefgh");
  for (size_t length = 0; length < whole.size(); ++length) ErrorOf(whole.substr(0, length));
  EXPECT_THAT(ErrorOf(whole + "x"), HasSubstr("expected 8 bytes of i32[2], the file has 9"));
}

TEST(Npy, NamesWhatItDoesNotTake) {
  EXPECT_THAT(ErrorOf("PK\3\4 and so on"), HasSubstr("another signature"));
  EXPECT_THAT(ErrorOf(Npy(Header("<f4", "()"), "abcd", 4)),
              HasSubstr("expected .npy version 1.0, 2.0 or 3.0, the file has 4.0"));
  EXPECT_THAT(
      ErrorOf(Npy(Header(">f4", "()"), "abcd")),
      HasSubstr("expected elements of <f2, <f4, <f8, |i1, <i2, <i4, <i8, |u1, <u2, <u4, <u8, |b1, "
                "the file has \">f4\""));
  EXPECT_THAT(ErrorOf(Npy(Header("<c8", "()"), "abcdefgh")), HasSubstr("\"<c8\""));
  EXPECT_THAT(ErrorOf(Npy(Header("", "()"), "")), HasSubstr("the file has \"\""));
  EXPECT_THAT(ErrorOf(Npy(Header("<f4", "(1, 1)", "True"), "abcd")), HasSubstr("Fortran order"));
  EXPECT_THAT(
      ErrorOf(Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "abcd")),
      HasSubstr("expected one element type in quotes"));
  EXPECT_THAT(ErrorOf(Npy(Header("|b1", "(3,)"), {"\1\0\2", 3})),
              HasSubstr("expected bools of 0 or 1, element 2 is 2"));
}

TEST(Npy, RefusesImpossibleShapes) {
  const std::string limits[] = {"(1099511627776,)",
                                "(4294967296, 4294967296, 4294967296)",
                                "(-1,)",
                                "(99999999999999999999,)",
                                "(0, 1099511627776, 1099511627776)",
                                "(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"};
  for (const std::string& shape : limits) ErrorOf(Npy(Header("<f4", shape), "abcd"));
}

TEST(Npy, RefusesMalformedHeaders) {
  const std::string headers[] = {
      "",
      "{",
      "{}",
      "{'descr': '<f4'}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': ()",
      "{'descr': '<f4', 'fortran_order': False, 'shape': ()} trailing",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
      "{'descr: <f4, fortran_order: False, shape: ()}",
      "{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
      "{'descr': '<f4' 'fortran_order': False, 'shape': ()}",
  };
  for (const std::string& header : headers) {
    EXPECT_THAT(ErrorOf(Npy(header, "abcd")), HasSubstr("malformed .npy header"));
  }
}

TEST(Npy, MapsAFileWhoseElementsAreNotAligned) {
  const std::string path = TestFolder() + "/x.npy";
  const std::string data("\x01\0\0\0\xff\xff\xff\xff", 8);
  for (const char* spaces : {"", " ", "  ", "   "}) {
    WriteText(path, Npy(spaces + Header("<i4", "(2,)"), data));
    const auto tensor = MapNpy(path);
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_THAT(tensor->values<int32_t>(), ElementsAre(1, -1));
  }
}

TEST(Npy, NamesTheFileThatItCannotReadOrWrite) {
  const std::string folder = TestFolder();
  EXPECT_THAT(MessageOf(ReadNpy(folder + "/none.npy").status()),
              AllOf(HasSubstr("/none.npy"), HasSubstr("No such file")));
  EXPECT_FALSE(WriteNpy(folder + "/none/x.npy", Tensor::Scalar(1, DType::kF32)).ok());
  EXPECT_FALSE(std::filesystem::exists(folder + "/none"));
  EXPECT_THAT(MessageOf(WriteNpy(folder + "/x.npy", *Tensor::Zeros(DType::kBF16, {2}))),
              HasSubstr("x.npy: .npy has no element type bf16"));
  EXPECT_FALSE(WriteNpy(folder + "/x.npy", Tensor()).ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

}  // namespace
}  // namespace weft
