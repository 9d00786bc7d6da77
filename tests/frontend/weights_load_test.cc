#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/safetensors.h"
#include "frontend/weights/weights.h"
#include "graph/op.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const OpRegistry& Leaves() {
  static const OpRegistry* registry = [] {
    auto* r = new OpRegistry;
    EXPECT_TRUE(RegisterLeaves(*r).ok());
    return r;
  }();
  return *registry;
}

Tensor Floats(const Dims& dims, const std::vector<float>& values) {
  return *Tensor::FromValues<float>(dims, values);
}

// fc.weight f32[2,2], fc.bias f64[2], bn.mean f32[2] (a statistic), steps i64[], fc.weight/momentum
// (an optimizer's slot), a training state.
Model SmallModel() {
  Model model{Graph(Leaves())};
  Graph& g = model.graph;
  EXPECT_TRUE(g.AddVariable("fc.weight", Floats({2, 2}, {0, 0, 0, 0})).ok());
  EXPECT_TRUE(g.AddVariable("fc.bias", *Tensor::Zeros(DType::kF64, {2})).ok());
  EXPECT_TRUE(g.AddVariable("bn.mean", Floats({2}, {0, 0}), false, kStatistic).ok());
  EXPECT_TRUE(g.AddVariable("steps", Tensor::Scalar(0, DType::kI64), false, kStatistic).ok());
  EXPECT_TRUE(
      g.AddVariable("fc.weight/momentum", Floats({2, 2}, {9, 9, 9, 9}), false, kOptimizerSlot)
          .ok());
  model.training.emplace().step = 5;
  return model;
}

NamedTensors Fitting() {
  NamedTensors weights;
  weights.source = "w.pth";
  weights.tensors = {{"fc.weight", Floats({2, 2}, {1, 2, 3, 4})},
                     {"fc.bias", *Tensor::FromValues<double>({2}, std::vector<double>{5, 0.1})},
                     {"bn.mean", Floats({2}, {6, 7})},
                     {"steps", Tensor::Scalar(8, DType::kI64)}};
  return weights;
}

std::vector<double> ValuesOf(const Model& model, const std::string& name) {
  const Tensor& tensor = LeafValue(*model.graph.Find(name));
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.size(); ++i) values.push_back(tensor.At(i));
  return values;
}

// Loads, expects a failure, and that it changed nothing.
std::string ErrorOf(const NamedTensors& weights, const LoadWeightsOptions& options = {}) {
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights, options);
  EXPECT_FALSE(report.ok());
  const TensorMap untouched = WeightsOf(SmallModel());
  EXPECT_EQ(WeightsOf(model), untouched);
  EXPECT_TRUE(model.training.has_value());
  return MessageOf(report.status());
}

TEST(WeightsLoad, GivesParametersAndStatisticsTheirValues) {
  Model model = SmallModel();
  const auto report = LoadWeights(model, Fitting());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(ValuesOf(model, "fc.weight"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ValuesOf(model, "fc.bias"), ElementsAre(5, 0.1));
  EXPECT_THAT(ValuesOf(model, "bn.mean"), ElementsAre(6, 7));
  EXPECT_THAT(ValuesOf(model, "steps"), ElementsAre(8));
  EXPECT_THAT(ValuesOf(model, "fc.weight/momentum"), ElementsAre(9, 9, 9, 9));
  EXPECT_THAT(report->loaded, ElementsAre("fc.weight", "fc.bias", "bn.mean", "steps"));
  EXPECT_THAT(report->converted, IsEmpty());
  EXPECT_FALSE(model.training.has_value());
}

TEST(WeightsLoad, ListsEveryMismatchAtOnceAndChangesNothing) {
  NamedTensors weights = Fitting();
  weights.tensors.erase("bn.mean");
  weights.tensors["fc.weight"] = Floats({4}, {1, 2, 3, 4});
  weights.tensors["steps"] = Floats({}, {1});
  weights.tensors["x"] = Floats({}, {1});
  weights.tensors["y"] = Floats({}, {1});
  weights.tensors.erase("fc.bias");
  weights.unsupported["fc.bias"] = "c64[2]";
  EXPECT_EQ(ErrorOf(weights),
            "w.pth: the weights do not fit the model: "
            "shape of fc.weight: expected f32[2,2], the file has f32[4]; "
            "dtype of fc.bias: expected f64[2], the file has c64[2] (unsupported); "
            "dtype of steps: expected i64[], the file has f32[]; "
            "missing in the file: bn.mean; "
            "unexpected in the file: x, y");
}

TEST(WeightsLoad, PartialToleratesNamesButNeverShapes) {
  NamedTensors weights = Fitting();
  weights.tensors.erase("bn.mean");
  weights.tensors["x"] = Floats({}, {1});
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights, {.partial = true});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->missing, ElementsAre("bn.mean"));
  EXPECT_THAT(report->unexpected, ElementsAre("x"));
  EXPECT_THAT(ValuesOf(model, "fc.weight"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(ValuesOf(model, "bn.mean"), ElementsAre(0, 0));
  weights.tensors["fc.weight"] = Floats({1, 2}, {1, 2});
  EXPECT_EQ(ErrorOf(weights, {.partial = true}),
            "w.pth: the weights do not fit the model: shape of fc.weight: expected f32[2,2], the "
            "file has f32[1,2]");
}

TEST(WeightsLoad, PartialKeepsVariablesOfUnsupportedTypes) {
  NamedTensors weights = Fitting();
  weights.tensors.erase("fc.bias");
  weights.unsupported["fc.bias"] = "quantized[2]";
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights, {.partial = true});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->unsupported, ElementsAre(std::pair("fc.bias", "quantized[2]")));
  EXPECT_THAT(report->unexpected, IsEmpty());
  EXPECT_THAT(ValuesOf(model, "fc.bias"), ElementsAre(0, 0));
  EXPECT_THAT(ValuesOf(model, "bn.mean"), ElementsAre(6, 7));
  EXPECT_EQ(ErrorOf(weights),
            "w.pth: the weights do not fit the model: dtype of fc.bias: expected f64[2], the file "
            "has quantized[2] (unsupported)");
}

