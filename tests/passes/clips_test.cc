// merge_clips and clip_to_relu.

#include <limits>

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

constexpr double kNone = -1000;  // no bound

class ClipsTest : public testing::Test {
 protected:
  Value Bound(double value) {
    if (value == kNone) return Value();
    return net_.graph.AddConstant("bound", Tensor::Scalar(value, DType::kF64)).value();
  }
  Value Clip(const std::string& name, Value x, double low, double high) {
    return net_.Add("Clip", name, {x, Bound(low), Bound(high)});
  }
  // Of values in [-4, 4].
  Value Wide() { return net_.Add("Mul", "wide", {net_.Image(2, 4), Bound(4)}); }

  Net net_;
};

TEST_F(ClipsTest, TwoClipsAreOneForAllOrdersOfTheirBounds) {
  const double bounds[] = {kNone, -2, -1, 1, 2.5};
  int i = 0;
  for (double a : bounds) {
    for (double b : bounds) {
      for (double c : bounds) {
        for (double d : bounds) {
          Net net;
          std::swap(net, net_);
          const Value inner = Clip("inner", Wide(), a, b);
          net_.Output("y", net_.Add("Tanh", "tanh1", {Clip("outer", inner, c, d)}));
          SCOPED_TRACE(testing::Message() << a << " " << b << " " << c << " " << d);
          ExpectSameResults(net_.graph, TestOptions({"merge_clips", "fold_constants"}));
          EXPECT_EQ(CountOps(net_.graph, "Clip"), 1);
          EXPECT_EQ(net_.graph.Find("inner"), nullptr);
          i += 1;
          if (HasFailure()) return;
        }
      }
    }
  }
  EXPECT_EQ(i, 625);
}

TEST_F(ClipsTest, ReluCountsAsAClipOnBothSides) {
  const Value relu = net_.Relu("relu1", Wide());
  net_.Output("relu6", Clip("clip1", relu, kNone, 2));
  net_.Output("above", net_.Relu("relu2", Clip("clip2", net_.Image(2, 4, "z"), -0.5, 0.5)));
  ExpectSameResults(net_.graph, TestOptions({"merge_clips", "fold_constants"}));
  EXPECT_EQ(CountOps(net_.graph, "Relu"), 0);
  EXPECT_EQ(CountOps(net_.graph, "Clip"), 2);
  EXPECT_EQ(ConstantValue(net_.graph.Find("clip1")->input(1))->At(0), 0);
}

TEST_F(ClipsTest, OnlyOneSideAtZeroIsARelu) {
  net_.Output("y", Clip("clip1", Wide(), 0, kNone));
  ExpectSameResults(net_.graph, TestOptions({"clip_to_relu"}));
  EXPECT_EQ(net_.graph.Find("clip1")->op_name(), "Relu");
}

TEST_F(ClipsTest, OtherClipsStay) {
  const Value x = Wide();
  net_.Output("a", Clip("clip1", x, 0, 2));
  net_.Output("b", Clip("clip2", x, -1, kNone));
  net_.Output("c", Clip("clip3", x, kNone, 0));
  ExpectDeclined(net_.graph, {"clip_to_relu", "merge_clips"}, {});
}

TEST_F(ClipsTest, DeclinesReadClipsBoundsThatAreNotConstantAndNaN) {
  const Value x = Wide();
  const Value shared = Clip("shared", x, -1, 1);
  net_.Output("shared", shared);
  net_.Output("a", Clip("clip1", shared, 0, 2));
  const Value limit = net_.graph.AddInput("limit", {DType::kF64, {}}).value();
  net_.Output("b", net_.Add("Clip", "clip2", {Clip("inner2", x, -1, 2), limit}));
  const Value inner3 = Clip("inner3", x, std::numeric_limits<double>::quiet_NaN(), 3);
  net_.Output("c", Clip("clip3", inner3, -3, 2));
  ExpectDeclined(
      net_.graph, {"merge_clips"},
      {"merge_clips at clip1: shared has 2 consumers",
       "merge_clips at clip2: limit is not a constant", "merge_clips at clip3: bound_7 is NaN"});
}

}  // namespace
}  // namespace weft
