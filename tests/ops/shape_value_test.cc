#include "ops/shape_value.h"

#include <string>

#include "absl/strings/str_join.h"
#include "graph/bind.h"
#include "tests/ops/testing_arguments.h"

namespace weft {
namespace {

// Shape arithmetic of an image x: f32[N,3,H,W].
class ShapeValueTest : public testing::Test {
 protected:
  Value Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {},
           int output = 0) {
    auto node = graph_.AddNode({.op = std::string(op),
                                .name = graph_.UniqueName(std::string(op)),
                                .inputs = std::move(inputs),
                                .attributes = std::move(attributes)});
    EXPECT_EQ(node.status(), absl::OkStatus());
    return node.ok() ? (*node)->output(output) : Value();
  }
  Value List(Ints ints) { return Constant(Tensor::FromInts(ints)); }
  Value Scalar(double number, DType dtype = DType::kI64) {
    return Constant(Tensor::Scalar(number, dtype));
  }
  Value Constant(Tensor tensor) {
    return graph_.AddConstant(graph_.UniqueName("constant"), std::move(tensor)).value();
  }
  Value Extent(int axis) { return Op("Gather", {shape_, Scalar(axis)}); }

  // "N,3,?", or "none".
  static std::string Known(Value v) {
    const std::optional<ShapeValue> value = SymbolicValue(v);
    if (!value) return "none";
    const std::string elements =
        absl::StrJoin(value->elements, ",", [](std::string* text, const std::optional<Dim>& dim) {
          text->append(dim ? dim->ToString() : "?");
        });
    return value->scalar ? "scalar " + elements : elements;
  }

