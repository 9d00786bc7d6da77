#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "frontend/build/builder.h"
#include "ops/reference.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// 1, 2, 3, … in the given dims.
Tensor Counting(const Dims& dims) {
  Tensor x = *Tensor::Zeros(DType::kF32, dims);
  std::iota(x.mutable_values<float>().begin(), x.mutable_values<float>().end(), 1.0f);
  return x;
}

// The elements of what `build` makes of an input of these dims that counts from
// 1, of which the first is the symbol N; and its type.
struct Built {
  std::string type;
  std::vector<double> values;
};

template <typename F>
Built Build(const Dims& dims, F build) {
  Builder b;
  std::vector<Axis> axes(dims.begin(), dims.end());
  axes[0] = "N";
  const Value y = build(b, b.Input("x", axes));
  if (!y.null()) b.Output("y", y);
  auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  Built built{ToString(y.node->type(y.index)), {}};
  const auto results = ReferenceEvaluator().RunGraph(model->graph, {{"x", Counting(dims)}});
  EXPECT_TRUE(results.ok()) << results.status();
  if (!results.ok()) return built;
  const Tensor& tensor = results->at("y");
  for (int64_t i = 0; i < tensor.size(); ++i) built.values.push_back(tensor.At(i));
  return built;
}

TEST(ShapeLayers, JoinAndCutChannels) {
  const Built built = Build({1, 4, 1}, [](Builder& b, Value x) {
    const std::vector<Value> pieces = b.Split(x, {1, 3}, 1);
    EXPECT_EQ(pieces.size(), 2u);
    return b.Concat({pieces[1], pieces[0], x}, 1);
  });
  EXPECT_EQ(built.type, "f32[N,8,1]");
  EXPECT_THAT(built.values, ElementsAre(2, 3, 4, 1, 1, 2, 3, 4));
}

TEST(ShapeLayers, ChunksMayHaveASmallerLast) {
  const Built built =
      Build({1, 5}, [](Builder& b, Value x) { return b.Chunk(x, 3, 1, {.name = "cut"})[2]; });
  EXPECT_EQ(built.type, "f32[N,1]");
  EXPECT_THAT(built.values, ElementsAre(5));
}

TEST(ShapeLayers, SliceAnyAxes) {
  const Built built = Build({1, 2, 5}, [](Builder& b, Value x) {
    return b.Slice(x, {{.axis = 1, .step = -1}, {.axis = 2, .start = 1, .end = -1, .step = 2}});
  });
  EXPECT_EQ(built.type, "f32[N,2,2]");
  EXPECT_THAT(built.values, ElementsAre(7, 9, 2, 4));
}

TEST(ShapeLayers, SqueezeExpandAndTile) {
  const Built built = Build({1, 1, 2}, [](Builder& b, Value x) {
    const Value wide = b.Expand(b.Unsqueeze(b.Squeeze(x, {1}), {-1}), {1, 1, 2});
    return b.Tile(wide, {1, 1, 2});
  });
  EXPECT_EQ(built.type, "f32[N,2,4]");
  EXPECT_THAT(built.values, ElementsAre(1, 1, 1, 1, 2, 2, 2, 2));
}

