// ONNX's own test suite, as Debian's libonnx-testdata has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "frontend/onnx/conform/conform.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

const std::string kData = WEFT_ONNX_TEST_DATA;

std::vector<ConformResult> RunAll(const std::string& part) {
  std::vector<ConformResult> results;
  const std::vector<std::string> folders = FindConformCases(kData + "/" + part).value();
  for (const std::string& folder : folders) {
    results.push_back(RunConformCase(folder, {.threads = 1}));
  }
  return results;
}

constexpr const char* kRoundedSize =
    "the last of 2.4 or 3.2 elements lies in the corner; in PyTorch, ONNX Runtime and TensorRT, "
    "and here, the last of the 2 or 3 that there are";

// Cases whose values contradict their own model, or all runtimes.
const std::map<std::string, std::string> kWrongData = {
    {"test_resize_downsample_scales_cubic_align_corners", kRoundedSize},
    {"test_resize_downsample_scales_linear_align_corners", kRoundedSize},
    {"test_adam_multiple",
     "the node has no epsilon, which ONNX then takes for 1e-6, but the data was made with 1e-2"}};

constexpr const char* kWraps = "wraps around where ONNX says saturate";

// Cases of ONNX 1.17 whose values we do not follow.
constexpr size_t kCasesOf117 = 1288;
const std::map<std::string, std::string> kOtherValues117 = {
    {"test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
     "counts what ceil_mode adds beyond the padding, which PyTorch does not"},
    {"test_dft_inverse", "expects its own rounding, 2e-7 where the inverse is 0"},
    {"test_dft_inverse_opset19", "expects its own rounding, 2e-7 where the inverse is 0"},
    {"test_qlinearmatmul_2D_int8_float16", kWraps},
    {"test_qlinearmatmul_2D_int8_float32", kWraps},
    {"test_qlinearmatmul_3D_int8_float16", kWraps},
    {"test_qlinearmatmul_3D_int8_float32", kWraps}};

// What the text of an unsupported case says: element types and kinds of values that we lack, and
// ops without a counterpart.
const std::vector<std::string> kReasons = {
    // Element types.
    "data type ", "STRING is not",
    // Sequences and optional values.
    "is no tensor", "which no output can be", "(Sequence", "ToSequence", "FromSequence",
    "(Optional",
    // Control flow.
    "(If,", "(Loop,", "(Scan,",
    // What came after opset 17.
    "block_size", "rounds parts of elements up", "its attribute mode", "(AffineGrid,",
    "(ImageDecoder,", "(RegexFullMatch,", "(String",
    // Others.
    "(TfIdfVectorizer,", ", ai.onnx.ml "};

// By the number of cases, those of ONNX 1.12 and of 1.17: how many pass or draw random numbers.
const std::map<size_t, int> kPassing = {{932, 885}, {kCasesOf117, 1127}};

TEST(OnnxConform, EveryCaseThatPyTorchExportedPasses) {
  for (const char* part : {"pytorch-converted", "pytorch-operator"}) {
    const std::vector<ConformResult> results = RunAll(part);
    EXPECT_GE(results.size(), 35u);
    for (const ConformResult& r : results) {
      EXPECT_EQ(r.outcome, ConformOutcome::kPass) << r.name << ": " << r.detail;
    }
  }
}

TEST(OnnxConform, NodeCasesPassOrSayWhatIsNotSupported) {
  const std::vector<ConformResult> results = RunAll("node");
  ASSERT_TRUE(kPassing.contains(results.size())) << results.size();
  int passed = 0;
  for (const ConformResult& r : results) {
    if (kWrongData.contains(r.name) ||
        (results.size() == kCasesOf117 && kOtherValues117.contains(r.name))) {
      EXPECT_EQ(r.outcome, ConformOutcome::kFail) << r.name << " passes; take it off the list";
      continue;
    }
    EXPECT_NE(r.outcome, ConformOutcome::kFail) << r.name << ": " << r.detail;
    if (r.outcome != ConformOutcome::kUnsupported) {
      ++passed;
      continue;
    }
    EXPECT_TRUE(std::any_of(
        kReasons.begin(), kReasons.end(),
        [&](const std::string& reason) { return r.detail.find(reason) != std::string::npos; }))
        << r.name << ": " << r.detail;
  }
  EXPECT_GE(passed, kPassing.at(results.size()));
}