TEST(WeightsLoad, PartialWithoutAnyNameInBothIsAnError) {
  NamedTensors weights;
  weights.source = "w.pth";
  weights.tensors["x"] = Floats({}, {1});
  EXPECT_EQ(ErrorOf(weights, {.partial = true}),
            "w.pth: the weights do not fit the model: no name is in both; missing in the file: "
            "fc.weight, fc.bias, bn.mean, steps; unexpected in the file: x");
}

TEST(WeightsLoad, PartialWithoutAnySupportedTypeIsAnErrorThatListsThem) {
  NamedTensors weights;
  weights.source = "w.pth";
  for (const auto& [name, tensor] : Fitting().tensors) weights.unsupported[name] = "quantized[2]";
  EXPECT_EQ(ErrorOf(weights, {.partial = true}),
            "w.pth: the weights do not fit the model: unsupported type of bn.mean: quantized[2]; "
            "unsupported type of fc.bias: quantized[2]; unsupported type of fc.weight: "
            "quantized[2]; unsupported type of steps: quantized[2]");
}

TEST(WeightsLoad, ConvertsBetweenFloatingPointTypes) {
  NamedTensors weights = Fitting();
  const auto f16 = RawValues<uint16_t>({0x3c00, 0xc000, 0x0001, 0x7c00});
  weights.tensors["fc.weight"] = *Tensor::FromBytes(DType::kF16, {2, 2}, AsBytes(f16));
  const auto bf16 = RawValues<uint16_t>({0x3f80, 0xc049});
  weights.tensors["fc.bias"] = *Tensor::FromBytes(DType::kBF16, {2}, AsBytes(bf16));
  weights.tensors["bn.mean"] = *Tensor::FromValues<double>({2}, std::vector<double>{0.1, 1e300});
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(ValuesOf(model, "fc.weight"),
              ElementsAre(1, -2, 0x1p-24, std::numeric_limits<double>::infinity()));
  EXPECT_THAT(ValuesOf(model, "fc.bias"), ElementsAre(1, -3.140625));
  EXPECT_THAT(ValuesOf(model, "bn.mean"),
              ElementsAre(0.1f, std::numeric_limits<double>::infinity()));
  EXPECT_THAT(report->converted,
              ElementsAre(std::pair("bf16 to f64", 1), std::pair("f16 to f32", 1),
                          std::pair("f64 to f32", 1)));
}

TEST(WeightsLoad, PassesOverBatchCounters) {
  NamedTensors weights = Fitting();
  weights.tensors["bn.num_batches_tracked"] = Tensor::Scalar(1, DType::kI64);
  weights.tensors["num_batches_tracked"] = Tensor::Scalar(1, DType::kI64);
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->unexpected, IsEmpty());
  weights.tensors["my_num_batches_tracked"] = Tensor::Scalar(1, DType::kI64);
  EXPECT_THAT(ErrorOf(weights), HasSubstr("unexpected in the file: my_num_batches_tracked"));
}

