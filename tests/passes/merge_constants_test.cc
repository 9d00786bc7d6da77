// Algebra on constants: merge_factors, merge_terms, negate_terms, negate_factors, negate_products,
// invert_constants.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class MergeConstantsTest : public testing::Test {
 protected:
  Value Number(const std::string& name, double value, DType dtype = DType::kF64) {
    return net_.graph.AddConstant(name, Tensor::Scalar(value, dtype)).value();
  }
  // x `first` a `second` b, channel by channel.
  Net Chain(const std::string& first, const std::string& second) {
    Net net;
    const Value inner =
        net.Add(first, "inner", {net.Image(3, 2), net.Random("a", {3, 1, 1}, 0.5, 2)});
    net.Output("y", net.Add(second, "outer", {inner, net.Random("b", {3, 1, 1}, 0.5, 2)}));
    return net;
  }
  const Node& Find(std::string_view name) { return *net_.graph.Find(name); }

  Net net_;
};

const std::vector<std::string> kMerge = {"merge_factors", "merge_terms", "fold_constants"};

TEST_F(MergeConstantsTest, EveryPairOfOperationsBecomesOne) {
  const std::vector<std::vector<std::string>> kChains = {
      {"Add", "Add", "Add"}, {"Add", "Sub", "Add"}, {"Sub", "Add", "Add"}, {"Sub", "Sub", "Sub"},
      {"Mul", "Mul", "Mul"}, {"Mul", "Div", "Mul"}, {"Div", "Mul", "Mul"}, {"Div", "Div", "Div"}};
  for (const auto& chain : kChains) {
    SCOPED_TRACE(chain[0] + " " + chain[1]);
    Net net = Chain(chain[0], chain[1]);
    ExpectSameResults(net.graph, TestOptions(kMerge));
    EXPECT_EQ(net.graph.Find("outer")->op_name(), chain[2]);
    EXPECT_EQ(net.graph.size(), 3);
  }
}

TEST_F(MergeConstantsTest, SumsAndProductsDoNotMix) {
  Net net = Chain("Add", "Mul");
  ExpectDeclined(net.graph, kMerge, {});
}

TEST_F(MergeConstantsTest, IntegersWrapAroundAsBefore) {
  const Value hundred = Number("hundred", 100);
  const Value x = net_.Add("Cast", "x32", {net_.Add("Mul", "scaled", {net_.Image(2, 3), hundred})},
                           {{"to", DType::kI32}});
  const Value far = Number("far", 2147483647, DType::kI32);
  const Value sum = net_.Add("Add", "sum2", {net_.Add("Add", "sum1", {x, far}), far});
  net_.Output("y", net_.Add("Mul", "mul2", {net_.Add("Mul", "mul1", {sum, far}), far}));
  const PassReport report = ExpectSameResults(net_.graph, TestOptions(kMerge), 0);
  EXPECT_EQ(report.rewrites.size(), 4u);
}

TEST_F(MergeConstantsTest, DeclinesWhatCouldCancelOverflowOrBeCut) {
  const Value x = net_.Image(2, 3);
  const Value far = net_.Add("Add", "far", {x, Number("million", 1e6)});
  net_.Output("a", net_.Add("Sub", "a", {far, Number("nearly", 999999)}));
  const Value tiny = net_.Add("Mul", "tiny", {x, Number("small", 1e-200)});
  net_.Output("b", net_.Add("Mul", "b", {tiny, Number("smaller", 1e-201)}));
  const Value whole = net_.graph.AddInput("whole", {DType::kI32, {3}}).value();
  const Value half = net_.Add("Div", "half", {whole, Number("two", 2, DType::kI32)});
  net_.Output("c", net_.Add("Mul", "c", {half, Number("two_again", 2, DType::kI32)}));
  ExpectDeclined(net_.graph, kMerge,
                 {"merge_factors at b: small has an element of magnitude 1e-200",
                  "merge_factors at c: quotients of integers are cut",
                  "merge_terms at a: million has an element of magnitude 1e+06"});
}

TEST_F(MergeConstantsTest, DeclinesReadValuesAndConstantsThatWouldGrow) {
  const Value x = net_.Image(3, 4);
  const Value rows = net_.Add("Mul", "rows", {x, net_.Random("a", {4, 1})});
  net_.Output("grid", net_.Add("Mul", "grid", {rows, net_.Random("b", {4})}));
  const Value read = net_.Add("Mul", "read", {x, net_.Random("c", {})});
  net_.Output("read", read);
  net_.Output("z", net_.Add("Mul", "z", {read, net_.Random("d", {})}));
  ExpectDeclined(net_.graph, {"merge_factors"},
                 {"merge_factors at grid: a and b together would be f64[4,4]",
                  "merge_factors at z: read has 2 consumers"});
}

