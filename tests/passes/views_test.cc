// Rules for reshapes, Transposes and casts: merge_views, drop_kept_axes, reduction_to_reshape,
// merge_transposes, transpose_to_reshape, cancel_transposes, merge_casts.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class ViewsTest : public testing::Test {
 protected:
  Value Input(DType dtype, Shape shape, const std::string& name = "x") {
    return net_.graph.AddInput(name, {dtype, std::move(shape)}).value();
  }
  Value Ints(std::vector<int64_t> values) {
    return net_.graph.AddConstant("ints", Tensor::FromInts(values)).value();
  }
  Value Reshape(const std::string& name, Value x, std::vector<int64_t> shape) {
    return net_.Add("Reshape", name, {x, Ints(std::move(shape))});
  }
  Value Transpose(const std::string& name, Value x, std::vector<int64_t> perm) {
    return net_.Add("Transpose", name, {x}, {{"perm", std::move(perm)}});
  }
  Value Cast(const std::string& name, Value x, DType to) {
    return net_.Add("Cast", name, {x}, {{"to", to}});
  }
  const Node& Find(std::string_view name) { return *net_.graph.Find(name); }

  Net net_;
  const Dim n_ = Dim::Symbol("N");
};

const std::vector<std::string> kViews = {"merge_views"};

//   x -> squeeze1 -> flatten1 -> unsqueeze1 -> y   =>   x -> unsqueeze1 (Reshape) -> y
TEST_F(ViewsTest, ReshapesOfAllKindsInARowAreOne) {
  Value x = Input(DType::kF64, {n_, 1, 4, 6});
  x = net_.Add("Squeeze", "squeeze1", {x, Ints({1})});
  x = net_.Add("Flatten", "flatten1", {x});
  x = net_.Add("Unsqueeze", "unsqueeze1", {x, Ints({0})});
  net_.Output("y", x);
  ExpectSameResults(net_.graph, TestOptions(kViews));
  EXPECT_EQ(Find("unsqueeze1").input(0).ToString(), "x");
  EXPECT_EQ(Find("unsqueeze1").op_name(), "Reshape");
  EXPECT_EQ(net_.graph.Find("flatten1"), nullptr);
}

TEST_F(ViewsTest, ReshapesBackGoAlsoWhereTheFirstIsReadByOthers) {
  const Value x = Input(DType::kF64, {n_, 4, 6});
  const Value flat = Reshape("flat", x, {0, 24});
  net_.Output("flat", flat);
  net_.Output("y", net_.Relu("relu1", net_.Add("ReshapeLike", "back", {flat, x})));
  ExpectSameResults(net_.graph, TestOptions(kViews));
  EXPECT_EQ(Find("relu1").input(0).ToString(), "x");
}

TEST_F(ViewsTest, ReshapeLikeStaysOneForSeveralSymbols) {
  const Value x = Input(DType::kF64, {n_, 2, 7});
  const Value like = Input(DType::kF64, {2, n_, 7}, "like");
  const Value flat = Reshape("flat", x, {-1});
  net_.Output("y", net_.Add("ReshapeLike", "back", {flat, like}));
  ExpectSameResults(net_.graph, TestOptions(kViews));
  EXPECT_EQ(Find("back").input(0).ToString(), "x");
}

TEST_F(ViewsTest, DeclinesReadReshapesAndShapesThatNoConstantsSay) {
  const Value x = Input(DType::kF64, {n_, 4, 6});
  const Value flat = Reshape("flat", x, {0, 24});
  net_.Output("flat", flat);
  net_.Output("a", Reshape("a", flat, {0, 2, 12}));
  const Value z = Input(DType::kF64, {n_, 1, 6, Dim::Symbol("W")}, "z");
  const Value squeezed = net_.Add("Squeeze", "squeezed", {z, Ints({1})});
  net_.Output("b", net_.Add("Unsqueeze", "b", {squeezed, Ints({0, 1, 2})}));
  const Value none = net_.Add("Flatten", "none", {Input(DType::kF64, {2, 0, 3}, "empty")});
  net_.Output("c", net_.Add("Unsqueeze", "c", {none, Ints({0})}));
  ExpectDeclined(net_.graph, kViews,
                 {"merge_views at a: flat has 2 consumers",
                  "merge_views at b: no constants reshape f64[N,1,6,W] to f64[1,1,1,N,6,W]",
                  "merge_views at c: no constants reshape f64[2,0,3] to f64[1,2,0]"});
}