TEST(WeightsLoad, LoadsABatchCounterThatAVariableHas) {
  Model model{Graph(Leaves())};
  ASSERT_TRUE(
      model.graph
          .AddVariable("bn.num_batches_tracked", Tensor::Scalar(0, DType::kI64), false, kStatistic)
          .ok());
  NamedTensors weights;
  weights.tensors["bn.num_batches_tracked"] = Tensor::Scalar(3, DType::kI64);
  ASSERT_TRUE(LoadWeights(model, weights).ok());
  EXPECT_THAT(ValuesOf(model, "bn.num_batches_tracked"), ElementsAre(3));
}

TEST(WeightsLoad, MapsNamesInTheOrderGiven) {
  NamedTensors weights;
  weights.source = "w.pth";
  for (const auto& [name, tensor] : Fitting().tensors) {
    weights.tensors["module." + std::string(name == "bn.mean" ? "norm.mean" : name)] = tensor;
  }
  Model model = SmallModel();
  const auto report = LoadWeights(model, weights, {.map = {{"module.*", "*"}, {"norm.*", "bn.*"}}});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(ValuesOf(model, "bn.mean"), ElementsAre(6, 7));
  EXPECT_EQ(ErrorOf(weights, {.map = {{"norm.*", "bn.*"}, {"module.*", "*"}}}),
            "w.pth: the weights do not fit the model: the pattern norm.*=bn.* matches no name; "
            "missing in the file: bn.mean; unexpected in the file: norm.mean");
  EXPECT_THAT(
      ErrorOf(weights, {.map = {{"x.*", "y.*"}, {"z.*", "y.*"}}}),
      ::testing::AllOf(HasSubstr("x.*=y.* matches no name"), HasSubstr("z.*=y.* matches no name")));
  EXPECT_THAT(
      ErrorOf(weights, {.map = {{"module.*", "*"}, {"norm.*", "fc.*"}, {"fc.mean", "fc.bias"}}}),
      HasSubstr("mapped to fc.bias: both module.fc.bias and module.norm.mean"));
}

TEST(WeightsLoad, SuggestsToDropAPrefixThatIsInTheWay) {
  const auto with_prefix = [](const std::string& prefix) {
    NamedTensors weights;
    weights.source = "w.pth";
    for (const auto& [name, tensor] : Fitting().tensors) weights.tensors[prefix + name] = tensor;
    return weights;
  };
  for (const std::string prefix : {"module.", "_orig_mod.", "module._orig_mod."}) {
    EXPECT_THAT(ErrorOf(with_prefix(prefix)), HasSubstr("model: all names fit with --map '" +
                                                        prefix + "*=*'; no name is in both"));
  }
  NamedTensors more = with_prefix("model.");
  EXPECT_THAT(ErrorOf(more, {.partial = true}), HasSubstr("with --map 'model.*=*';"));
  more.tensors["loss.weight"] = Floats({1}, {1});
  EXPECT_THAT(ErrorOf(more), HasSubstr("all names fit with --map 'model.*=*' --partial;"));
  // Near misses: one name does not fit, or the option could not be written.
  more.tensors.erase("model.bn.mean");
  EXPECT_THAT(ErrorOf(more), ::testing::Not(HasSubstr("--map")));
  EXPECT_THAT(ErrorOf(with_prefix("it's.")), ::testing::Not(HasSubstr("--map")));
  EXPECT_THAT(ErrorOf(with_prefix("module_")), ::testing::Not(HasSubstr("--map")));
}

// What --map would rename, too, or make one of two.
TEST(WeightsLoad, SuggestsNoPrefixThatNamesInBothHave) {
  const auto error = [](const std::vector<std::string>& variables,
                        const std::vector<std::string>& tensors) {
    Model model{Graph(Leaves())};
    for (const std::string& name : variables) {
      EXPECT_TRUE(model.graph.AddVariable(name, Floats({1}, {0})).ok());
    }
    NamedTensors weights;
    for (const std::string& name : tensors) weights.tensors[name] = Floats({1}, {1});
    return MessageOf(LoadWeights(model, weights).status());
  };
  EXPECT_THAT(error({"a", "b"}, {"module.a", "b"}), HasSubstr("fit with --map 'module.*=*';"));
  EXPECT_THAT(error({"a", "module.b"}, {"module.a", "module.b"}),
              ::testing::Not(HasSubstr("--map")));
  EXPECT_THAT(error({"a", "b"}, {"module.a", "b", "module.b"}), ::testing::Not(HasSubstr("--map")));
}

