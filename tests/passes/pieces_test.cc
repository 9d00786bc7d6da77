// join_pieces, cut_concat, flatten_concats and drop_expand.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class PiecesTest : public testing::Test {
 protected:
  Value Input(Shape shape, const std::string& name = "x") {
    return net_.graph.AddInput(name, {DType::kF64, std::move(shape)}).value();
  }
  Value Ints(std::vector<int64_t> values) {
    return net_.graph.AddConstant("ints", Tensor::FromInts(values)).value();
  }
  Value Concat(const std::string& name, std::vector<Value> pieces, int64_t axis = 1) {
    return net_.Add("Concat", name, std::move(pieces), {{"axis", axis}});
  }
  Node* Split(const std::string& name, Value x, std::vector<int64_t> sizes, int64_t axis = 1) {
    const int count = static_cast<int>(sizes.size());
    return net_.Add("Split", name, {x, Ints(std::move(sizes))}, {{"axis", axis}}, count).node;
  }
  Value Slice(const std::string& name, Value x, int64_t start, int64_t end, int64_t axis,
              int64_t step = 1) {
    return net_.Add("Slice", name, {x, Ints({start}), Ints({end}), Ints({axis}), Ints({step})});
  }
  const Node& Find(std::string_view name) { return *net_.graph.Find(name); }

  Net net_;
  const Dim n_ = Dim::Symbol("N");
};

TEST_F(PiecesTest, WhatIsCutAndJoinedAgainGoes) {
  Node* split = Split("split1", Input({n_, 5, 3}), {2, 2, 1}, -2);
  const Value joined = Concat("concat1", {split->output(0), split->output(1), split->output(2)}, 1);
  net_.Output("y", net_.Relu("relu1", joined));
  ExpectSameResults(net_.graph, TestOptions({"join_pieces"}));
  EXPECT_EQ(Find("relu1").input(0).ToString(), "x");
}

TEST_F(PiecesTest, PiecesInAnotherOrderOnAnotherAxisOrNotAllStayJoined) {
  Node* split = Split("split1", Input({n_, 4, 2}), {2, 2});
  net_.Output("shuffled", Concat("shuffled", {split->output(1), split->output(0)}));
  net_.Output("beside", Concat("beside", {split->output(0), split->output(1)}, 2));
  net_.Output("some", Concat("some", {split->output(0)}));
  ExpectDeclined(net_.graph, {"join_pieces"}, {});
}

TEST_F(PiecesTest, WholeOperandsOfAConcatAreNotCutOutOfIt) {
  const Value a = Input({n_, 2, 3}, "a"), b = Input({n_, 1, 3}, "b"), c = Input({n_, 4, 3}, "c");
  const Value joined = Concat("concat1", {a, b, c});
  Node* split = Split("split1", joined, {2, 5});
  net_.Output("first", net_.Relu("relu1", split->output(0)));
  net_.Output("rest", net_.Relu("relu2", split->output(1)));
  net_.Output("slice", net_.Relu("relu3", Slice("slice1", joined, -5, 3, -2)));
  ExpectSameResults(net_.graph, TestOptions({"cut_concat"}));
  EXPECT_EQ(Find("relu1").input(0).ToString(), "a");
  EXPECT_EQ(Find("relu2").input(0).node->op_name(), "Concat");
  EXPECT_EQ(Find("relu2").input(0).node->num_inputs(), 2);
  EXPECT_EQ(Find("relu3").input(0).ToString(), "b");
  EXPECT_EQ(net_.graph.Find("concat1"), nullptr);
}

TEST_F(PiecesTest, CutsThroughOperandsOnOtherAxesOrBySteps) {
  const Value a = Input({n_, 2, 4}, "a"), b = Input({n_, 2, 4}, "b");
  const Value joined = Concat("concat1", {a, b});
  Node* split = Split("split1", joined, {1, 3});
  net_.Output("s0", split->output(0));
  net_.Output("s1", split->output(1));
  net_.Output("other_axis", Slice("slice1", joined, 0, 2, 2));
  net_.Output("steps", Slice("slice2", joined, 0, 4, 1, 2));
  net_.Output("empty", Slice("slice3", joined, 3, 2, 1));
  const Value unknown =
      Concat("concat2", {Input({n_, Dim::Symbol("C")}, "u"), Input({n_, 2}, "v")});
  net_.Output("unknown", Slice("slice4", unknown, 0, 2, 1));
  ExpectDeclined(net_.graph, {"cut_concat"}, {});
}

//   concat2(concat1(a, b), c, concat3(a, c))   =>   concat2(a, b, c, a, c)
TEST_F(PiecesTest, ConcatsOfConcatsAreOne) {
  const Value a = Input({n_, 2, 3}, "a"), b = Input({n_, 1, 3}, "b"), c = Input({n_, 4, 3}, "c");
  const Value inner = Concat("concat1", {a, b}, -2), last = Concat("concat3", {a, c});
  net_.Output("y", Concat("concat2", {inner, c, last}));
  ExpectSameResults(net_.graph, TestOptions({"flatten_concats"}));
  EXPECT_EQ(Find("concat2").num_inputs(), 5);
  EXPECT_EQ(CountOps(net_.graph, "Concat"), 1);
}

TEST_F(PiecesTest, ConcatsOnOtherAxesAndThoseThatAreReadStay) {
  const Value a = Input({n_, 2, 3}, "a");
  net_.Output("other_axis", Concat("concat2", {Concat("concat1", {a, a}, 2)}));
  const Value read = Concat("read", {a, a});
  net_.Output("relu", net_.Relu("relu1", read));
  net_.Output("twice", Concat("twice", {read, a}));
  const Value output = Concat("output", {a, a, a});
  net_.Output("output", output);
  net_.Output("again", Concat("again", {output, a}));
  ExpectDeclined(net_.graph, {"flatten_concats"},
                 {"flatten_concats at again: what it joins are outputs"});
}

//   mul(x, expand(c, [3,4])), add(expand_like(d, x), x)   =>   mul(x, c), add(d, x)
TEST_F(PiecesTest, BroadcastingRepeatsWhatExpandWould) {
  const Value x = Input({n_, 3, 4});
  const Value c = net_.Add("Expand", "expand1", {net_.Random("c", {3, 1}), Ints({3, 4})});
  const Value product = net_.Add("Mul", "mul1", {x, c});
  const Value d = net_.Add("ExpandLike", "expand2", {net_.Random("d", {4}), x});
  net_.Output("y", net_.Add("Add", "add1", {d, product}));
  ExpectSameResults(net_.graph, TestOptions({"drop_expand"}));
  EXPECT_EQ(Find("mul1").input(1).ToString(), "c");
  EXPECT_EQ(Find("add1").input(0).ToString(), "d");
}

TEST_F(PiecesTest, AnExpandThatGivesTheShapeStays) {
  const Value x = Input({n_, 1, 4});
  const Value c = net_.Add("Expand", "expand1", {net_.Random("c", {3, 1}), Ints({3, 4})});
  net_.Output("y", net_.Add("Mul", "mul1", {x, c}));
  const Value d = net_.Add("ExpandLike", "expand2", {net_.Random("d", {4}), x},
                           {{"axes", std::vector<int64_t>{0, 1}}});
  net_.Output("z", net_.Add("Mul", "mul2", {x, d}));
  ExpectDeclined(net_.graph, {"drop_expand"}, {});
}

}  // namespace
}  // namespace weft
