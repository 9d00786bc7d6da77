#include <memory>
#include <utility>

#include "graph/text.h"
#include "passes/clean/clean.h"
#include "passes/fuse/fuse.h"
#include "passes/pass.h"
#include "passes/rule.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

absl::StatusOr<PassReport> RunAlone(Rule rule, Graph& graph, PassOptions options = TestOptions()) {
  const std::vector<Stage> stages = {{"test", {ToPass(std::move(rule))}}};
  return RunStages(stages, graph, options);
}

// relu(neg(x)), relu(neg(y)) -> outputs
Net TwoChains() {
  Net net;
  const Value x = net.Image(2, 4);
  for (const char* i : {"1", "2"}) {
    const Value neg = net.Add("Neg", std::string("neg") + i, {x});
    net.Output(std::string("y") + i, net.Relu(std::string("relu") + i, neg));
  }
  return net;
}

Rule SigmoidForRelu() {
  return {.name = "sigmoid_for_relu",
          .doc = "",
          .pattern = Op("Relu", {Any().As("x")}),
          .conditions = nullptr,
          .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
            return {r.OpAs(m.root()->name(), "Sigmoid", {m["x"]})};
          }};
}

TEST(DriverTest, AppliesARuleEverywhereAndRecordsWhatItTook) {
  Net net = TwoChains();
  const auto report = RunAlone(SigmoidForRelu(), net.graph);
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(report->ToString(),
              testing::EndsWith("\nsigmoid_for_relu: relu1 (Relu) -> relu1 (Sigmoid)\n"
                                "sigmoid_for_relu: relu2 (Relu) -> relu2 (Sigmoid)\n"));
  EXPECT_EQ(ToText(net.graph),
            "input  x: f64[N,2,4,4]\n"
            "neg1: f64[N,2,4,4] = Neg(x)\n"
            "relu1: f64[N,2,4,4] = Sigmoid(neg1)  # sigmoid_for_relu(relu1)\n"
            "neg2: f64[N,2,4,4] = Neg(x)\n"
            "relu2: f64[N,2,4,4] = Sigmoid(neg2)  # sigmoid_for_relu(relu2)\n"
            "output y1 = relu1\n"
            "output y2 = relu2\n");
}

TEST(DriverTest, StopsAfterMaxRewrites) {
  Net net = TwoChains();
  PassOptions options = TestOptions();
  options.max_rewrites = 1;
  const auto report = RunAlone(SigmoidForRelu(), net.graph, options);
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(Rewrites(*report), ElementsAre("sigmoid_for_relu: relu1 -> relu1"));
  EXPECT_EQ(CountOps(net.graph, "Relu"), 1);
}

TEST(DriverTest, AnIllTypedReplacementIsAnErrorAndLeavesTheGraphAsItWas) {
  Net net = TwoChains();
  const std::string before = ToText(net.graph);
  Rule rule = SigmoidForRelu();
  rule.name = "to_a_scalar";
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    const Value sum = r.OpAs(m.node("x")->name(), "ReduceSum", {m["x"]}, {{"keepdims", 0}});
    return {r.Op("Neg", {sum})};
  };
  const auto report = RunAlone(rule, net.graph);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("to_a_scalar at relu1 (Relu): ill-typed replacement: output 0: expected "
                        "f64[N,2,4,4], got f64[]"));
  EXPECT_EQ(ToText(net.graph), before);
  EXPECT_EQ(net.graph.Verify(), absl::OkStatus());
}

TEST(DriverTest, AReplacementThatCannotBeBuiltIsAnErrorAndLeavesTheGraphAsItWas) {
  Net net = TwoChains();
  const std::string before = ToText(net.graph);
  Rule rule = SigmoidForRelu();
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    return {r.OpAs(m.root()->name(), "Add", {m["x"], r.Ints({1})})};
  };
  const auto report = RunAlone(rule, net.graph);
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("relu1 (Relu)"));
  EXPECT_EQ(ToText(net.graph), before);
}

