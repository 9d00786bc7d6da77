#include "frontend/build/builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/init.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string TypeOf(const Model& model, std::string_view node) {
  const Node* found = model.graph.Find(node);
  return found == nullptr ? "missing" : ToString(found->type());
}

TEST(Builder, InfersSizesFromTheInput) {
  Builder b;
  const Value x = b.Input("x", {"N", 3, 32, 20});
  Value h = b.Conv2d(x, {.channels = 8, .kernel = {5, 3}, .stride = 2, .padding = {2, 1}});
  EXPECT_EQ(ToString(h.type()), "f32[N,8,16,10]");
  h = b.BatchNorm2d(h);
  h = b.MaxPool2d(h, {.kernel = 2});
  EXPECT_EQ(ToString(h.type()), "f32[N,8,8,5]");
  h = b.Conv2d(h, {.channels = 16, .kernel = 3, .groups = 4});
  EXPECT_EQ(ToString(h.type()), "f32[N,16,6,3]");
  h = b.AvgPool2d(h, {.kernel = {2, 3}, .stride = 1});
  EXPECT_EQ(ToString(h.type()), "f32[N,16,5,1]");
  const Value flat = b.Flatten(h);
  EXPECT_EQ(ToString(flat.type()), "f32[N,80]");
  EXPECT_EQ(ToString(b.GlobalAvgPool(h).type()), "f32[N,16]");
  EXPECT_EQ(ToString(b.GlobalAvgPool(h, {.keep_dims = true}).type()), "f32[N,16,1,1]");
  EXPECT_EQ(ToString(b.Reshape(h, {-1, 4, 20}).type()), "f32[N,4,20]");
  EXPECT_EQ(ToString(b.Transpose(h, {0, 2, 3, 1}).type()), "f32[N,5,1,16]");
  EXPECT_EQ(ToString(b.ArgMax(flat).type()), "i64[N]");
  EXPECT_EQ(ToString(b.ReduceSum(h, {.axes = {1}, .keep_dims = false}).type()), "f32[N,5,1]");
  b.Output("y", b.Linear(flat, {.features = 10}));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(TypeOf(*model, "conv1.weight"), "f32[8,3,5,3]");
  EXPECT_EQ(TypeOf(*model, "conv2.weight"), "f32[16,2,3,3]");
  EXPECT_EQ(TypeOf(*model, "bn1.running_var"), "f32[8]");
  EXPECT_EQ(TypeOf(*model, "fc1.weight"), "f32[10,80]");
  EXPECT_EQ(TypeOf(*model, "fc1.bias"), "f32[10]");
  EXPECT_TRUE(model->graph.Verify().ok());
}

TEST(Builder, RefusesSizesThatOverflow) {
  Builder b;
  const Value x = b.Input("x", {"N", 4, 8, 8});
  b.Conv2d(x, {.channels = 8, .kernel = int64_t{1} << 40});
  EXPECT_THAT(std::string(b.Build().status().message()), HasSubstr("conv1"));
}

TEST(Builder, NamesNodesByScopeKindAndNumber) {
  Builder b;
  Value h = b.Input("x", {"N", 4, 8, 8});
  {
    const auto layer = b.Scope("layer1");
    {
      const auto block = b.Scope("0");
      h = b.Conv2d(h, {.channels = 4, .kernel = 1, .bias = false});
      h = b.BatchNorm2d(h);
      h = b.Relu(b.Conv2d(h, {.channels = 4, .kernel = 1, .name = "project"}));
    }
    h = b.Conv2d(h, {.channels = 4, .kernel = 1});
  }
  b.Output("y", b.Relu(h));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<std::string> variables;
  for (const Node* v : model->graph.variables()) variables.push_back(v->name());
  EXPECT_THAT(variables, ::testing::ElementsAre("layer1.0.conv1.weight", "layer1.0.bn1.weight",
                                                "layer1.0.bn1.bias", "layer1.0.bn1.running_mean",
                                                "layer1.0.bn1.running_var",
                                                "layer1.0.project.weight", "layer1.0.project.bias",
                                                "layer1.conv1.weight", "layer1.conv1.bias"));
  for (const char* name : {"layer1.0.conv1", "layer1.0.relu1", "layer1.conv1", "relu1"}) {
    EXPECT_NE(model->graph.Find(name), nullptr) << name;
  }
}

