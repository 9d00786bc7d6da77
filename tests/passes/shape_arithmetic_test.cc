// Rewrites within the arithmetic of shapes, and of values whose extents are taken to agree.

#include "graph/bind.h"
#include "passes/shape_readers.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::HasSubstr;

// x: f64[N,4,H,W], and an image whose sizes are computed from x's by `sizes`.
struct ResizedNet {
  explicit ResizedNet(Value (*sizes)(Net& net, Value shape)) {
    const Value x = *net.graph.AddInput(
        "x", {DType::kF64, {Dim::Symbol("N"), 4, Dim::Symbol("H"), Dim::Symbol("W")}});
    const Value shape = net.Add("Shape", "shape", {x});
    const Value up = net.Add("Resize", "up", {x, Value(), Value(), sizes(net, shape)});
    net.Output("y", up.type().dim(1).is_static() ? net.Conv("conv", up, 2) : net.Relu("relu", up));
  }
  Net net;
};

Value Floats(Net& net, const std::string& name, std::vector<float> values) {
  const auto size = static_cast<int64_t>(values.size());
  return net.graph.AddConstant(name, *Tensor::FromValues<float>({size}, values)).value();
}

Value AsFloats(Net& net, Value v) { return net.Add("Cast", "floats", {v}, {{"to", DType::kF32}}); }
Value AsInts(Net& net, Value v) { return net.Add("Cast", "ints", {v}, {{"to", DType::kI64}}); }

// What the whole pipeline leaves is well-typed, also when it is saved and bound.
void ExpectWellTyped(Net& net) {
  PassOptions options = TestOptions();
  options.verify_each = true;
  ASSERT_EQ(Optimize(net.graph, options).status(), absl::OkStatus());
  EXPECT_EQ(net.graph.Verify(), absl::OkStatus());
  EXPECT_EQ(Bind(net.graph, {{"N", 1}, {"H", 3}, {"W", 5}}).status(), absl::OkStatus());
}

TEST(ShapeArithmeticTest, ChainsOfItAreNotFusedWhereATypeFollowsFromThem) {
  ResizedNet made([](Net& net, Value shape) {
    const Value twice = Floats(net, "twice", {1, 1, 2, 2});
    const Value scaled = net.Add("Mul", "scaled", {AsFloats(net, shape), twice});
    return AsInts(net, net.Add("Floor", "floor", {scaled}));
  });
  EXPECT_EQ(ToString(made.net.graph.Find("up")->type()), "f64[N,4,2*H,2*W]");
  ExpectWellTyped(made.net);
  EXPECT_EQ(ToString(made.net.graph.outputs()[0].value.type()), "f64[N,2,2*H,2*W]");
}

TEST(ShapeArithmeticTest, QuotientsStayWhereATypeFollowsFromThem) {
  ResizedNet made([](Net& net, Value shape) {
    const Value by = Floats(net, "by", {1, 2, 1, 1});
    const Value half = net.Add("Div", "half", {AsFloats(net, shape), by});
    const Value twice = Floats(net, "twice", {1, 2, 1, 1});
    return AsInts(net, net.Add("Mul", "whole", {half, twice}));
  });
  ExpectWellTyped(made.net);
}

TEST(ShapeArithmeticTest, WhatWouldBecomeKnownIsLeftWhereATypeWouldChange) {
  ResizedNet made([](Net& net, Value shape) {
    const Value one = net.graph.AddConstant("one", Tensor::Scalar(1, DType::kF32)).value();
    return AsInts(net, net.Add("Pow", "same", {AsFloats(net, shape), one}));
  });
  EXPECT_THAT(ToString(made.net.graph.Find("up")->type()), HasSubstr("up.d2"));
  ExpectWellTyped(made.net);
}

// Two images of extents that are taken to agree.
struct TwoNet {
  TwoNet() {
    x = *net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("A")}});
    y = *net.graph.AddInput("y", {DType::kF64, {Dim::Symbol("B")}});
  }
  Net net;
  Value x, y;
};

TEST(AgreedDimsTest, ChainsAreFused) {
  TwoNet two;
  two.net.Output("z", two.net.Relu("relu", two.net.Add("Add", "sum", {two.x, two.y})));
  ExpectWellTyped(two.net);
  EXPECT_EQ(CountOps(two.net.graph, "Relu"), 0);
}

TEST(AgreedDimsTest, BindingOthersIsAnErrorThatNamesBoth) {
  TwoNet two;
  two.net.Output("z", two.net.Add("Add", "sum", {two.x, two.y}));
  EXPECT_EQ(Bind(two.net.graph, {{"A", 5}, {"B", 5}}).status(), absl::OkStatus());
  EXPECT_EQ(std::string(Bind(two.net.graph, {{"A", 1}, {"B", 5}}).status().message()),
            "sum (Add), axis 0: expected A = 1, got 5; operands x and y");
  EXPECT_THAT(std::string(Bind(two.net.graph, {{"A", 3}, {"B", 5}}).status().message()),
              HasSubstr("operands x and y"));
}

// Where formulas were taken to agree, one extent of 1 is no broadcast either.
TEST(AgreedDimsTest, FormulasHaveOneValue) {
  Net net;
  const Value x = *net.graph.AddInput("x", {DType::kF64, {1, 1, Dim::Symbol("H"), 4}});
  const auto pooled = [&](const std::string& name, std::vector<int64_t> pads) {
    return net.Add("MaxPool", name, {x},
                   {{"kernel_shape", std::vector<int64_t>{3, 3}},
                    {"strides", std::vector<int64_t>{3, 3}},
                    {"pads", std::move(pads)}});
  };
  const Value a = pooled("a", {0, 0, 0, 0}), b = pooled("b", {1, 0, 2, 0});
  net.Output("y", net.Relu("relu", net.Add("Add", "sum", {a, b})));
  EXPECT_THAT(std::string(Bind(net.graph, {{"H", 3}}).status().message()),
              HasSubstr("sum (Add), axis 2: expected"));
}

}  // namespace
}  // namespace weft
