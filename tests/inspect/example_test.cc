#include "frontend/inspect/example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/io/image.h"
#include "frontend/io/npy.h"
#include "frontend/io/read_file.h"
#include "tests/frontend/testing_files.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// A gray picture of 40x60 in a file.
std::string SomePictureFile() {
  Picture picture = {.height = 40, .width = 60, .channels = 1, .pixels = {}};
  for (int i = 0; i < 2400; ++i) picture.pixels.push_back(static_cast<uint8_t>(i * i % 251));
  const std::string path = TestFolder() + "/some.png";
  EXPECT_TRUE(WritePng(path, picture).ok());
  return path;
}

TEST(Example, IsTheSameOfAFileAndOfItsBytes) {
  const std::string path = SomePictureFile();
  const std::vector<std::byte> bytes = ReadFile(path).value();
  for (const std::string steps :
       {"", "center_crop((20, 30))", "center_crop((20, 30)), standardize"}) {
    Model model = GoldenModel("digits");
    ASSERT_TRUE(SetTestSteps(steps, model).ok());
    const Example file = ReadExample(model, path, true).value();
    const Example memory = DecodeExample(model, bytes, "bytes", true).value();
    EXPECT_EQ(file.name, path);
    EXPECT_EQ(memory.name, "bytes");
    EXPECT_EQ(memory.x.dims(), (Dims{1, 1, 28, 28}));
    EXPECT_THAT(memory.x.values<float>(), ElementsAreArray(file.x.values<float>())) << steps;
  }
}

// The crop by hand, resized and normalised as without steps.
TEST(Example, GoesThroughTheModelsSteps) {
  const std::string path = SomePictureFile();
  Model model = GoldenModel("digits");
  ASSERT_TRUE(SetTestSteps("center_crop((20, 30))", model).ok());
  const Example cropped = DecodeExample(model, ReadFile(path).value(), "bytes", true).value();
  const Picture whole = LoadPicture(path).value();
  Picture crop = {.height = 20, .width = 30, .channels = 1, .pixels = {}};
  for (size_t i = 0; i < 600; ++i) {
    crop.pixels.push_back(whole.pixels[(10 + i / 30) * 60 + 15 + i % 30]);
  }
  std::vector<float> planes(28 * 28);
  PictureToPlanes(crop, *model.preprocessing, planes);
  Normalize(*model.preprocessing, planes);
  for (size_t i = 0; i < planes.size(); ++i) {
    ASSERT_NEAR(cropped.x.values<float>()[i], planes[i], 0.02) << i;
  }
}

TEST(Example, IsAnArrayWhereItsBytesBeginAsOne) {
  const Model model = GoldenModel("digits");
  const std::string path = TestFolder() + "/x.npy";
  const Tensor x = Tensor::Zeros(DType::kF64, {1, 28, 28}).value();
  ASSERT_TRUE(WriteNpy(path, x).ok());
  const Example example = DecodeExample(model, ReadFile(path).value(), "array", true).value();
  EXPECT_EQ(example.x.dims(), (Dims{1, 1, 28, 28}));
  EXPECT_EQ(example.x.dtype(), DType::kF32);
  EXPECT_TRUE(example.picture.has_value());
}

TEST(Example, IsF32OfAModelInF64Too) {
  Builder b({.dtype = DType::kF64});
  b.Output("y", b.Linear(b.Input("x", {"N", 3}), {.features = 2}));
  const Model model = b.Build().value();
  const std::string path = TestFolder() + "/x.npy";
  ASSERT_TRUE(WriteNpy(path, Tensor::Zeros(DType::kF64, {1, 3}).value()).ok());
  EXPECT_EQ(ReadExample(model, path, true)->x.dtype(), DType::kF32);
}

TEST(Example, SaysWhatBytesAreNot) {
  Model model = GoldenModel("digits");
  const auto error = [&](std::string_view bytes, bool resize) {
    return MessageOf(DecodeExample(model, AsBytes(bytes), "bytes", resize).status());
  };
  EXPECT_THAT(error("text", true), HasSubstr("bytes: expected a PNG, JPEG, BMP, PPM or PGM image"));
  EXPECT_THAT(error("\x93NUMPY!", true), HasSubstr("bytes: "));
  EXPECT_THAT(error("P5 2 1 255\n12", false), HasSubstr("expected 28x28, image is 1x2"));
  model.preprocessing.reset();
  EXPECT_THAT(error("P5 2 1 255\n12", true), HasSubstr("give an .npy file"));
}

// Labels are no second input.
TEST(Example, AnArrayForAModelWithALoss) {
  Builder b;
  const Value y = b.Linear(b.Input("x", {"N", 4}), {.features = 3});
  b.Output("y", y);
  b.Loss("loss", b.CrossEntropy(y, b.Input("labels", {"N"}, {.dtype = DType::kI64})));
  const std::string path = TestFolder() + "/some.npy";
  ASSERT_TRUE(WriteNpy(path, *Tensor::Zeros(DType::kF32, {4})).ok());
  const auto example = ReadExample(b.Build().value(), path, false);
  ASSERT_TRUE(example.ok()) << example.status();
  EXPECT_EQ(example->x.dims(), (Dims{1, 4}));
}

}  // namespace
}  // namespace weft
