#include "frontend/analysis/receptive_field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "frontend/analysis/receptive_field_rules.h"
#include "frontend/analysis/summary.h"
#include "frontend/build/builder.h"
#include "frontend/zoo/zoo.h"
#include "ops/ops.h"

namespace weft {
namespace {

using testing::HasSubstr;

// The field of build(b, x)'s result with respect to x, or the error.
template <typename F>
absl::StatusOr<ReceptiveField> FieldOf(const std::vector<Axis>& shape, F build) {
  Builder b;
  const Value x = b.Input("x", shape);
  const Value y = build(b, x);
  b.Output("y", y);
  WEFT_ASSIGN_OR_RETURN(const Model model, b.Build());
  WEFT_ASSIGN_OR_RETURN(const ReceptiveFields fields,
                        ReceptiveFields::Create(model.graph, *model.graph.Find("x")));
  return fields.Of(*model.graph.outputs()[0].value.node);
}

template <typename F>
std::string Shown(F build, const std::vector<Axis>& shape = {"N", 3, 64, 64}) {
  const auto field = FieldOf(shape, build);
  return field.ok() ? ToString(*field) : std::string(field.status().message());
}

// Same size, stride and start on both axes of an image.
void ExpectSquare(const absl::StatusOr<ReceptiveField>& field, double size, double stride,
                  double start) {
  ASSERT_TRUE(field.ok()) << field.status();
  ASSERT_EQ(field->size(), 2u);
  for (const FieldAxis& axis : *field) {
    EXPECT_EQ(axis, (FieldAxis{.size = size, .stride = stride, .start = start}));
  }
}

// The networks of Araujo et al. 2019 (their "effective padding" is minus the start).
TEST(ReceptiveField, OfAlexNet) {
  const auto features = [](Builder& b, Value h) {
    h = b.Relu(b.Conv2d(h, {.channels = 8, .kernel = 11, .stride = 4}));
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2});
    h = b.Relu(b.Conv2d(h, {.channels = 8, .kernel = 5, .padding = "same"}));
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2});
    for (int i = 0; i < 3; ++i) {
      h = b.Relu(b.Conv2d(h, {.channels = 8, .kernel = 3, .padding = 1}));
    }
    return b.MaxPool2d(h, {.kernel = 3, .stride = 2});
  };
  ExpectSquare(FieldOf({"N", 3, 224, 224}, features), 195, 32, -64);
  ExpectSquare(FieldOf({"N", 3, "H", "W"}, features), 195, 32, -64);
}

TEST(ReceptiveField, OfVgg16) {
  const auto features = [](Builder& b, Value h) {
    for (int convolutions : {2, 2, 3, 3, 3}) {
      for (int i = 0; i < convolutions; ++i) {
        h = b.Relu(b.Conv2d(h, {.channels = 4, .kernel = 3, .padding = 1}));
      }
      h = b.MaxPool2d(h, {.kernel = 2});
    }
    return h;
  };
  const auto field = FieldOf({"N", 3, 224, 224}, features);
  ExpectSquare(field, 212, 32, -90);
  EXPECT_EQ((*field)[0].center(), 15.5);
  EXPECT_EQ(ToString(*field), "212x212/32");
  EXPECT_EQ(Shown([&](Builder& b,
                      Value x) { return b.Linear(b.Flatten(features(b, x)), {.features = 10}); },
                  {"N", 3, 224, 224}),
            "all");
}

Value BasicBlock(Builder& b, Value x, int64_t stride) {
  Value h = b.Conv2d(x, {.channels = 4, .kernel = 3, .stride = stride, .padding = 1});
  h = b.Conv2d(b.Relu(b.BatchNorm2d(h)), {.channels = 4, .kernel = 3, .padding = 1});
  const Value skip =
      stride == 1 ? x : b.Conv2d(x, {.channels = 4, .kernel = 1, .stride = stride, .bias = false});
  return b.Relu(b.Add(b.BatchNorm2d(h), skip));
}

