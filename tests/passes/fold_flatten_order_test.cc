#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"fold_flatten_order", "fold_constants"};
const Dims kToLast = {0, 2, 3, 1};

class FoldFlattenOrderTest : public testing::Test {
 protected:
  Value Turned(const Dims& perm = kToLast, Shape shape = {Dim::Symbol("N"), 2, 3, 4}) {
    const Value x = net_.graph.AddInput("x", {net_.dtype(), std::move(shape)}).value();
    return net_.Add("Transpose", "turned", {x}, {{"perm", perm}});
  }
  Value Flat(Value x, const Dims& shape = {-1, 24}) {
    return net_.Add("Reshape", "flat",
                    {x, net_.graph.AddConstant("shape", Tensor::FromInts(shape)).value()});
  }
  Value MatMul(Value x) { return net_.Add("MatMul", "dense", {x, net_.Random("w", {24, 5})}); }

  Net net_;
};

//   matmul(flatten(transpose(x)), w)  =>  matmul(flatten(x), w')
TEST_F(FoldFlattenOrderTest, TheRowsOfTheWeightsChangePlaces) {
  for (const Dims& perm : {kToLast, Dims{0, 3, 1, 2}, Dims{0, 3, 2, 1}}) {
    std::exchange(net_, Net());
    net_.Output("y", MatMul(Flat(Turned(perm))));
    ExpectSameResults(net_.graph, TestOptions(kPasses), 1e-12, /*first_batch=*/0);
    EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
    EXPECT_EQ(net_.graph.Find("w")->op_name(), "Constant");
    EXPECT_EQ(net_.graph.Find("flat")->input(0).ToString(), "x");
  }
}

TEST_F(FoldFlattenOrderTest, TransposedWeightsChangeTheirColumns) {
  const Value flat = net_.Add("Flatten", "flat", {Turned()});
  net_.Output("y",
              net_.Add("Gemm", "dense", {flat, net_.Random("w", {5, 24}), net_.Random("b", {5})},
                       {{"transB", 1}, {"alpha", 0.5}}));
  ExpectSameResults(net_.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net_.graph, "Transpose"), 0);
  EXPECT_EQ(net_.graph.Find("w")->type().shape, (Shape{5, 24}));
}

TEST_F(FoldFlattenOrderTest, DeclinesWhatOthersReadAndWeightsThatAreNoConstants) {
  const Value turned = Turned(), flat = Flat(turned);
  net_.Output("turned", turned);
  net_.Output("y", MatMul(flat));
  ExpectDeclined(net_.graph, kPasses, {"fold_flatten_order at dense: turned has 2 consumers"});

  std::exchange(net_, Net());
  const Value w = net_.graph.AddVariable("w", net_.RandomTensor({24, 5})).value();
  net_.Output("y", net_.Add("MatMul", "dense", {Flat(Turned()), w}));
  ExpectDeclined(net_.graph, kPasses,
                 {"fold_flatten_order at dense: w is a variable, not a constant"});

  std::exchange(net_, Net());
  const Value columns = Flat(Turned(kToLast, {5, 2, 3, 4}), {5, 24});
  net_.Output("y", net_.Add("Gemm", "dense", {columns, net_.Random("w", {5, 2})}, {{"transA", 1}}));
  ExpectDeclined(net_.graph, kPasses,
                 {"fold_flatten_order at dense: flat is read with its axes swapped"});
}

// Examples that are mixed, rows that are no image's, sizes that only a run knows: no remark.
TEST_F(FoldFlattenOrderTest, OtherReshapesStay) {
  net_.Output("y", MatMul(Flat(Turned({1, 0, 2, 3}, {2, 3, 4, 6}), {6, 24})));
  ExpectDeclined(net_.graph, kPasses, {});

  std::exchange(net_, Net());
  net_.Output("y", MatMul(Flat(Turned(kToLast, {3, 8, 4, 2}), {8, 24})));
  ExpectDeclined(net_.graph, kPasses, {});

  // Of no examples, rows of any length.
  std::exchange(net_, Net());
  const Value none = Flat(Turned(kToLast, {0, 2, 3, 4}), {0, 7});
  net_.Output("y", net_.Add("MatMul", "dense", {none, net_.Random("w", {7, 5})}));
  ExpectDeclined(net_.graph, kPasses, {});

  std::exchange(net_, Net());
  net_.Output("y", MatMul(Flat(Turned(kToLast, {Dim::Symbol("N"), 2, Dim::Symbol("H"), 4}))));
  ExpectDeclined(net_.graph, kPasses, {});
}

}  // namespace
}  // namespace weft