TEST(DriverTest, AReplacementBehindWhatItReplacesIsAnError) {
  Net net = TwoChains();
  const std::string before = ToText(net.graph);
  const Value later = net.graph.Find("relu2")->output();
  Rule rule = SigmoidForRelu();
  rule.rewrite = [&](const Match&, Rewriter&) { return std::vector<Value>{later}; };
  const auto report = RunAlone(rule, net.graph);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr("relu2 comes after"));
  EXPECT_EQ(ToText(net.graph), before);
}

TEST(DriverTest, ADeclineTakesBackWhatWasBuiltAndIsReportedOnce) {
  Net net = TwoChains();
  const std::string before = ToText(net.graph);
  Rule rule = SigmoidForRelu();
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    r.OpAs(m.node("x")->name(), "Sigmoid", {m["x"]});
    return r.Decline("it is " + m.root()->name());
  };
  // The same pass twice in a stage: what it misses twice is said once.
  const std::vector<Stage> stages = {{"test", {ToPass(rule), ToPass(rule)}}};
  const auto report = RunStages(stages, net.graph, TestOptions());
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(NearMisses(*report), ElementsAre("sigmoid_for_relu at relu1: it is relu1",
                                               "sigmoid_for_relu at relu2: it is relu2"));
  EXPECT_EQ(ToText(net.graph), before);
}

TEST(DriverTest, ATakenNameGoesBackToANodeThatStays) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value neg = net.Add("Neg", "neg1", {x});
  net.Output("kept", neg);
  net.Output("y", net.Relu("relu1", neg));
  Rule rule = SigmoidForRelu();
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    return {r.OpAs(m.node("x")->name(), "Sigmoid", {m["x"]})};
  };
  ASSERT_EQ(RunAlone(rule, net.graph).status(), absl::OkStatus());
  EXPECT_EQ(ToText(net.graph, {.provenance = false}),
            "input  x: f64[N,2,4,4]\n"
            "neg1: f64[N,2,4,4] = Neg(x)\n"
            "neg1_1: f64[N,2,4,4] = Sigmoid(neg1)\n"
            "output kept = neg1\n"
            "output y = neg1_1\n");
}

TEST(DriverTest, VariablesNeverGiveUpTheirNames) {
  Net net;
  const Value v = net.graph.AddVariable("v", net.RandomTensor({3})).value();
  net.Output("y", net.Relu("relu1", v));
  Rule rule = SigmoidForRelu();
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    return {r.OpAs("v", "Sigmoid", {m["x"]})};
  };
  ASSERT_EQ(RunAlone(rule, net.graph).status(), absl::OkStatus());
  EXPECT_EQ(net.graph.Find("v"), v.node);
  EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "v_1");
}

TEST(DriverTest, TriesTheOtherOrderWhereTheFirstDeclines) {
  // a and b are both convolutions, but a has a second reader.
  Net net;
  const Value x = net.Image(2, 4);
  const Value a = net.Conv("a", x, 2);
  const Value b = net.Conv("b", x, 2);
  net.Output("a", a);
  net.Output("sum", net.Add("Add", "sum", {a, b}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"fuse_conv_add"}));
  EXPECT_THAT(Rewrites(report), ElementsAre("fuse_conv_add: b + sum -> b"));
  EXPECT_THAT(NearMisses(report), IsEmpty());
}

TEST(DriverTest, ARuleThatNeverEndsIsAnError) {
  Net net = TwoChains();
  Rule rule = SigmoidForRelu();
  rule.rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
    return {r.OpAs(m.root()->name(), "Relu", {m["x"]})};
  };
  PassOptions options = TestOptions();
  options.verify_each = false;
  EXPECT_THAT(std::string(RunAlone(rule, net.graph, options).status().message()),
              HasSubstr("sigmoid_for_relu: never comes to an end"));
}