TEST(ShapeLayers, MoveBlocksBetweenDepthAndSpace) {
  const auto pixels = [](const char* mode) {
    return Build({1, 8, 1, 1}, [mode](Builder& b, Value x) {
      return b.DepthToSpace(x, {.block = 2, .mode = mode});
    });
  };
  EXPECT_EQ(pixels("DCR").type, "f32[N,2,2,2]");
  EXPECT_THAT(pixels("DCR").values, ElementsAre(1, 3, 5, 7, 2, 4, 6, 8));
  EXPECT_THAT(pixels("CRD").values, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  const Built depth =
      Build({1, 1, 2, 4}, [](Builder& b, Value x) { return b.SpaceToDepth(x, {.block = 2}); });
  EXPECT_EQ(depth.type, "f32[N,4,1,2]");
  EXPECT_THAT(depth.values, ElementsAre(1, 3, 2, 4, 5, 7, 6, 8));
}

TEST(ShapeLayers, ShuffleChannels) {
  const Built built =
      Build({1, 6, 1, 2}, [](Builder& b, Value x) { return b.ChannelShuffle(x, 2); });
  EXPECT_EQ(built.type, "f32[N,6,1,2]");
  EXPECT_THAT(built.values, ElementsAre(1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12));
}

TEST(ShapeLayers, PadImages) {
  using Fn = Value (ShapeLayers::*)(Value, const Border&, const NameOption&, Where);
  const auto padded = [](Fn pad) {
    return Build({1, 1, 1, 3},
                 [pad](Builder& b, Value x) {
                   return (b.*pad)(x, {0, 0, 2, 1}, {.name = "pad"}, Where::current());
                 })
        .values;
  };
  EXPECT_THAT(padded(&ShapeLayers::ZeroPad2d), ElementsAre(0, 0, 1, 2, 3, 0));
  EXPECT_THAT(padded(&ShapeLayers::ReplicationPad2d), ElementsAre(1, 1, 1, 2, 3, 3));
  EXPECT_THAT(padded(&ShapeLayers::ReflectionPad2d), ElementsAre(3, 2, 1, 2, 3, 2));
  EXPECT_THAT(padded(&ShapeLayers::SymmetricPad2d), ElementsAre(2, 1, 1, 2, 3, 3));
  EXPECT_THAT(padded(&ShapeLayers::CircularPad2d), ElementsAre(2, 3, 1, 2, 3, 1));
  const Built square =
      Build({1, 1, 1, 1}, [](Builder& b, Value x) { return b.ConstantPad2d(x, 1, 7); });
  EXPECT_EQ(square.type, "f32[N,1,3,3]");
  EXPECT_THAT(square.values, ElementsAre(7, 7, 7, 7, 1, 7, 7, 7, 7));
  const Built rows = Build({2, 2}, [](Builder& b, Value x) {
    return b.Pad(x, {.padding = {{1, -1, 1}}, .value = -1});
  });
  EXPECT_THAT(rows.values, ElementsAre(2, -1, 4, -1));
}

TEST(ShapeLayers, GenerateElements) {
  const Built sums = Build({2, 2}, [](Builder& b, Value x) {
    const Value eye = b.EyeLike(b.Add(x, b.Zeros({2})), {.k = 1});
    return b.Add(b.Trilu(x, {.upper = false}), b.Add(eye, b.Full({1}, 10)));
  });
  EXPECT_THAT(sums.values, ElementsAre(11, 11, 13, 14));
  const Built range =
      Build({2, 3}, [](Builder& b, Value x) { return b.Add(x, b.Range(0, 0.3, 0.125)); });
  EXPECT_THAT(range.values, ElementsAre(1, 2.125, 3.25, 4, 5.125, 6.25));
  EXPECT_THAT(Build({2, 3}, [](Builder& b, Value x) { return b.Shape(x); }).values,
              ElementsAre(2, 3));
  EXPECT_THAT(Build({2, 3}, [](Builder& b, Value x) { return b.Size(x); }).values, ElementsAre(6));
}

TEST(ShapeLayers, ReverseSequences) {
  const Built built = Build({2, 3}, [](Builder& b, Value x) {
    const Value lengths = b.Constant(Tensor::FromInts(std::vector<int64_t>{3, 2}));
    return b.ReverseSequence(x, lengths, {.batch_first = true});
  });
  EXPECT_THAT(built.values, ElementsAre(3, 2, 1, 5, 4, 6));
}

std::string ErrorOf(void (*build)(Builder&, Value)) {
  Builder b;
  build(b, b.Input("x", {"N", 6, 8, 8}));
  return std::string(b.status().message());
}

TEST(ShapeLayers, SayWhatWasExpectedAndWhatCame) {
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.ReflectionPad2d(x, 8); }),
              HasSubstr("pad1 (Pad): expected pads of at most 7 on an axis of "
                        "8 in mode reflect"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.ZeroPad2d(b.Flatten(x), 1); }),
              HasSubstr("expected an input [N,C,H,W], got f32[N,384]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.ChannelShuffle(x, 4); }),
              HasSubstr("channels that group divides, got 6 channels and 4 groups"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.ChannelShuffle(x, 0); }),
              HasSubstr("channels that group divides, got 6 channels and 0 groups"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                b.Concat({x, b.Flatten(x)}, 1);
              }),
              HasSubstr("concat1 (Concat): expected inputs that differ on axis 1 only"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Concat({}, 0); }), HasSubstr("at least one input"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { b.Split(x, {2, 3}, 1); }), HasSubstr("sum to 6"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Chunk(Value(), 2, 1); }),
              HasSubstr("split1 (Split)"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Range(0, 1, 1, DType::kBool); }),
              HasSubstr("range1 (Range): expected f32|f64|i32|i64, got bool"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { b.Pad(Value(), {.value = 1}); }),
              HasSubstr("pad1 (Pad)"));
}

TEST(ShapeLayers, FullIsOfAnyType) {
  Builder b;
  const Value halves = b.Full({2}, 1.5, DType::kBF16);
  EXPECT_EQ(ToString(halves.type()), "bf16[2]");
  EXPECT_EQ(ToString(b.Zeros({3}, DType::kU64).type()), "u64[3]");
}

TEST(ShapeLayers, NameTheCallersLine) {
  Builder b;
  const Value x = b.Input("x", {"N", 6});
  const int line = __LINE__ + 1;
  EXPECT_TRUE(b.Slice(x, {{.axis = 1, .step = 0}}, {.name = "cut"}).null());
  EXPECT_THAT(std::string(b.Build().status().message()),
              StartsWith("frontend/layers_shape_test.cc:" + std::to_string(line) +
                         ": cut (Slice): expected steps other than 0"));
}

}  // namespace
}  // namespace weft