TEST(ReceptiveField, OfResNet18IsThatOfItsLongestBranch) {
  const auto features = [](Builder& b, Value h) {
    h = b.Conv2d(h, {.channels = 4, .kernel = 7, .stride = 2, .padding = 3});
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
    for (int64_t stride : {1, 2, 2, 2}) h = BasicBlock(b, BasicBlock(b, h, stride), 1);
    return h;
  };
  ExpectSquare(FieldOf({"N", 3, 224, 224}, features), 435, 32, -217);
}

TEST(ReceptiveField, OfLeNetIsShownInItsSummary) {
  const auto model = BuildNetwork(**FindNetwork("lenet"), {});
  ASSERT_TRUE(model.ok()) << model.status();
  const auto summary = Summarize(model->graph);
  ASSERT_TRUE(summary.ok()) << summary.status();
  std::map<std::string, std::string> shown;
  for (const SummaryRow& row : summary->rows) shown[row.name] = row.field;
  EXPECT_EQ(shown["conv1"], "5x5/1");
  EXPECT_EQ(shown["pool1"], "6x6/2");
  EXPECT_EQ(shown["conv2"], "14x14/2");
  EXPECT_EQ(shown["pool2"], "16x16/4");
  EXPECT_EQ(shown["flatten1"], "16x16");
  EXPECT_EQ(shown["fc1"], "all");
  EXPECT_EQ(shown["fc3"], "all");
  EXPECT_THAT(summary->ToString(), HasSubstr("field"));
  EXPECT_THAT(summary->ToString(), HasSubstr("16x16/4"));
}

TEST(ReceptiveField, OfConcatenatedBranchesIsTheirUnion) {
  const auto inception = [](Builder& b, Value x) {
    std::vector<Value> branches;
    for (int64_t kernel : {1, 3, 5}) {
      branches.push_back(b.Conv2d(x, {.channels = 2, .kernel = kernel, .padding = "same"}));
    }
    branches.push_back(b.Conv2d(x, {.channels = 2, .kernel = {1, 7}, .padding = {0, 6, 0, 0}}));
    return b.Op("Concat", branches, {{"axis", 1}});
  };
  const auto field = FieldOf({"N", 3, 9, 9}, inception);
  ASSERT_TRUE(field.ok()) << field.status();
  EXPECT_EQ((*field)[0], (FieldAxis{.size = 5, .stride = 1, .start = -2}));
  EXPECT_EQ((*field)[1], (FieldAxis{.size = 9, .stride = 1, .start = -6}));
  EXPECT_EQ(ToString(*field), "5x9/1");
}

TEST(ReceptiveField, CountsDilationStridesAndAutoPadOnEachAxis) {
  EXPECT_EQ(
      Shown([](Builder& b, Value x) {
        return b.Conv2d(x, {.channels = 2, .kernel = {3, 5}, .stride = {1, 2}, .dilation = 2});
      }),
      "5x9/1x2");
  EXPECT_EQ(Shown([](Builder& b, Value x) { return b.Conv1d(x, {.channels = 2, .kernel = 4}); },
                  {"N", 3, "L"}),
            "4/1");
  EXPECT_EQ(Shown(
                [](Builder& b, Value x) {
                  return b.Conv3d(x, {.channels = 2, .kernel = {1, 3, 3}, .stride = {1, 2, 2}});
                },
                {"N", 3, 8, 8, 8}),
            "1x3x3/1x2x2");
  const auto pool = [](Builder& b, Value x) {
    return b.Op("MaxPool", {x},
                {{"kernel_shape", std::vector<int64_t>{3, 3}},
                 {"strides", std::vector<int64_t>{2, 2}},
                 {"auto_pad", "SAME_UPPER"}});
  };
  ExpectSquare(FieldOf({"N", 3, 8, 8}, pool), 3, 2, 0);   // one pad, at the end
  ExpectSquare(FieldOf({"N", 3, 9, 9}, pool), 3, 2, -1);  // one on each side
}