TEST_F(MergeConstantsTest, VariablesStayWhatTheyAre) {
  net_.variables = true;
  const Value w = net_.graph.AddVariable("w", Tensor::Scalar(2, DType::kF64)).value();
  const Value product = net_.Add("Mul", "mul1", {net_.Image(2, 3), w});
  net_.Output("y", net_.Add("Mul", "mul2", {product, Number("c", 3)}));
  ExpectDeclined(net_.graph, kMerge, {});
}

// Without fold_constants there are constant operands on both sides for long; it ends all the same.
TEST_F(MergeConstantsTest, RulesEndWithoutFolding) {
  const Value two = Number("two", 2), three = Number("three", 3);
  const Value all = net_.Add("Mul", "mul2", {net_.Add("Mul", "mul1", {two, three}), two});
  const Value sum = net_.Add("Add", "add1", {all, net_.Add("Neg", "neg1", {three})});
  net_.Output("y",
              net_.Add("Sub", "sub1", {net_.Add("Sub", "sub2", {net_.Image(2, 3), two}), sum}));
  ExpectSameResults(net_.graph,
                    TestOptions({"merge_factors", "merge_terms", "negate_terms", "negate_factors",
                                 "negate_products", "invert_constants"}));
}

const std::vector<std::string> kSigns = {"negate_terms", "negate_factors", "negate_products",
                                         "fold_constants"};

TEST_F(MergeConstantsTest, SignsGoIntoWhatIsBeside) {
  const Value x = net_.Image(2, 3), y = net_.Image(2, 3, "y");
  const auto neg = [&](const std::string& name) { return net_.Add("Neg", name, {x}); };
  const Value c = net_.Random("c", {2, 1, 1}, 1, 2);
  net_.Output("a", net_.Add("Add", "a", {neg("n1"), y}));
  net_.Output("b", net_.Add("Sub", "b", {y, neg("n2")}));
  net_.Output("c", net_.Add("Mul", "c_", {c, neg("n3")}));
  net_.Output("d", net_.Add("Div", "d", {neg("n4"), c}));
  net_.Output("e", net_.Add("Neg", "e", {net_.Add("Mul", "product", {x, c})}));
  ExpectSameResults(net_.graph, TestOptions(kSigns), 0);
  EXPECT_EQ(CountOps(net_.graph, "Neg"), 0);
  EXPECT_EQ(Find("a").op_name(), "Sub");
  EXPECT_EQ(Find("b").op_name(), "Add");
  EXPECT_EQ(Find("e").op_name(), "Mul");
}

TEST_F(MergeConstantsTest, SignsThatAreReadAndThoseWithoutAConstantStay) {
  const Value x = net_.Image(2, 3), y = net_.Image(2, 3, "y");
  const Value neg = net_.Add("Neg", "neg1", {x});
  net_.Output("neg", neg);
  net_.Output("a", net_.Add("Add", "a", {neg, y}));
  net_.Output("b", net_.Add("Mul", "b", {net_.Add("Neg", "neg2", {x}), y}));
  net_.Output("c", net_.Add("Sub", "c", {net_.Add("Neg", "neg3", {x}), y}));
  ExpectDeclined(net_.graph, kSigns, {"negate_terms at a: neg1 has 2 consumers"});
}

TEST_F(MergeConstantsTest, ExactInversesOfConstantsTakeOver) {
  const Value x = net_.Image(2, 3);
  const Value shifted = net_.Add("Sub", "sub1", {x, net_.Random("mean", {2, 1, 1})});
  net_.Output("y", net_.Add("Div", "div1", {shifted, Number("eight", -8)}));
  ExpectSameResults(net_.graph, TestOptions({"invert_constants", "fold_constants"}), 0);
  EXPECT_EQ(Find("sub1").op_name(), "Add");
  EXPECT_EQ(Find("div1").op_name(), "Mul");
}

TEST_F(MergeConstantsTest, InexactInversesAreLeftAlone) {
  const Value x = net_.Image(2, 3);
  net_.Output("a", net_.Add("Div", "div1", {x, Number("three", 3)}));
  net_.Output("b", net_.Add("Div", "div2", {x, Number("zero", 0)}));
  net_.Output("c", net_.Add("Div", "div3", {x, Number("huge", 0x1p200)}));
  net_.Output("d", net_.Add("Sub", "sub1", {Number("one", 1), x}));
  const Value byte = net_.graph.AddInput("byte", {DType::kU8, {3}}).value();
  net_.Output("e", net_.Add("Sub", "sub2", {byte, Number("u8", 1, DType::kU8)}));
  const Value whole = net_.graph.AddInput("whole", {DType::kI32, {3}}).value();
  net_.Output("f", net_.Add("Div", "div4", {whole, Number("two", 2, DType::kI32)}));
  ExpectDeclined(net_.graph, {"invert_constants"}, {});
}

}  // namespace
}  // namespace weft