const std::vector<std::string> kKept = {"drop_kept_axes"};

//   x -> mean (keepdims=1) -> flatten1 -> y   =>   x -> mean (keepdims=0) -> y
TEST_F(ViewsTest, AReductionDropsTheAxesThatItsViewDrops) {
  const Value x = Input(DType::kF64, {n_, 4, 6, 3});
  const auto reduced = [&](const std::string& op, AttributeMap attributes) {
    return net_.Add(op, op, {x}, std::move(attributes));
  };
  const std::vector<int64_t> spatial = {2, 3}, rows = {-2}, channels = {1};
  net_.Output("a", net_.Add("Flatten", "a", {reduced("ReduceMean", {{"axes", spatial}})}));
  net_.Output("b", Reshape("b", reduced("ReduceMax", {{"axes", rows}}), {0, 4, 3}));
  net_.Output("c",
              net_.Add("Squeeze", "c", {reduced("ReduceL2", {{"axes", channels}}), Ints({1})}));
  net_.Output("d", Reshape("d", reduced("ReduceSum", {}), {}));
  ExpectSameResults(net_.graph, TestOptions(kKept));
  for (const char* op : {"ReduceMean", "ReduceMax", "ReduceL2", "ReduceSum"}) {
    EXPECT_EQ(GetInt(Find(op).attributes(), "keepdims"), 0);
  }
  EXPECT_EQ(CountOps(net_.graph, "Flatten") + CountOps(net_.graph, "Reshape") +
                CountOps(net_.graph, "Squeeze"),
            0);
}

//   x [N,4,1,1] -> mean -> y   =>   x -> mean (Reshape) -> y
TEST_F(ViewsTest, AReductionOfOneElementIsAReshape) {
  const Value x = Input(DType::kF64, {n_, 4, 1, 1});
  const std::vector<int64_t> spatial = {2, -1}, row = {2}, channels = {1};
  const auto reduced = [&](const std::string& op, AttributeMap attributes) {
    attributes.emplace("keepdims", 0);
    net_.Output(op, net_.Add(op, op, {x}, std::move(attributes)));
  };
  reduced("ReduceMean", {{"axes", spatial}});
  reduced("ReduceMax", {{"axes", row}});
  reduced("ReduceL1", {{"axes", spatial}});    // the absolute value
  reduced("ReduceSum", {{"axes", channels}});  // of four
  reduced("ReduceMin", {});
  ExpectSameResults(net_.graph, TestOptions({"reduction_to_reshape"}), 0);
  for (const char* op : {"ReduceMean", "ReduceMax"}) EXPECT_EQ(Find(op).op_name(), "Reshape");
  for (const char* op : {"ReduceL1", "ReduceSum", "ReduceMin"}) EXPECT_EQ(Find(op).op_name(), op);
}

TEST_F(ViewsTest, DeclinesOtherShapesAndReductionsThatAreReadToo) {
  const Value x = Input(DType::kF64, {n_, 4, 6, 3});
  const std::vector<int64_t> spatial = {2, 3};
  const auto mean = [&](const std::string& name, int64_t keep) {
    return net_.Add("ReduceMean", name, {x}, {{"axes", spatial}, {"keepdims", keep}});
  };
  net_.Output("a", Reshape("a", mean("mean1", 1), {0, 2, 2}));
  const Value read = mean("mean2", 1);
  net_.Output("mean2", read);
  net_.Output("b", net_.Add("Flatten", "b", {read}));
  net_.Output("c", Reshape("c", mean("mean3", 0), {0, 2, 2}));
  ExpectDeclined(
      net_.graph, kKept,
      {"drop_kept_axes at a: mean1 without the axes that it keeps would be f64[N,4], not "
       "f64[N,2,2]",
       "drop_kept_axes at b: mean2 has 2 consumers"});
}