TEST(ReceptiveField, OfTransposedConvolutionsAndResizing) {
  const auto up = [](int64_t kernel, int64_t stride, int64_t padding) {
    return [=](Builder& b, Value x) {
      return b.ConvTranspose2d(
          x, {.channels = 2, .kernel = kernel, .stride = stride, .padding = padding});
    };
  };
  EXPECT_EQ(Shown(up(2, 2, 0)), "1x1/0.5");
  EXPECT_EQ(Shown(up(4, 2, 1)), "2x2/0.5");
  EXPECT_EQ(Shown(up(3, 1, 1)), "3x3/1");
  // An encoder and a decoder: the grid of the input again, shifted by nothing.
  const auto field = FieldOf({"N", 3, 64, 64}, [&](Builder& b, Value x) {
    return up(4, 2, 1)(b, b.Conv2d(x, {.channels = 2, .kernel = 4, .stride = 2, .padding = 1}));
  });
  ExpectSquare(field, 7, 1, -3);
  const auto resize = [](std::vector<float> scales, AttributeMap attributes) {
    return [=](Builder& b, Value x) {
      const Dims dims = {static_cast<int64_t>(scales.size())};
      return b.Op("Resize",
                  {x, Value(), b.Constant(Tensor::FromValues<float>(dims, scales).value())},
                  attributes);
    };
  };
  EXPECT_EQ(Shown(resize({1, 1, 2, 2}, {})), "1x1/0.5");
  EXPECT_EQ(Shown(resize({1, 1, 2, 2}, {{"mode", "linear"}})), "2x2/0.5");
  EXPECT_EQ(Shown(resize({1, 1, 0.5, 0.25}, {{"mode", "linear"}})), "2x2/2x4");
  EXPECT_EQ(Shown(resize({1, 1, 2, 1}, {{"mode", "cubic"}})), "4x1/0.5x1");
}

TEST(ReceptiveField, FollowsAxesThroughRearrangements) {
  const auto conv = [](Builder& b, Value x) {
    return b.Conv2d(x, {.channels = 4, .kernel = {3, 5}, .stride = {1, 2}});
  };
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              return b.Transpose(conv(b, x), {0, 2, 3, 1});
            }),
            "3x5/1x2");
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              const Value channels_last = b.Transpose(conv(b, x), {0, 2, 3, 1});
              return b.ReduceSum(channels_last, {.axes = {1}, .keep_dims = false});
            }),
            "allx5/2");
  EXPECT_EQ(Shown([&](Builder& b, Value x) {  // grouped channels
              return b.Reshape(conv(b, x), {-1, 2, 2, 62, 30});
            }),
            "3x5/1x2");
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              return b.ShuffledGroupConv(conv(b, x), {.channels = 4, .groups = 2});
            }),
            "3x5");  // through [N,C,H*W]
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              return b.Op("SpaceToDepth", {conv(b, x)}, {{"blocksize", 2}});
            }),
            "4x7/2x4");
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              return b.Conv2d(
                  x, {.channels = 1, .kernel = 3, .padding = 1, .padding_mode = "reflect"});
            }),
            "3x3/1");
}

TEST(ReceptiveField, OfAGlobalReductionIsTheWholeInput) {
  EXPECT_EQ(Shown([](Builder& b, Value x) { return b.GlobalAvgPool(x); }), "all");
  // Squeeze and excitation (Hu et al. 2018).
  EXPECT_EQ(Shown([](Builder& b, Value x) {
              const Value gate = b.Sigmoid(b.Linear(b.GlobalAvgPool(x), {.features = 3}));
              return b.Mul(x, b.Reshape(gate, {-1, 3, 1, 1}));
            }),
            "all");
}