  Graph graph_{StandardOps()};
  Value x_ = graph_.AddInput("x", F32Type({"N", "3", "H", "W"})).value();
  Value shape_ = Op("Shape", {x_});
};

TEST_F(ShapeValueTest, ShapesAndTheirPieces) {
  EXPECT_EQ(Known(shape_), "N,3,H,W");
  EXPECT_EQ(Known(Op("Shape", {x_}, {{"start", 1}, {"end", -1}})), "3,H");
  EXPECT_EQ(Known(Op("Size", {x_})), "scalar 3*H*N*W");
  EXPECT_EQ(Known(Extent(-1)), "scalar W");
  EXPECT_EQ(Known(Op("Gather", {shape_, List({3, 0})})), "W,N");
  EXPECT_EQ(Known(Op("Slice", {shape_, List({-2}), List({9})})), "H,W");
  EXPECT_EQ(Known(Op("Slice", {shape_, List({3}), List({-9}), List({0}), List({-2})})), "W,3");
  EXPECT_EQ(Known(Op("Split", {shape_, List({1, 3})}, {}, 1)), "3,H,W");
  EXPECT_EQ(Known(Op("Unsqueeze", {Extent(2), List({0})})), "H");
  EXPECT_EQ(Known(Op("Concat", {shape_, List({-1})}, {{"axis", 0}})), "N,3,H,W,-1");
  EXPECT_EQ(Known(Op("Reshape", {Extent(0), List({-1})})), "N");
  EXPECT_EQ(Known(Op("ReduceProd", {shape_}, {{"keepdims", 0}})), "scalar 3*H*N*W");
}

TEST_F(ShapeValueTest, Arithmetic) {
  EXPECT_EQ(Known(Op("Mul", {Extent(2), Scalar(2)})), "scalar 2*H");
  EXPECT_EQ(Known(Op("Add", {Extent(2), Scalar(1)})), "scalar (H+1)");
  EXPECT_EQ(Known(Op("Div", {Op("Mul", {Extent(0), Scalar(6)}), Scalar(2)})), "scalar 3*N");
  EXPECT_EQ(Known(Op("Div", {Extent(2), Scalar(2)})), "scalar (floor(H/2))");
  EXPECT_EQ(Known(Op("Mod", {Extent(2), Scalar(2)})), "scalar (H%2)");
  EXPECT_EQ(Known(Op("Sub", {Extent(2), Extent(2)})), "scalar 0");
  EXPECT_EQ(Known(Op("Max", {Extent(2), Scalar(0)})), "scalar H");
  EXPECT_EQ(Known(Op("Mul", {shape_, List({1, 2, 1, 1})})), "N,6,H,W");
  EXPECT_EQ(Known(Op("Abs", {List({-3, 4})})), "3,4");
  EXPECT_EQ(Known(Op("Mod", {List({-2, 6}), List({4, 4})})), "2,2");
  EXPECT_EQ(Known(Op("Mod", {List({-2, 6}), List({4, 4})}, {{"fmod", 1}})), "?,2");
}

// What only a run can know: a difference may be negative, a half may be none.
TEST_F(ShapeValueTest, WhatCannotBeSaidIsNotKnown) {
  EXPECT_EQ(Known(Op("Sub", {shape_, List({1, 1, 1, 0})})), "?,2,?,W");
  EXPECT_EQ(Known(Op("Max", {Extent(2), Scalar(2)})), "scalar ?");
  EXPECT_EQ(Known(Op("Equal", {Extent(2), Extent(3)})), "scalar ?");
  EXPECT_EQ(Known(Op("Equal", {Extent(2), Scalar(7)})), "scalar ?");
  const Value real = Op("Cast", {shape_}, {{"to", DType::kF32}});
  EXPECT_EQ(Known(Op("Div", {real, Scalar(2, DType::kF32)})), "?,?,?,?");
  EXPECT_EQ(Known(Op("Mul", {real, Scalar(2, DType::kF32)})), "2*N,6,2*H,2*W");
  EXPECT_EQ(Known(Op("Mul", {real, Scalar(0.5, DType::kF32)})), "?,?,?,?");
  EXPECT_EQ(Known(Op("Cast", {shape_}, {{"to", DType::kU8}})), "?,?,?,?");
  EXPECT_EQ(Known(x_), "none");
}

// What PyTorch writes for expand(N, -1, -1).
TEST_F(ShapeValueTest, ChoicesThatAreKnown) {
  const Value target =
      Op("Concat", {Op("Reshape", {Extent(0), List({1})}), List({-1, -1})}, {{"axis", 0}});
  const Value is_open = Op("Equal", {target, List({-1, -1, -1})});
  EXPECT_EQ(Known(is_open), "0,1,1");
  const Value ones = Op("ConstantOfShape", {List({3})}, {{"value", Tensor::FromInts(Ints{1})}});
  EXPECT_EQ(Known(Op("Where", {is_open, ones, target})), "N,1,1");
  EXPECT_EQ(Known(Op("Where", {Op("Not", {is_open}), target, ones})), "N,1,1");
  EXPECT_EQ(Known(Op("Less", {target, List({0})})), "0,1,1");
  EXPECT_EQ(Known(Op("GreaterOrEqual", {target, List({0})})), "1,0,0");
}

TEST_F(ShapeValueTest, TypesFollowComputedTargets) {
  const auto type = [](Value v) { return ToString(v.type()); };
  const Value half = Op("Div", {Op("Slice", {shape_, List({2}), List({4})}), List({2})});
  const Value sizes = Op("Concat", {List({1, 3}), half}, {{"axis", 0}});
  const Value image = graph_.AddInput("image", F32Type({"1", "3", "5", "5"})).value();
  EXPECT_EQ(type(Op("Resize", {image, Value(), Value(), sizes})),
            "f32[1,3,(floor(H/2)),(floor(W/2))]");
  EXPECT_EQ(type(Op("ConstantOfShape", {sizes})), "f32[1,3,(floor(H/2)),(floor(W/2))]");
  EXPECT_EQ(type(Op("Expand", {Scalar(1, DType::kF32), shape_})), "f32[N,3,H,W]");
  EXPECT_EQ(type(Op("Tile", {image, shape_})), "f32[N,9,5*H,5*W]");
  EXPECT_EQ(type(Op("Range", {Scalar(0), Extent(3), Scalar(1)})), "i64[W]");
  EXPECT_EQ(type(Op("Range", {Scalar(0), Extent(1), Scalar(2)})), "i64[2]");
  EXPECT_EQ(type(Op("Slice", {x_, List({0}), Op("Unsqueeze", {Extent(2), List({0})}), List({2})})),
            "f32[N,3,H,W]");
  // One extent is not known: the others stay.
  const Value less = Op("Sub", {shape_, List({0, 0, 1, 0})});
  EXPECT_EQ(type(Op("Expand", {Scalar(1, DType::kF32), less})), "f32[N,3,Expand_1.d2,W]");
  const Value flat =
      Op("Concat", {Op("Slice", {shape_, List({0}), List({2})}), List({-1})}, {{"axis", 0}});
  EXPECT_EQ(type(Op("Reshape", {x_, flat})), "f32[N,3,H*W]");
}

TEST_F(ShapeValueTest, BindingTheSymbolsChecksWhatWasTakenToAgree) {
  const Value up =
      Op("Resize",
         {Op("MaxPool", {x_}, {{"kernel_shape", Dims{2, 2}}, {"strides", Dims{2, 2}}}), Value(),
          Constant(Tensor::FromValues<float>({4}, std::array{1.0f, 1.0f, 2.0f, 2.0f}).value())});
  const Value sum = Op("Add", {x_, up});
  EXPECT_EQ(ToString(sum.type()), "f32[N,3,H,W]");
  ASSERT_EQ(graph_.AddOutput("y", sum), absl::OkStatus());
  EXPECT_EQ(Bind(graph_, {{"N", 1}, {"H", 4}, {"W", 6}}).status(), absl::OkStatus());
  EXPECT_THAT(std::string(Bind(graph_, {{"N", 1}, {"H", 4}, {"W", 7}}).status().message()),
              testing::AllOf(testing::HasSubstr("Add (Add): shapes [1,3,4,7] and [1,3,4,6] do not"),
                             testing::HasSubstr("operands x and Resize")));
}

// Every level reads the one before twice.
TEST_F(ShapeValueTest, LooksBackOverABoundedNumberOfNodes) {
  Value v = Extent(2);
  for (int i = 0; i < 2000; ++i) v = Op("Add", {v, v});
  EXPECT_EQ(Known(v), "scalar ?");
}

}  // namespace
}  // namespace weft