TEST_F(ViewsTest, TransposesInARowAreOneOrNone) {
  const Value x = Input(DType::kF64, {n_, 2, 3, 4});
  const Value once = Transpose("once", x, {0, 2, 3, 1});
  net_.Output("a", Transpose("twice", once, {3, 1, 2, 0}));
  const Value there = Transpose("there", x, {0, 3, 1, 2});
  net_.Output("there", there);
  net_.Output("b", net_.Relu("relu1", Transpose("back", there, {0, 2, 3, 1})));
  ExpectSameResults(net_.graph, TestOptions({"merge_transposes"}));
  EXPECT_EQ(Find("twice").input(0).ToString(), "x");
  EXPECT_EQ(GetInts(Find("twice").attributes(), "perm"), (std::vector<int64_t>{1, 2, 3, 0}));
  EXPECT_EQ(Find("relu1").input(0).ToString(), "x");
}

TEST_F(ViewsTest, DeclinesATransposeOfOneThatIsReadByOthers) {
  const Value once = Transpose("once", Input(DType::kF64, {2, 3, 4}), {1, 2, 0});
  net_.Output("once", once);
  net_.Output("twice", Transpose("twice", once, {0, 2, 1}));
  ExpectDeclined(net_.graph, {"merge_transposes"},
                 {"merge_transposes at twice: once has 2 consumers"});
}

TEST_F(ViewsTest, ATransposeOfAxesOfOneElementIsAReshape) {
  const Value x = Input(DType::kF64, {n_, 1, 4, 6});
  net_.Output("a", Transpose("a", x, {0, 2, 3, 1}));
  net_.Output("b", Transpose("b", x, {0, 1, 3, 2}));  // moves elements
  const Value z = Input(DType::kF64, {n_, 1, Dim::Symbol("H"), Dim::Symbol("W")}, "z");
  net_.Output("c", Transpose("c", z, {0, 2, 3, 1}));
  const PassReport report = ExpectSameResults(net_.graph, TestOptions({"transpose_to_reshape"}));
  EXPECT_EQ(Find("a").op_name(), "Reshape");
  EXPECT_EQ(Find("b").op_name(), "Transpose");
  EXPECT_THAT(NearMisses(report),
              testing::ElementsAre(
                  "transpose_to_reshape at c: no constants reshape f64[N,1,H,W] to f64[N,H,W,1]"));
}

const std::vector<std::string> kCancel = {"cancel_transposes", "fold_constants"};
const std::vector<int64_t> kToLast = {0, 2, 3, 1};   // NCHW to NHWC
const std::vector<int64_t> kToFirst = {0, 3, 1, 2};  // and back