TEST(ReceptiveField, OfPoolingIntoRegionsAndBack) {
  const auto adaptive = [](int64_t height, int64_t width) {
    return [=](Builder& b, Value x) {
      return b.Op("AdaptiveAveragePool", {x}, {{"output_size", Dims{height, width}}});
    };
  };
  EXPECT_EQ(Shown(adaptive(16, 1)), "4xall/4");
  EXPECT_THAT(Shown(adaptive(16, 6)), HasSubstr("regions of several sizes: 64 to 6"));
  const auto unpooled = FieldOf({1, 3, 8, 8}, [](Builder& b, Value x) {
    const AttributeMap window = {{"kernel_shape", Dims{2, 2}}, {"strides", Dims{2, 2}}};
    const Value y = b.Op("MaxPool", {x}, window);
    return b.Op("MaxUnpool", {y, b.Constant(Tensor::Zeros(DType::kI64, {1, 3, 4, 4}).value())},
                window);
  });
  // An element sees the two of its window, before or behind it: at most three around it.
  ExpectSquare(unpooled, 3, 1, -1);
}

TEST(ReceptiveField, OfShuffledChannelsStaysAndThatOfExcitedOnesIsTheImage) {
  const auto shuffled = [](Builder& b, Value x) {
    return b.ChannelShuffle(b.Conv2d(x, {.channels = 4, .kernel = 3, .padding = 1}), 2);
  };
  EXPECT_EQ(Shown(shuffled), "3x3/1");
  EXPECT_EQ(Shown([&](Builder& b, Value x) {
              const Value w1 = b.Constant(Tensor::Zeros(DType::kF32, {2, 4, 1, 1}).value());
              const Value w2 = b.Constant(Tensor::Zeros(DType::kF32, {4, 2, 1, 1}).value());
              return b.Op("SqueezeExcitation", {shuffled(b, x), w1, Value(), w2});
            }),
            "all");
}

// A 3x3 convolution of the input, plus one of 5x5.
TEST(ReceptiveField, FusedOpsSeeWhatTheirOperandsSeeToo) {
  const auto residual = FieldOf({1, 3, 8, 8}, [](Builder& b, Value x) {
    const Value z = b.Conv2d(x, {.channels = 4, .kernel = 5, .padding = 2});
    const Value w = b.Constant(Tensor::Zeros(DType::kF32, {4, 3, 3, 3}).value());
    const std::vector<PostOp> posts = {{.op = "Add", .input = 3}, {.op = "Relu"}};
    return b.Op("FusedConv", {x, w, Value(), z}, {{"pads", Dims{1, 1, 1, 1}}, {"post_ops", posts}});
  });
  ExpectSquare(residual, 5, 1, -2);
}

TEST(ReceptiveField, HasRulesOnlyForOpsThatExist) {
  for (std::string_view op : OpsWithFieldRule()) {
    EXPECT_NE(StandardOps().Find(op), nullptr) << op;
  }
}

TEST(ReceptiveField, SaysWhatItDoesNotUnderstand) {
  const auto columns = [](Builder& b, Value x) {
    const Value h =
        b.Op("Im2Col", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}, {.name = "columns"});
    return b.Relu(h);
  };
  EXPECT_EQ(Shown(columns), "columns (Im2Col): the op's receptive field is not known");
  EXPECT_THAT(
      Shown([](Builder& b, Value x) {
        const Value strided = b.Conv2d(x, {.channels = 3, .kernel = 2, .stride = 2});
        const Value other = b.Conv2d(x, {.channels = 3, .kernel = 33});
        return b.Add(strided, other, {.name = "sum"});
      }),
      HasSubstr("sum (Add): its receptive field is not known: branches of strides 2 and 1"));
}

TEST(ReceptiveField, NeedsAnImageAndAValueThatDependsOnIt) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4}), z = b.Input("z", {"N", 4});
  b.Output("y", b.Relu(x));
  b.Output("w", b.Relu(z));
  const auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  const Graph& graph = model->graph;
  EXPECT_THAT(std::string(ReceptiveFields::Create(graph, *graph.Find("z")).status().message()),
              HasSubstr("expected an input [N,C,spatial axes...], got f32[N,4]"));
  const auto fields = ReceptiveFields::Create(graph, *graph.Find("x"));
  ASSERT_TRUE(fields.ok());
  EXPECT_TRUE(absl::IsNotFound(fields->Of(*graph.Find("relu2")).status()));
  EXPECT_EQ(ToString(*fields->Of(*graph.Find("relu1"))), "1x1/1");
}

}  // namespace
}  // namespace weft