TEST(Builder, MarksParametersAndStatistics) {
  Builder b;
  const Value x = b.Input("x", {"N", 2, 4, 4});
  b.Output("y", b.BatchNorm2d(x, {.epsilon = 1e-3, .momentum = 0.25}));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph& g = model->graph;
  EXPECT_TRUE(IsTrainable(*g.Find("bn1.weight")));
  EXPECT_FALSE(IsTrainable(*g.Find("bn1.running_mean")));
  EXPECT_EQ(VariableRole(*g.Find("bn1.running_var")), kStatistic);
  const AttributeMap& attributes = g.Find("bn1")->attributes();
  EXPECT_EQ(GetFloat(attributes, "momentum"), 0.75);  // ONNX's is the weight of the old value
  EXPECT_EQ(GetFloat(attributes, "epsilon"), 1e-3);
  EXPECT_EQ(GetString(attributes, "running_variance"), "unbiased");
  EXPECT_EQ(GetString(attributes, "mode"), "auto");
  EXPECT_EQ(LeafValue(*g.Find("bn1.running_var")).At(1), 1);
}

TEST(Builder, KeepsTheFirstErrorWithItsCallSite) {
  Builder b;
  const Value x = b.Input("x", {"N", 3, 8, 8});
  const int line = __LINE__ + 1;
  const Value bad = b.Conv2d(x, {.channels = 6, .kernel = 9});
  EXPECT_TRUE(bad.null());
  EXPECT_TRUE(b.Linear(bad, {.features = -1}).null());  // a later mistake, not reported
  b.Output("y", bad);
  const auto model = b.Build();
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(std::string(model.status().message()),
              StartsWith("frontend/builder_test.cc:" + std::to_string(line) + ": conv1 (Conv): "));
}

std::string ErrorOf(void (*build)(Builder&, Value)) {
  Builder b;
  build(b, b.Input("x", {"N", 6, 8, 8}));
  return std::string(b.status().message());
}

TEST(Builder, SaysWhatWasExpectedAndWhatCame) {
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Conv2d(x, {.kernel = 3}); }),
              HasSubstr("conv1 (Conv): expected channels of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Conv2d(x, {.channels = 4}); }),
              HasSubstr("conv1 (Conv): expected a kernel of at least 1, got 0"));
  EXPECT_THAT(
      ErrorOf([](Builder& b, Value x) { b.Conv2d(x, {.channels = 8, .kernel = 1, .groups = 4}); }),
      HasSubstr("expected channels that 4 groups divide, got 6 input and 8 output"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Linear(b.Input("y", {8}), {.features = 2}); }),
              HasSubstr("fc1 (Gemm): expected an input [N,...,features], got f32[8]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Relu(Value()); }), HasSubstr("relu1 (Relu)"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.MaxPool2d(Value(), {.kernel = 2}); }),
              HasSubstr("pool1 (MaxPool): expected an input [N,C,H,W], got none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Add(x, b.Flatten(x)); }), HasSubstr("(Add)"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Relu(x, {.name = "x"}); }),
              HasSubstr("expected a new name, there is x (Input)"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Op("Frobnicate", {x}); }),
              HasSubstr("Frobnicate"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Input("y", {-3}); }),
              HasSubstr("y (Input): expected an extent of at least 0, got -3"));
}

TEST(Builder, RefusesToBuildWithoutOutput) {
  Builder b;
  b.Input("x", {"N", 1});
  EXPECT_THAT(std::string(b.Build().status().message()), HasSubstr("at least one Output"));
}

TEST(Builder, RefusesOtherThanFloatingPointParameters) {
  Builder b({.dtype = DType::kI32});
  EXPECT_THAT(std::string(b.Build().status().message()), HasSubstr("f32 or f64, got i32"));
}

TEST(Builder, GivesEachDropoutItsOwnPersistentStream) {
  auto stream = [](bool extra, const char* name) {
    Builder b;
    Value h = b.Input("x", {"N", 8});
    if (extra) h = b.Dropout(h, {.name = "extra"});
    h = b.Dropout(h, {.name = "a"});
    h = b.Dropout(h, {.name = "b"});
    b.Output("y", h);
    return GetInt(b.Build()->graph.Find(name)->attributes(), "stream");
  };
  EXPECT_NE(stream(false, "a"), stream(false, "b"));
  EXPECT_EQ(stream(false, "b"), stream(true, "b"));
}

// --- Initializers ---

struct Moments {
  double mean = 0, std = 0, least = 0, most = 0;
};