//   x -> there1 -> shifted (+ bias of channels) -> clip1 \.
//                                         y -> there2 -> add1 -> back   =>   the same without
TEST_F(ViewsTest, ElementwiseOpsBetweenTransposesWorkOnTheAxesAsTheyWere) {
  const Value x = Input(DType::kF64, {n_, 2, 3, 4}), y = Input(DType::kF64, {n_, 2, 3, 4}, "y");
  Value v = Transpose("there1", x, kToLast);
  v = net_.Add("Add", "shifted", {v, net_.Random("bias", {2})});
  v = net_.Add("Clip", "clip1", {v, net_.Random("low", {}, -0.5, 0), Value()});
  v = net_.Add("Mul", "mul1", {v, net_.Random("scale", {3, 1, 2})});
  v = net_.Add("Add", "add1", {v, Transpose("there2", y, kToLast)});
  net_.Output("out", net_.Add("Tanh", "tanh1", {Transpose("back", v, kToFirst)}));
  ExpectSameResults(net_.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
  EXPECT_EQ(Find("shifted").type().shape, (Shape{n_, 2, 3, 4}));
}

TEST_F(ViewsTest, ConcatsBetweenTransposesJoinAlongTheAxisAsItWas) {
  const Value x = Input(DType::kF64, {n_, 2, 3, 4}), y = Input(DType::kF64, {n_, 5, 3, 4}, "y");
  const Value joined = net_.Add("Concat", "concat1",
                                {Transpose("there1", x, kToLast), Transpose("there2", y, kToLast)},
                                {{"axis", int64_t{-1}}});
  net_.Output("out", Transpose("back", net_.Relu("relu1", joined), kToFirst));
  ExpectSameResults(net_.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
  EXPECT_EQ(GetInt(Find("concat1").attributes(), "axis"), 1);
}

TEST_F(ViewsTest, WhatIsReadTwiceBetweenTheTransposesMovesOnce) {
  Value v = Transpose("there", Input(DType::kF64, {n_, 2, 3, 4}), kToLast);
  v = net_.Add("Add", "shifted", {v, net_.Random("bias", {2})});
  v = net_.Add("Mul", "silu", {v, net_.Add("Sigmoid", "gate", {v})});
  net_.Output("out", Transpose("back", v, kToFirst));
  ExpectSameResults(net_.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
  EXPECT_EQ(CountOps(net_.graph, "Add"), 1);
}

// The ExpandLike reads u too, until drop_expand removes it.
TEST_F(ViewsTest, TheTransposesGoOnceTheLastReaderElsewhereHasGone) {
  const Value there = Transpose("there", Input(DType::kF64, {n_, 2, 3, 4}), kToLast);
  const Value u = net_.Add("Add", "u", {there, net_.Random("bias", {2})});
  const Value e = net_.Add("ExpandLike", "e", {net_.Random("c", {2}), u});
  const Value gated = net_.Add("Mul", "gated", {u, net_.Add("Sigmoid", "gate", {u})});
  net_.Output("out", Transpose("back", net_.Add("Add", "sum", {gated, e}), kToFirst));
  ExpectSameResults(net_.graph,
                    TestOptions({"cancel_transposes", "drop_expand", "fold_constants"}));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
}

TEST_F(ViewsTest, ATransposeThatOthersReadStaysForThem) {
  const Value there = Transpose("there", Input(DType::kF64, {n_, 2, 3, 4}), kToLast);
  net_.Output("there", there);
  net_.Output("y", Transpose("back", net_.Relu("relu1", there), kToFirst));
  ExpectSameResults(net_.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 1);
  EXPECT_EQ(Find("relu1").input(0).ToString(), "x");
}

TEST_F(ViewsTest, ChainsMayBeLong) {
  Value v = Transpose("there", Input(DType::kF64, {n_, 2, 3, 4}), kToLast);
  for (int i = 0; i < 100; ++i) v = net_.Add("Tanh", "tanh" + std::to_string(i), {v});
  net_.Output("y", Transpose("back", v, kToFirst));
  ExpectSameResults(net_.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
}

TEST_F(ViewsTest, CastsByAWiderTypeGo) {
  const Value x = Input(DType::kF32, {n_, 3});
  net_.Output("a", net_.Relu("relu1", Cast("back", Cast("wide", x, DType::kF64), DType::kF32)));
  net_.Output("b", Cast("half", Cast("wide2", x, DType::kF64), DType::kF16));
  const Value whole = Input(DType::kU8, {n_, 3}, "whole");
  net_.Output("c", Cast("f32", Cast("i32", whole, DType::kI32), DType::kF32));
  const PassReport report = ExpectSameResults(net_.graph, TestOptions({"merge_casts"}));
  EXPECT_EQ(report.rewrites.size(), 3u);
  EXPECT_EQ(Find("relu1").input(0).ToString(), "x");
  EXPECT_EQ(Find("half").input(0).ToString(), "x");
  EXPECT_EQ(Find("f32").input(0).ToString(), "whole");
}

TEST_F(ViewsTest, CastsThatLoseSomethingStayWithoutARemark) {
  const Value x = Input(DType::kF32, {n_, 3});
  net_.Output("a", Cast("a", Cast("half", x, DType::kF16), DType::kF32));
  net_.Output("b", Cast("b", Cast("cut", x, DType::kI32), DType::kF32));
  const Value whole = Input(DType::kI64, {n_, 3}, "whole");
  net_.Output("c", Cast("c", Cast("rounded", whole, DType::kF64), DType::kI64));
  net_.Output("d", Cast("d", Cast("wrapped", whole, DType::kU64), DType::kF32));
  // From 300 a saturated byte is 255, a wrapped one 44.
  const Value small = Input(DType::kI32, {n_, 3}, "small");
  net_.Output("e", Cast("e", Cast("f64", small, DType::kF64), DType::kU8));
  ExpectDeclined(net_.graph, {"merge_casts"}, {});
}

}  // namespace
}  // namespace weft