TEST(WeightsLoad, SuggestsToAddAPrefixThatIsMissing) {
  Model model{Graph(Leaves())};
  for (const char* name : {"net.a", "net.b"}) {
    ASSERT_TRUE(model.graph.AddVariable(name, Floats({1}, {0})).ok());
  }
  NamedTensors weights;
  weights.source = "w.pth";
  weights.tensors = {{"a", Floats({1}, {1})}};
  EXPECT_THAT(MessageOf(LoadWeights(model, weights).status()),
              HasSubstr("all names fit with --map '*=net.*' --partial;"));
  weights.tensors["b"] = Floats({1}, {2});
  EXPECT_THAT(MessageOf(LoadWeights(model, weights).status()),
              HasSubstr("all names fit with --map '*=net.*';"));
  EXPECT_TRUE(LoadWeights(model, weights, {.map = {{"*", "net.*"}}}).ok());
  weights.tensors["net.a"] = Floats({1}, {3});  // the pattern would rename it, too
  EXPECT_THAT(MessageOf(LoadWeights(model, weights).status()), ::testing::Not(HasSubstr("--map")));
}

TEST(WeightsLoad, VariablesShareAMappedFile) {
  const std::string path = TestFolder() + "/w.safetensors";
  ASSERT_TRUE(WriteSafetensors(path, Fitting().tensors, {}).ok());
  Model model = SmallModel();
  {
    const auto weights = OpenWeights(path);
    ASSERT_TRUE(weights.ok()) << weights.status();
    ASSERT_TRUE(LoadWeights(model, *weights).ok());
    EXPECT_EQ(LeafValue(*model.graph.Find("fc.weight")).data(),
              weights->tensors.at("fc.weight").data());
  }
  EXPECT_THAT(ValuesOf(model, "fc.weight"), ElementsAre(1, 2, 3, 4));
}

TEST(WeightsLoad, SavedWeightsComeBack) {
  const std::string path = TestFolder() + "/w.safetensors";
  Model model = SmallModel();
  ASSERT_TRUE(LoadWeights(model, Fitting()).ok());
  ASSERT_TRUE(SaveWeights(model, path).ok());
  const auto weights = OpenWeights(path);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->tensors, Fitting().tensors);  // without the optimizer's slot
  EXPECT_EQ(weights->metadata.at("format"), "pt");
  Model again = SmallModel();
  ASSERT_TRUE(LoadWeights(again, *weights).ok());
  EXPECT_EQ(WeightsOf(again), WeightsOf(model));
}

TEST(WeightsLoad, RefusesToSaveNothing) {
  const std::string path = TestFolder() + "/w.safetensors";
  EXPECT_THAT(MessageOf(SaveWeights(Model{Graph(Leaves())}, path)), HasSubstr("no variables"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(WeightsNameMap, ReadsPatterns) {
  const auto pattern = ParseNamePattern("a.*=b.*.c");
  ASSERT_TRUE(pattern.ok()) << pattern.status();
  EXPECT_EQ(pattern->from, "a.*");
  EXPECT_EQ(pattern->to, "b.*.c");
  for (const char* text : {"", "a", "=b", "a=", "a=b=c"}) {
    EXPECT_THAT(MessageOf(ParseNamePattern(text).status()), HasSubstr("expected OLD=NEW")) << text;
  }
  EXPECT_THAT(MessageOf(ParseNamePattern("a*=*b*").status()), HasSubstr("as many * in NEW"));
}

TEST(WeightsNameMap, RenamesWhatMatches) {
  const auto apply = [](const std::string& pattern, const std::string& name) {
    return ApplyPattern(*ParseNamePattern(pattern), name).value_or("(no match)");
  };
  EXPECT_EQ(apply("a.b=c", "a.b"), "c");
  EXPECT_EQ(apply("a.b=c", "a.bb"), "(no match)");
  EXPECT_EQ(apply("module.*=*", "module.fc.weight"), "fc.weight");
  EXPECT_EQ(apply("module.*=*", "fc.weight"), "(no match)");
  EXPECT_EQ(apply("*.weight=*.w", "fc.weight"), "fc.w");
  EXPECT_EQ(apply("*=x.*", ""), "x.");
  EXPECT_EQ(apply("layer*.conv*.weight=l*c*", "layer1.conv2.weight"), "l1c2");
  EXPECT_EQ(apply("layer*.conv*.weight=l*", "layer1.conv2.weight"), "l1");
  EXPECT_EQ(apply("*.*=*/*", "a.b.c"), "a/b.c");
  EXPECT_EQ(apply("a*a=*", "a"), "(no match)");  // the two a are not the same
  EXPECT_EQ(apply("a*a=[*]", "aa"), "[]");
  EXPECT_EQ(apply("a*=b", "abc"), "b");
}

}  // namespace
}  // namespace weft