TEST(OnnxConform, FamiliesPassWithoutException) {
  // The families of the network layers; only element types that we lack, and what ONNX 1.17 added
  // to Resize, excuse a case.
  const std::vector<std::string> families = {"test_conv_",
                                             "test_basic_conv",
                                             "test_convtranspose",
                                             "test_maxpool",
                                             "test_averagepool",
                                             "test_global",
                                             "test_batchnorm",
                                             "test_instancenorm",
                                             "test_lrn",
                                             "test_layer_normalization",
                                             "test_softmax",
                                             "test_logsoftmax",
                                             "test_gemm",
                                             "test_matmul",
                                             "test_reduce",
                                             "test_sce",
                                             "test_nllloss",
                                             "test_lstm",
                                             "test_gru",
                                             "test_rnn",
                                             "test_simple_rnn",
                                             "test_einsum",
                                             "test_resize",
                                             "test_adagrad",
                                             "test_adam",
                                             "test_momentum",
                                             "test_nesterov",
                                             "test_relu",
                                             "test_leakyrelu",
                                             "test_elu",
                                             "test_selu",
                                             "test_celu",
                                             "test_sigmoid",
                                             "test_tanh",
                                             "test_hardsigmoid",
                                             "test_hardswish",
                                             "test_softplus",
                                             "test_softsign",
                                             "test_thresholdedrelu",
                                             "test_prelu",
                                             "test_shrink",
                                             "test_hardmax",
                                             "test_erf",
                                             "test_clip"};
  std::map<std::string, int> seen;
  for (const ConformResult& r : RunAll("node")) {
    for (const std::string& family : families) {
      if (!r.name.starts_with(family)) continue;
      ++seen[family];
      const bool is_newer = r.detail.find("rounds parts of elements up") != std::string::npos;
      const bool excused = kWrongData.contains(r.name) || kOtherValues117.contains(r.name) ||
                           is_newer || r.name.find("int8") != std::string::npos;
      if (!excused || r.name.find("uint8") != std::string::npos) {
        EXPECT_EQ(r.outcome, ConformOutcome::kPass) << r.name << ": " << r.detail;
      }
    }
  }
  EXPECT_EQ(seen.size(), families.size());
}

TEST(OnnxConform, SimpleModelsPassButForStringsAndSequencesThatAreOutputs) {
  std::set<std::string> passed;
  for (const ConformResult& r : RunAll("simple")) {
    EXPECT_NE(r.outcome, ConformOutcome::kFail) << r.name << ": " << r.detail;
    if (r.outcome == ConformOutcome::kPass) passed.insert(r.name);
  }
  EXPECT_EQ(passed,
            (std::set<std::string>{
                "test_expand_shape_model1", "test_expand_shape_model2", "test_expand_shape_model3",
                "test_expand_shape_model4", "test_gradient_of_add", "test_gradient_of_add_and_mul",
                "test_sequence_model1", "test_sequence_model2", "test_sequence_model3",
                "test_sequence_model4", "test_sequence_model5", "test_sequence_model6",
                "test_sequence_model7", "test_sequence_model8", "test_shrink", "test_sign_model",
                "test_single_relu_model"}));
}

std::vector<NamedTensor> Expected(const std::vector<float>& values) {
  return {{"y", Tensor::FromValues<float>({static_cast<int64_t>(values.size())}, values).value()}};
}

TEST(OnnxConform, ToleranceIsThatOfOnnxsRunner) {
  const auto outcome = [](float expected, float got) {
    return CompareOutputs(Expected({expected}), {{"y", Expected({got})[0].tensor}}, {}).outcome;
  };
  EXPECT_EQ(outcome(1, 1.0009f), ConformOutcome::kPass);
  EXPECT_EQ(outcome(1, 1.0011f), ConformOutcome::kFail);
  EXPECT_EQ(outcome(0, 0.9e-7f), ConformOutcome::kPass);
  EXPECT_EQ(outcome(0, 1.2e-7f), ConformOutcome::kFail);
  EXPECT_EQ(outcome(NAN, NAN), ConformOutcome::kPass);
  EXPECT_EQ(outcome(1, NAN), ConformOutcome::kFail);
  EXPECT_EQ(outcome(INFINITY, INFINITY), ConformOutcome::kPass);
  EXPECT_EQ(outcome(INFINITY, -INFINITY), ConformOutcome::kFail);
}