Moments MomentsOf(const Tensor& t) {
  Moments m{0, 0, t.At(0), t.At(0)};
  for (int64_t i = 0; i < t.size(); ++i) {
    m.mean += t.At(i);
    m.std += t.At(i) * t.At(i);
    m.least = std::min(m.least, t.At(i));
    m.most = std::max(m.most, t.At(i));
  }
  const auto n = static_cast<double>(t.size());
  m.mean /= n;
  m.std = std::sqrt(m.std / n - m.mean * m.mean);
  return m;
}

Moments Draw(const Initializer& init, const Dims& dims = {200, 20, 5, 5}) {
  return MomentsOf(*init.Make(DType::kF64, dims, FansOf(dims), 3, "w"));
}

// 100,000 draws: the standard error of a mean is std / 316, of a std about std / 447.
void ExpectMoments(const Moments& m, double mean, double std) {
  EXPECT_NEAR(m.mean, mean, 5 * std / 316);
  EXPECT_NEAR(m.std, std, 5 * std / 316);
}

TEST(Initializer, HasTheMomentsOfItsName) {
  // Fan in 20 * 25 = 500, fan out 200 * 25 = 5000.
  ExpectMoments(Draw(Initializer::Normal(2, 3)), 2, 3);
  ExpectMoments(Draw(Initializer::Uniform(-1, 3)), 1, 4 / std::sqrt(12.0));
  ExpectMoments(Draw(Initializer::XavierUniform()), 0, std::sqrt(2.0 / 5500));
  ExpectMoments(Draw(Initializer::XavierNormal(2)), 0, 2 * std::sqrt(2.0 / 5500));
  ExpectMoments(Draw(Initializer::HeUniform()), 0, std::sqrt(2.0 / 500));
  ExpectMoments(Draw(Initializer::HeNormal()), 0, std::sqrt(2.0 / 500));
  ExpectMoments(Draw(Initializer::PyTorch()), 0, 1 / std::sqrt(3 * 500.0));
}

TEST(Initializer, StaysWithinItsBounds) {
  const Moments m = Draw(Initializer::PyTorch());
  const double bound = 1 / std::sqrt(500.0);
  EXPECT_GE(m.least, -bound);
  EXPECT_LE(m.most, bound);
  EXPECT_LT(m.least, -0.999 * bound);
  EXPECT_GT(m.most, 0.999 * bound);
  const Moments c = Draw(Initializer::Constant(0.5));
  EXPECT_EQ(c.least, 0.5);
  EXPECT_EQ(c.most, 0.5);
}

TEST(Initializer, DependsOnSeedAndNameOnly) {
  const Dims dims = {4, 3};
  auto make = [&](uint64_t seed, std::string_view name) {
    return *Initializer::HeNormal().Make(DType::kF32, dims, FansOf(dims), seed, name);
  };
  EXPECT_EQ(make(1, "conv1.weight"), make(1, "conv1.weight"));
  EXPECT_NE(make(1, "conv1.weight").At(0), make(2, "conv1.weight").At(0));
  EXPECT_NE(make(1, "conv1.weight").At(0), make(1, "conv2.weight").At(0));
}

TEST(Initializer, DoesNotDependOnTheOrderOfLayersNorOnThePrecision) {
  auto weight = [](bool reversed, DType dtype) {
    Builder b({.seed = 7, .dtype = dtype});
    const Value x = b.Input("x", {"N", 6});
    auto layer = [&](const char* name) {
      b.Output(name, b.Linear(x, {.features = 4, .name = name}));
    };
    layer(reversed ? "second" : "first");
    layer(reversed ? "first" : "second");
    return LeafValue(*b.Build()->graph.Find("second.weight"));
  };
  EXPECT_EQ(weight(false, DType::kF32), weight(true, DType::kF32));
  EXPECT_EQ(*weight(false, DType::kF64).Converted(DType::kF32), weight(false, DType::kF32));
}

TEST(Initializer, BiasFollowsTheWeights) {
  auto bias = [](std::optional<Initializer> init) {
    Builder b;
    b.Output("y", b.Linear(b.Input("x", {"N", 100}), {.features = 50, .init = init}));
    return MomentsOf(LeafValue(*b.Build()->graph.Find("fc1.bias")));
  };
  EXPECT_EQ(bias(Initializer::HeNormal()).most, 0);
  EXPECT_EQ(bias(Initializer::HeNormal()).least, 0);
  EXPECT_LE(bias({}).most, 0.1);  // PyTorch's: 1 / sqrt(100)
  EXPECT_GT(bias({}).most, 0.05);
}

}  // namespace
}  // namespace weft
