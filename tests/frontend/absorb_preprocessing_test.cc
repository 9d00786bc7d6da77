#include "frontend/session/absorb_preprocessing.h"

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/io/image.h"
#include "frontend/onnx/export/export.h"
#include "frontend/onnx/import/import.h"
#include "frontend/session/session.h"
#include "gmock/gmock.h"
#include "graph/text.h"
#include "testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// image -> conv -> relu -> mean -> y, for images 6x8
Model Classifier(int64_t padding, std::vector<Axis> image = {"N", 3, 6, 8}, bool loss = false) {
  Builder b;
  const Value x = b.Input("image", std::move(image));
  const Value h = b.Relu(b.Conv2d(x, {.channels = 4, .kernel = 3, .padding = padding}));
  const Value y = b.ReduceMean(h, {.axes = {2, 3}, .keep_dims = false});
  b.Output("y", y);
  if (loss) b.Loss("loss", b.CrossEntropy(y, b.Input("labels", {"N"}, {.dtype = DType::kI64})));
  Model model = *b.Build();
  model.preprocessing = Preprocessing{.channels = 3,
                                      .height = 6,
                                      .width = 8,
                                      .channel_order = "rgb",
                                      .mean = {0.5f, 0.25f, 0.125f},
                                      .std = {0.25f, 0.5f, 2}};
  return model;
}

// An image as ReadImage gives it for `p`.
Tensor ImageFor(const Preprocessing& p) {
  Tensor image = Tensor::Zeros(DType::kF32, {p.channels, p.height, p.width}).value();
  std::span<float> values = image.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 256) / 255;
  Normalize(p, values);
  return image;
}

std::vector<float> Predictions(const Model& model, const SessionOptions& options = {}) {
  auto session = Session::Create(model, options);
  EXPECT_TRUE(session.ok()) << session.status();
  const Tensor y = (*session)->Run(ImageFor(*model.preprocessing)).value();
  return {y.values<float>().begin(), y.values<float>().end()};
}

void ExpectSamePredictions(const Model& a, const Model& b, const SessionOptions& options = {}) {
  const std::vector<float> before = Predictions(a), after = Predictions(b, options);
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_NEAR(after[i], before[i], 1e-4);
}

TEST(AbsorbPreprocessing, NormalisesInTheGraph) {
  const Model before = Classifier(1);
  Model model = Classifier(1);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  EXPECT_EQ(model.graph.Verify(), absl::OkStatus());
  EXPECT_THAT(ToText(model.graph),
              testing::StartsWith("input  image: f32[N,3,6,8]\n"
                                  "const  image/const: f32[3,1,1]{0.5,0.25,0.125}\n"
                                  "image/Sub: f32[N,3,6,8] = Sub(image, image/const)\n"
                                  "const  image/const_1: f32[3,1,1]{0.25,0.5,2}\n"
                                  "image/Div: f32[N,3,6,8] = Div(image/Sub, image/const_1)\n"));
  EXPECT_EQ(model.graph.size(), before.graph.size() + 4);
  Preprocessing none = *before.preprocessing;
  none.mean = {0, 0, 0};
  none.std = {1, 1, 1};
  EXPECT_EQ(model.preprocessing, none);
  ExpectSamePredictions(before, model, {.optimize = false});
  ExpectSamePredictions(before, model);
}

TEST(AbsorbPreprocessing, ASecondTimeChangesNothing) {
  Model model = Classifier(1);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  const std::string once = ToText(model.graph);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  EXPECT_EQ(ToText(model.graph), once);
}

TEST(AbsorbPreprocessing, WithoutPaddingAllOfItGoesIntoTheConvolution) {
  const Model before = Classifier(0);
  Model model = Classifier(0);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  const Graph plain = OptimizedForInference(before.graph).value();
  Graph optimized = OptimizedForInference(model.graph).value();
  EXPECT_EQ(optimized.size(), plain.size());
  Model absorbed(std::move(optimized));
  absorbed.preprocessing = model.preprocessing;
  ExpectSamePredictions(before, absorbed);
}

TEST(AbsorbPreprocessing, OnnxFilesAgree) {
  const Model before = Classifier(0);
  Model model = Classifier(0);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  const std::string path = TestFolder() + "/net.onnx";
  ASSERT_TRUE(ExportOnnx(model, path).ok());
  const auto imported = ImportOnnx(path);
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->preprocessing, model.preprocessing);
  ExpectSamePredictions(before, *imported);
}

TEST(AbsorbPreprocessing, FindsTheImageAmongTheInputsOfATraining) {
  const Model before = Classifier(1, {"N", 3, 6, 8}, /*loss=*/true);
  Model model = Classifier(1, {"N", 3, 6, 8}, /*loss=*/true);
  ASSERT_EQ(AbsorbPreprocessing(model), absl::OkStatus());
  EXPECT_EQ(model.graph.inputs().size(), 2u);
  EXPECT_EQ(model.graph.losses().size(), 1u);
  ExpectSamePredictions(before, model);
}

std::string Refused(Model model) {
  const std::string before = ToText(model.graph);
  const absl::Status status = AbsorbPreprocessing(model);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(ToText(model.graph), before);
  return std::string(status.message());
}

TEST(AbsorbPreprocessing, RefusesWhatHasNoImages) {
  Model silent = Classifier(0);
  silent.preprocessing.reset();
  EXPECT_EQ(Refused(std::move(silent)), "expected a model that says how images become its input");
  Model broken = Classifier(0);
  broken.preprocessing->std[1] = 0;
  EXPECT_THAT(Refused(std::move(broken)), HasSubstr("a std above 0, channel 1 has 0.25 and 0"));
  EXPECT_EQ(Refused(Classifier(0, {"N", 3, 8, 8})),
            "expected one input that takes images [3,6,8], there are 0 among image: f32[N,3,8,8]");
  Builder b;
  b.Output("y", b.Relu(b.Input("a", {3, 6, 8})));
  b.Output("z", b.Relu(b.Input("b", {3, "H", "W"})));
  Model two = *b.Build();
  two.preprocessing = Classifier(0).preprocessing;
  EXPECT_EQ(Refused(std::move(two)),
            "expected one input that takes images [3,6,8], there are 2 among a: f32[3,6,8], "
            "b: f32[3,H,W]");
}

}  // namespace
}  // namespace weft