TEST(DriverTest, DeadReadersDoNotCountAsConsumers) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(2, 4), 2);
  net.Relu("unused", conv);
  net.Output("y", net.Relu("relu1", conv));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation"}));
  EXPECT_THAT(Rewrites(report), ElementsAre("fuse_conv_activation: conv1 + relu1 -> conv1"));
}

// Of a root with two outputs the first is replaced before the second turns out to be impossible:
// the reshape would know its shape, and so another type.
TEST(DriverTest, ARewriteThatAReaderRefusesIsTakenBackAsAWhole) {
  Net net;
  const Value v = net.graph.AddInput("v", {DType::kF64, {2}}).value();
  const Value x = net.graph.AddInput("x", {DType::kF64, {4}}).value();
  const Value k = net.graph.AddConstant("k", Tensor::FromInts(std::vector<int64_t>{2})).value();
  const Value top = net.Add("TopK", "top", {x, k});
  net.Output("values", net.Add("Neg", "neg", {top}));
  net.Output("y", net.Add("Reshape", "reshape", {x, top.node->output(1)}));
  const std::string before = ToText(net.graph);
  Rule rule = SigmoidForRelu();
  rule.pattern = Op("TopK", {Any(), Any()});
  rule.rewrite = [&](const Match&, Rewriter& r) -> std::vector<Value> {
    return {r.Op("Relu", {v}), r.Ints({2, 2})};
  };
  const auto report = RunAlone(rule, net.graph);
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(report->rewrites, IsEmpty());
  EXPECT_THAT(NearMisses(*report),
              ElementsAre("sigmoid_for_relu at top: reshape (Reshape): the elements of top/const "
                          "change its type"));
  EXPECT_EQ(ToText(net.graph), before);
  EXPECT_EQ(net.graph.Verify(), absl::OkStatus());
}

TEST(DriverTest, ARuleOfOnesOwnTakesPartInThePipeline) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value r = net.Add("Reciprocal", "r", {net.Random("c", {2, 1, 1}, 1, 2)});
  net.Output("y", net.Add("Mul", "product", {x, net.Add("Reciprocal", "r2", {r})}));
  net.Output("z", net.Add("Mul", "quotient", {x, net.Add("Reciprocal", "r3", {x})}));
  PassOptions options = TestOptions();
  options.own = {
      ToPass({.name = "divide",
              .doc = "divide instead of multiplying by a reciprocal",
              .pattern = Op("Mul", {Any().As("x"), Op("Reciprocal", {Any().As("y")}).As("r")}),
              .conditions = [](const Match& m) { return HasSingleReader(m, "r"); },
              .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
                return {r.OpAs(m.root()->name(), "Div", {m["x"], m["y"]})};
              }})};
  const PassReport report = ExpectSameResults(net.graph, options);
  EXPECT_THAT(Rewrites(report),
              ElementsAre("fold_constants: r + r2 -> r2", "divide: r3 + quotient -> quotient"));
  options.passes = {"divide", "nothing"};
  EXPECT_THAT(std::string(Optimize(net.graph, options).status().message()),
              HasSubstr("unknown pass 'nothing'; expected remove_dead"));
}

TEST(DriverTest, ARuleOfOnesOwnHasANameOfItsOwn) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Image(2, 4)));
  PassOptions options = TestOptions();
  options.own = {FuseConvAdd()};
  EXPECT_EQ(Optimize(net.graph, options).status().message(),
            "a pass of your own is called 'fuse_conv_add': expected a name that no other pass has");
  const Pass mine =
      ToPass({.name = "mine",
              .doc = "",
              .pattern = Op("Relu"),
              .conditions = nullptr,
              .rewrite = [](const Match&, Rewriter&) -> std::vector<Value> { return {}; }});
  options.own = {mine, mine};
  EXPECT_EQ(Optimize(net.graph, options).status().message(),
            "a pass of your own is called 'mine': expected a name that no other pass has");
}

