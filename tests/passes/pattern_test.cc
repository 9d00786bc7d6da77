#include "passes/pattern.h"

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

TEST(PatternTest, BindsNestedNodesAndTheirInputsByName) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(2, 4), 3);
  const Value relu = net.Relu("relu1", conv);
  const Pattern pattern =
      Op("Relu", {Op("Conv", {Any().As("x"), Any().As("w"), Any().As("b")}).As("conv")}).As("relu");
  const std::vector<Match> matches = FindMatches(pattern, net.graph, relu.node);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].root(), relu.node);
  EXPECT_EQ(matches[0].node("conv"), conv.node);
  EXPECT_EQ(matches[0]["w"], conv.node->input(1));
  EXPECT_EQ(matches[0]["relu"], relu);
  EXPECT_TRUE(matches[0]["nobody"].null());
  EXPECT_THAT(matches[0].nodes(), testing::ElementsAre(conv.node, relu.node));
  EXPECT_TRUE(FindMatches(pattern, net.graph, conv.node).empty());
}

TEST(PatternTest, TakesOneOfSeveralOps) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value tanh = net.Add("Tanh", "tanh1", {x});
  const Value neg = net.Add("Neg", "neg1", {x});
  const Pattern pattern = OneOf({"Relu", "Tanh"});
  EXPECT_EQ(FindMatches(pattern, net.graph, tanh.node).size(), 1u);
  EXPECT_EQ(FindMatches(pattern, net.graph, neg.node).size(), 0u);
}

TEST(PatternTest, MatchesEitherOfSeveralPatterns) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value conv = net.Conv("a", x, 2);
  const Value sub = net.Add("Sub", "sub", {x, conv});
  const Value tanh = net.Add("Tanh", "tanh", {sub});
  const Pattern difference = Either({Op("Sub", {Op("Conv").As("conv"), Any()}),
                                     Op("Sub", {Any(), Op("Conv").As("conv")}), Op("Neg")})
                                 .As("difference");
  EXPECT_EQ(difference.depth(), 1);
  EXPECT_EQ(Op("Tanh", {difference}).depth(), 2);
  const std::vector<Match> matches = FindMatches(Op("Tanh", {difference}), net.graph, tanh.node);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].node("conv"), conv.node);
  EXPECT_EQ(matches[0]["difference"], sub);
  EXPECT_EQ(FindMatches(difference, net.graph, sub.node).size(), 1u);
  EXPECT_TRUE(FindMatches(difference, net.graph, tanh.node).empty());
}

TEST(PatternTest, AdditionMatchesInBothOrders) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value a = net.Conv("a", x, 2);
  const Value b = net.Conv("b", x, 2);
  const Value ba = net.Add("Add", "ba", {x, a});
  const Value ab = net.Add("Add", "ab", {a, b});
  const Pattern pattern = Op("Add", {Op("Conv").As("conv"), Any().As("other")});
  std::vector<Match> matches = FindMatches(pattern, net.graph, ba.node);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0].node("conv"), a.node);
  EXPECT_EQ(matches[0]["other"], x);
  matches = FindMatches(pattern, net.graph, ab.node);
  ASSERT_EQ(matches.size(), 2u);
  EXPECT_EQ(matches[0].node("conv"), a.node);
  EXPECT_EQ(matches[1].node("conv"), b.node);
}

TEST(PatternTest, EitherTriesEveryAlternativeInItsOrder) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value a = net.Add("Relu", "a", {x}), b = net.Add("Tanh", "b", {a});
  const Pattern pattern = Either({Op("Tanh", {Op("Relu", {Any().As("x")}).As("inner")}),
                                  Op("Tanh", {Any().As("x")}), Op("Neg", {Any()})});
  EXPECT_THAT(pattern.ops(), testing::ElementsAre("Tanh", "Neg"));
  EXPECT_EQ(pattern.depth(), 2);
  const std::vector<Match> matches = FindMatches(pattern, net.graph, b.node);
  ASSERT_EQ(matches.size(), 2u);
  EXPECT_EQ(matches[0]["x"], x);
  EXPECT_EQ(matches[1]["x"], a);
  EXPECT_TRUE(matches[1]["inner"].null());
}

TEST(PatternTest, NumberTakesConstantsOfOneElementAndOpsOfAnyArityMatchInAnyOrder) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value one = net.Random("one", {1, 1}), two = net.Random("two", {2, 1, 1});
  const Pattern pattern = InAnyOrder("Max", Any().As("x"), Number().As("number"));
  const std::vector<Match> left =
      FindMatches(pattern, net.graph, net.Add("Max", "l", {one, x}).node);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0]["x"], x);
  EXPECT_EQ(left[0]["number"], one);
  EXPECT_TRUE(FindMatches(pattern, net.graph, net.Add("Max", "m", {x, two}).node).empty());
  EXPECT_TRUE(FindMatches(pattern, net.graph, net.Add("Max", "n", {x, one, x}).node).empty());
}