TEST(OnnxConform, ToleranceOfHalvesIsOneUnitAtLeast) {
  const auto outcome = [](DType dtype, float expected, float got) {
    const auto half = [&](float x) { return Tensor::Scalar(x, dtype); };
    return CompareOutputs({{"y", half(expected)}}, {{"y", half(got)}}).outcome;
  };
  EXPECT_EQ(outcome(DType::kF16, 1, 1 + 0x1p-10f), ConformOutcome::kPass);
  EXPECT_EQ(outcome(DType::kF16, 1, 1 + 0x1p-9f), ConformOutcome::kFail);
  EXPECT_EQ(outcome(DType::kBF16, 1, 1 + 0x1p-7f), ConformOutcome::kPass);
  EXPECT_EQ(outcome(DType::kBF16, 1, 1 + 0x1p-6f), ConformOutcome::kFail);
  EXPECT_EQ(outcome(DType::kF16, INFINITY, 65504), ConformOutcome::kFail);
}

TEST(OnnxConform, LargeIntegersMustBeEqualToo) {
  const auto outcome = [](int64_t expected, int64_t got) {
    const auto tensor = [](int64_t x) { return Tensor::FromInts(std::vector{x}); };
    return CompareOutputs({{"y", tensor(expected)}}, {{"y", tensor(got)}}, {}).outcome;
  };
  constexpr int64_t kLarge = int64_t{1} << 53;
  EXPECT_EQ(outcome(kLarge + 1, kLarge + 1), ConformOutcome::kPass);
  EXPECT_EQ(outcome(kLarge, kLarge + 1), ConformOutcome::kFail);  // equal as doubles
}

TEST(OnnxConform, DifferencesNameTheOutputAndTheLargestError) {
  const Comparison values =
      CompareOutputs(Expected({1, 2, 3}), {{"y", Expected({1, 2.5f, 5})[0].tensor}}, {});
  EXPECT_EQ(values.outcome, ConformOutcome::kFail);
  EXPECT_EQ(values.detail,
            "output y: 2 of 3 elements differ, most by 2 at element 2: expected 3, got 5");
  const Comparison shape =
      CompareOutputs(Expected({1, 2, 3}), {{"y", Expected({1, 2})[0].tensor}}, {});
  EXPECT_THAT(shape.detail, HasSubstr("expected f32[3], got f32[2]"));
  EXPECT_THAT(CompareOutputs(Expected({1}), {}, {}).detail, HasSubstr("expected 1 outputs"));
}

TEST(OnnxConform, RandomResultsAreComparedByMeanAndDeviation) {
  std::vector<float> a(1000), b(1000), shifted(1000);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(i % 10);
    b[i] = static_cast<float>((i * 7 + 3) % 10);
    shifted[i] = b[i] + 1;
  }
  EXPECT_EQ(CompareOutputs(Expected(a), {{"y", Expected(b)[0].tensor}}, {"y"}).outcome,
            ConformOutcome::kRandom);
  EXPECT_EQ(CompareOutputs(Expected(a), {{"y", Expected(shifted)[0].tensor}}, {"y"}).outcome,
            ConformOutcome::kFail);
}

// Models that users sent and hostile ones, not all with values or within what we support.
class SharedDataCases : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kFolder)) GTEST_SKIP() << "there are no cases at " << kFolder;
  }
  static constexpr const char* kFolder = WEFT_SOURCE_DIR "/../shared/cases";
};

TEST_F(SharedDataCases, WhatPassesUnoptimizedPassesOptimized) {
  int passed = 0;
  const std::vector<std::string> folders = FindConformCases(kFolder).value();
  for (const std::string& folder : folders) {
    const ConformResult r = RunConformCase(folder, {.threads = 1});
    passed += r.outcome == ConformOutcome::kPass ? 1 : 0;
    // A case runs optimized once it has passed as it is.
    const bool optimized =
        r.detail.starts_with("optimized: ") || r.detail.find(", optimized: ") != std::string::npos;
    EXPECT_FALSE(optimized) << r.name << ": " << r.detail;
  }
  EXPECT_GE(passed, 250);
}

TEST(OnnxConform, FoldersWithoutCasesAreErrors) {
  EXPECT_THAT(std::string(FindConformCases("/nowhere").status().message()), HasSubstr("/nowhere"));
  EXPECT_THAT(
      std::string(FindConformCases(kData + "/node/test_abs/test_data_set_0").status().message()),
      HasSubstr("no model.onnx"));
}

}  // namespace
}  // namespace weft