// Adds a constant that nothing reads, once.
class AddLeaf : public PassRun {
 public:
  explicit AddLeaf(PassContext& context) : context_(context) {}
  absl::Status Run() override {
    if (std::exchange(is_done_, true)) return absl::OkStatus();
    Graph::Transaction change(context_.graph());
    WEFT_ASSIGN_OR_RETURN(const Value leaf,
                          context_.graph().AddConstant("leaf", Tensor::Scalar(1, DType::kF32)));
    Node* const results[] = {leaf.node};
    return context_.Record({"add_leaf", {}}, results, change);
  }

 private:
  PassContext& context_;
  bool is_done_ = false;
};

// remove_dead takes a leaf that waits in the worklist of merge_common. (It frees the leaf, so it is
// AddressSanitizer that would see it looked at again.)
TEST(DriverTest, LeavesThatGoAreForgotten) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Image(2, 4)));
  const Pass add_leaf = {"add_leaf", "",
                         [](PassContext& context) { return std::make_unique<AddLeaf>(context); }};
  const std::vector<Stage> stages = {{"test", {MergeCommon(), add_leaf, RemoveDead()}}};
  const auto report = RunStages(stages, net.graph, TestOptions());
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(Rewrites(*report), ElementsAre("add_leaf:  -> leaf"));
  EXPECT_EQ(net.graph.Find("leaf"), nullptr);
}

// The condition fails at first and holds once a merge has taken the second reader.
TEST(DriverTest, ANodeIsLookedAtAgainWhereAReaderHasGone) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(2, 4), 2);
  net.Output("a", net.Relu("relu1", conv));
  net.Output("b", net.Relu("relu2", conv));
  const std::vector<Stage> stages = {{"test", {FuseConvActivation(), MergeCommon()}}};
  const auto report = RunStages(stages, net.graph, TestOptions());
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(Rewrites(*report), ElementsAre("merge_common: relu1 + relu2 -> relu1",
                                             "fuse_conv_activation: conv1 + relu1 -> conv1"));
  EXPECT_THAT(report->near_misses, IsEmpty());
}

// What optimizing looked at, of a chain of n convolutions, batch normalizations and activations on
// a picture of four pixels.
int64_t LooksAtConvolutions(int n) {
  Net net;
  Value x = net.Image(2, 2);
  for (int i = 0; i < n; ++i) {
    const std::string number = std::to_string(i);
    const Value conv = net.Conv("conv" + number, x, 2, {.kernel = 3, .bias = false});
    x = net.Relu("relu" + number, net.BatchNorm("bn" + number, conv));
  }
  net.Output("y", x);
  PassOptions options = TestOptions();
  options.verify_each = false;
  const int64_t looks = MustOptimize(net.graph, options).looks;
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), n);
  return looks;
}

// Ten times the nodes are ten times the work; it would be a hundred times where each rewrite looks
// at all.
TEST(DriverTest, TheWorkOfThePipelineGrowsWithTheNodes) {
  const int64_t small = LooksAtConvolutions(100);
  EXPECT_GT(small, 300);
  EXPECT_LT(LooksAtConvolutions(1000), 11 * small);
}

// One weight for all.
TEST(DriverTest, SharingAConstantIsNoMoreWork) {
  const auto looks = [](int n) {
    Net net;
    Value x = net.Image(2, 2);
    const Value w = net.Random("w", {2, 2, 3, 3});
    for (int i = 0; i < n; ++i) {
      const std::string number = std::to_string(i);
      const AttributeMap pads = {{"pads", std::vector<int64_t>(4, 1)}};
      x = net.Relu("relu" + number, net.Add("Conv", "conv" + number, {x, w}, pads));
    }
    net.Output("y", x);
    PassOptions options = TestOptions();
    options.verify_each = false;
    const int64_t result = MustOptimize(net.graph, options).looks;
    EXPECT_EQ(CountOps(net.graph, "FusedConv"), n);
    return result;
  };
  EXPECT_LT(looks(1000), 11 * looks(100));
}

}  // namespace
}  // namespace weft