TEST(PatternTest, SubtractionMatchesInItsOwnOrderOnly) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value conv = net.Conv("a", x, 2);
  const Value sub = net.Add("Sub", "sub", {x, conv});
  EXPECT_TRUE(FindMatches(Op("Sub", {Op("Conv"), Any()}), net.graph, sub.node).empty());
}

TEST(PatternTest, OptionalInputsMayBeAbsentAndOthersMayNot) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value bare = net.Conv("bare", x, 2, {.bias = false});
  const Value full = net.Conv("full", x, 2);
  const Pattern optional = Op("Conv", {Any(), Any(), Any().As("b").Optional()});
  const Pattern required = Op("Conv", {Any(), Any(), Any().As("b")});
  ASSERT_EQ(FindMatches(optional, net.graph, bare.node).size(), 1u);
  EXPECT_TRUE(FindMatches(optional, net.graph, bare.node)[0]["b"].null());
  EXPECT_EQ(FindMatches(optional, net.graph, full.node)[0]["b"], full.node->input(2));
  EXPECT_TRUE(FindMatches(required, net.graph, bare.node).empty());
}

TEST(PatternTest, SurplusInputsNeedRest) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(2, 4), 2);
  EXPECT_TRUE(FindMatches(Op("Conv", {Any(), Any()}), net.graph, conv.node).empty());
  EXPECT_EQ(FindMatches(Op("Conv", {Any(), Rest()}), net.graph, conv.node).size(), 1u);
}

TEST(PatternTest, TheSameNameMeansTheSameValue) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value y = net.Relu("y", x);
  const Value square = net.Add("Mul", "square", {x, x});
  const Value product = net.Add("Mul", "product", {x, y});
  const Pattern pattern = Op("Mul", {Any().As("a"), Any().As("a")});
  EXPECT_EQ(FindMatches(pattern, net.graph, square.node).size(), 1u);
  EXPECT_TRUE(FindMatches(pattern, net.graph, product.node).empty());
}

TEST(PatternTest, WhereIsPartOfTheShape) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value a = net.Relu("a", x);
  const Pattern pattern = Op("Relu").Where([](const Node& node) { return node.name() == "b"; });
  EXPECT_TRUE(FindMatches(pattern, net.graph, a.node).empty());
  EXPECT_EQ(FindMatches(pattern, net.graph, net.Relu("b", x).node).size(), 1u);
}

TEST(PatternTest, OtherOutputsThanTheFirstMatchWhereTheyAreAskedFor) {
  Net net;
  const AttributeMap window = {{"kernel_shape", std::vector<int64_t>{2, 2}}};
  const Value pool = net.Add("MaxPool", "pool", {net.Image(2, 4)}, window, 2);
  const Value first = net.Add("Neg", "first", {pool});
  const Value second = net.Add("Neg", "second", {pool.node->output(1)});
  const Pattern indices = Op("Neg", {Op("MaxPool").Output(1).As("indices")});
  EXPECT_TRUE(FindMatches(indices, net.graph, first.node).empty());
  const std::vector<Match> matches = FindMatches(indices, net.graph, second.node);
  ASSERT_EQ(matches.size(), 1u);
  EXPECT_EQ(matches[0]["indices"], pool.node->output(1));
  EXPECT_TRUE(FindMatches(Op("Neg", {Op("MaxPool")}), net.graph, second.node).empty());
  // The outermost node is found whichever of its outputs is named.
  EXPECT_EQ(FindMatches(Op("MaxPool").Output(1), net.graph, pool.node).size(), 1u);
  EXPECT_TRUE(FindMatches(Op("Neg").Output(1), net.graph, first.node).empty());
}

TEST(PatternTest, EitherMatchesEachOfItsAlternatives) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value relu = net.Relu("relu", x);
  const Value sum = net.Add("Add", "sum", {net.Add("Neg", "neg", {relu}), x});
  const Pattern pattern = Op(
      "Add", {Op("Neg", {Any()}), Either({Op("Relu", {Any().As("x")}).As("relu"), Any().As("x")})});
  const std::vector<Match> one = FindMatches(pattern, net.graph, sum.node);
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0]["x"], x);
  EXPECT_TRUE(one[0]["relu"].null());
  const Value other = net.Add("Add", "other", {relu, net.Add("Neg", "neg2", {relu})});
  const std::vector<Match> two = FindMatches(pattern, net.graph, other.node);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0]["relu"], relu);
  EXPECT_EQ(two[0]["x"], x);
  EXPECT_EQ(two[1]["x"], relu);
  EXPECT_EQ(pattern.depth(), 2);
}

TEST(PatternTest, DepthIsThatOfTheInnermostInput) {
  EXPECT_EQ(Op("Relu").depth(), 0);
  EXPECT_EQ(Op("Add", {Any(), Op("Conv", {Any(), Op("Mul", {Any(), Any()})})}).depth(), 3);
}

}  // namespace
}  // namespace weft
