// What ONNX models say beside a flat list of nodes: branches and loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing_onnx_structure.h"

namespace weft {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

OnnxMaker IfOf(const std::string& condition) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("If", {condition}, {"y"}).Name("if");
  Body(m, "then_branch", "Neg", {"x"}, "t");
  Body(m, "else_branch", "Relu", {"x"}, "e");
  return m;
}

TEST(OnnxIf, TakesTheBranchOfAKnownCondition) {
  for (const bool condition : {false, true}) {
    OnnxMaker m = IfOf("c");
    m.Initializer("c", Bool(condition));
    EXPECT_THAT(StructureRun(m, {1, -2}), condition ? ElementsAre(-1, 2) : ElementsAre(1, 0));
    EXPECT_NE(m.Import()->graph.Find(condition ? "if/t" : "if/e"), nullptr);
  }
}

TEST(OnnxIf, ConditionsOnKnownShapesAreKnown) {
  OnnxMaker m(13);
  m.Input("x", {-1, 1})
      .Initializer("one", Tensor::FromInts(std::vector<int64_t>{1}))
      .Initializer("1", Int(1))
      .Node("Shape", {"x"}, {"s"})
      .Node("Gather", {"s", "1"}, {"columns"})
      .Node("Equal", {"columns", "1"}, {"c"})
      .Node("If", {"c"}, {"y"})
      .Output("y");
  Body(m, "then_branch", "Squeeze", {"x", "one"}, "t");
  Body(m, "else_branch", "Identity", {"x"}, "e");
  EXPECT_EQ(ToString(m.Import().value().graph.outputs()[0].value.type()), "f32[N]");
}

TEST(OnnxIf, UnknownConditionsAreRefusedWithWhatTheBranchesLack) {
  OnnxMaker m = IfOf("c");
  m.Input("c", {}, TensorProto::BOOL).Output("y");
  m.proto.mutable_graph()
      ->mutable_node(0)
      ->mutable_attribute(1)
      ->mutable_g()
      ->mutable_node(0)
      ->set_op_type("TfIdfVectorizer");
  EXPECT_THAT(StructureError(m),
              AllOf(HasSubstr("if (If, opset 13): its condition, c, must be known before the run"),
                    HasSubstr("e (TfIdfVectorizer, opset 13): the op is not supported")));
}

TEST(OnnxIf, WeightsWithinBranchesAreVariables) {
  OnnxMaker m = IfOf("c");
  m.Initializer("c", Bool(true)).Output("y");
  onnx::GraphProto* branch =
      m.proto.mutable_graph()->mutable_node(0)->mutable_attribute(0)->mutable_g();
  *branch->add_initializer() = TensorToProto(Floats({2}, {2, 3}), "w");
  branch->mutable_node(0)->set_op_type("Mul");
  branch->mutable_node(0)->add_input("w");
  EXPECT_THAT(StructureOps(m), ElementsAre("Input", "Variable", "Mul"));
  EXPECT_NE(m.Import()->graph.Find("if/w"), nullptr);
}

// carried = carried + x, `trips` times; each sum is stacked too.
OnnxMaker LoopOf(int64_t trips) {
  OnnxMaker m(13);
  m.Input("x", {2}).Initializer("trips", Int(trips));
  m.Node("Loop", {"trips", "", "x"}, {"last", "all"}).Name("loop");
  onnx::GraphProto* body = m.Attribute("body", AttributeProto::GRAPH)->mutable_g();
  for (const char* input : {"i", "go_on", "before"}) body->add_input()->set_name(input);
  AddNode(body, "Add", {"before", "x"}, "sum");
  AddNode(body, "Identity", {"sum"}, "copy");
  for (const char* output : {"go_on", "sum", "copy"}) body->add_output()->set_name(output);
  return m;
}

TEST(OnnxIf, ConditionsThatAreNoBoolOrSeveralAreRefused) {
  OnnxMaker number = IfOf("c");
  number.Initializer("c", Floats({}, {0.5})).Output("y");
  EXPECT_THAT(StructureError(number), HasSubstr("expected one integer or bool as condition, got"));
  OnnxMaker two = LoopOf(1);
  two.Initializer("c", Tensor::Zeros(DType::kBool, {2}).value()).Output("last");
  two.Last()->set_input(1, "c");
  EXPECT_THAT(StructureError(two),
              HasSubstr("expected one integer or bool as condition, got bool[2]"));
}

TEST(OnnxIf, ReadsWithinBranchesAreNoStatistics) {
  OnnxMaker m(13);
  m.Input("x", {1, 2}).Initializer("c", Bool(true));
  for (const char* name : {"scale", "bias", "mean", "var"})
    m.Initializer(name, Floats({2}, {1, 1}));
  m.Node("BatchNormalization", {"x", "scale", "bias", "mean", "var"}, {"n"});
  m.Node("If", {"c"}, {"y"}).Output("y");
  Body(m, "then_branch", "Add", {"n", "mean"}, "t");
  Body(m, "else_branch", "Neg", {"n"}, "e");
  EXPECT_THAT(InferOnnx(m, {{"x", Floats({1, 2}, {1, 1})}}, "y"), ElementsAre(2, 2));
  // The name is the weight's; the statistic is called after its layer.
  const auto model = m.Import();
  ASSERT_NE(model->graph.Find("mean"), nullptr);
  EXPECT_TRUE(IsTrainable(*model->graph.Find("mean")));
  EXPECT_NE(model->graph.Find("n/running_mean"), nullptr);
}

// The branch has a sparse `w` of its own; that outside is made of what the branch gives.
TEST(OnnxIf, SparseInitializersOfBranchesAreTheirOwn) {
  OnnxMaker m(13);
  m.Input("x", {2}).Initializer("c", Bool(true)).Node("If", {"c"}, {"p"});
  onnx::GraphProto* branch = Body(m, "then_branch", "MatMul", {"w", "x"}, "t");
  Body(m, "else_branch", "Neg", {"x"}, "e");
  onnx::SparseTensorProto* sparse = branch->add_sparse_initializer();
  *sparse->mutable_values() = TensorToProto(Floats({2}, {5, 7}), "w");
  *sparse->mutable_indices() = TensorToProto(Tensor::FromInts(std::vector<int64_t>{0, 3}), "");
  for (int i = 0; i < 2; ++i) sparse->add_dims(2);
  m.Node("Neg", {"p"}, {"w"}).Node("Neg", {"w"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(5, 70));
}

// Both branches call something k; only that of the later one decides a shape.
TEST(OnnxIf, NamesOfOneBranchDecideNothingInAnother) {
  OnnxMaker m(13);
  m.Input("x", {1}).Input("n", {1}, TensorProto::INT64).Input("f", {1}, TensorProto::INT64);
  m.Initializer("c", Bool(true)).Node("If", {"c"}, {"z"});
  Body(m, "then_branch", "Add", {"f", "f"}, "k");
  Body(m, "else_branch", "Neg", {"f"}, "e");
  m.Node("If", {"c"}, {"y"});
  onnx::GraphProto* branch = Body(m, "then_branch", "Add", {"n", "n"}, "k");
  AddNode(branch, "Expand", {"x", "k"}, "t");
  branch->mutable_output(0)->set_name("t");
  Body(m, "else_branch", "Neg", {"x"}, "e");
  m.Output("y").Output("z", TensorProto::INT64);
  const Tensor one = Tensor::FromInts(std::vector<int64_t>{1});
  const auto model = m.Import({.shape_candidates = {{"n", one}, {"f", one}}});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.outputs()[0].value.type()), "f32[2]");
  const Node* f = model->graph.Find("f");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->op_name(), "Input");
}

TEST(OnnxLoop, IsUnrolled) {
  OnnxMaker m = LoopOf(3);
  m.Output("all");
  EXPECT_THAT(InferOnnx(m, {{"x", Floats({2}, {1, 10})}}, "all"), ElementsAre(2, 20, 3, 30, 4, 40));
  OnnxMaker last = LoopOf(2);
  last.Node("Identity", {"last"}, {"y"});
  EXPECT_THAT(StructureRun(last, {1, 10}), ElementsAre(3, 30));
}

TEST(OnnxLoop, ThatDoesNotRunLeavesItsOperands) {
  OnnxMaker m = LoopOf(0);
  m.proto.mutable_graph()->mutable_node(0)->mutable_output()->RemoveLast();
  m.Node("Identity", {"last"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(1, 10));
}

TEST(OnnxLoop, StopsByAConditionThatIsKnown) {
  for (const int64_t trips : {int64_t{100}, INT64_MAX}) {  // as long as i < 1
    OnnxMaker m = LoopOf(trips);
    onnx::GraphProto* body = m.Last()->mutable_attribute(0)->mutable_g();
    *body->add_initializer() = TensorToProto(Int(1), "1");
    AddNode(body, "Less", {"i", "1"}, "again");
    body->mutable_output(0)->set_name("again");
    m.Node("Identity", {"last"}, {"y"});
    EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(3, 30)) << trips;
  }
}

TEST(OnnxLoop, TripsThatAreManyOrUnknownAreRefused) {
  OnnxMaker many = LoopOf(int64_t{1} << 40);
  many.Output("last");
  EXPECT_THAT(StructureError(many),
              HasSubstr("loop (Loop, opset 13): unrolled, it is more than 10000 nodes"));
  OnnxMaker unknown = LoopOf(1);
  unknown.proto.mutable_graph()->clear_initializer();
  unknown.Input("trips", {}, TensorProto::INT64).Output("last");
  EXPECT_THAT(StructureError(unknown), HasSubstr("its trip count, trips, must be known"));
}

TEST(OnnxLoop, WhoseBodiesHoldMuchIsRefused) {
  OnnxMaker m = LoopOf(1000);  // each time with a megabyte within a branch
  m.Output("last");
  onnx::GraphProto* body = m.Last()->mutable_attribute(0)->mutable_g();
  onnx::NodeProto* branching = AddNode(body, "If", {"go_on"}, "picked");
  for (const char* name : {"then_branch", "else_branch"}) {
    AttributeProto* attribute = branching->add_attribute();
    attribute->set_name(name);
    attribute->set_type(AttributeProto::GRAPH);
    onnx::GraphProto* branch = attribute->mutable_g();
    *branch->add_initializer() =
        TensorToProto(Tensor::Zeros(DType::kF32, {1 << 18}).value(), "large");
    AddNode(branch, "Neg", {"large"}, "z");
    branch->add_output()->set_name("z");
  }
  EXPECT_THAT(StructureError(m), HasSubstr("the constants of bodies that run often are too large"));
}

TEST(OnnxLoop, ReportsWhatItsBodyLacksOnce) {
  OnnxMaker m = LoopOf(3);
  m.Output("last");
  m.Last()->mutable_attribute(0)->mutable_g()->mutable_node(0)->set_op_type("TfIdfVectorizer");
  EXPECT_THAT(StructureError(m), AllOf(HasSubstr("sum (TfIdfVectorizer, opset 13): the op is not"),
                                       Not(HasSubstr("problems"))));
}

TEST(OnnxLoop, ResultsAndBodiesWithinCountAsItsNodes) {
  OnnxMaker wide = LoopOf(2);
  wide.Output("last");
  onnx::GraphProto* body = wide.Last()->mutable_attribute(0)->mutable_g();
  for (int i = 0; i < 6000; ++i) body->add_output()->set_name("sum");
  EXPECT_THAT(StructureError(wide), HasSubstr("unrolled, it is more than 10000 nodes"));
  OnnxMaker within = LoopOf(2);
  within.Output("last");
  body = within.Last()->mutable_attribute(0)->mutable_g();
  onnx::NodeProto* branching = AddNode(body, "If", {"go_on"}, "picked");
  for (const char* name : {"then_branch", "else_branch"}) {
    AttributeProto* attribute = branching->add_attribute();
    attribute->set_name(name);
    attribute->set_type(AttributeProto::GRAPH);
    AddNode(attribute->mutable_g(), "Neg", {"sum"}, "z");
    attribute->mutable_g()->add_output()->set_name("z");
  }
  onnx::GraphProto* other = branching->mutable_attribute(1)->mutable_g();
  for (int i = 0; i < 6000; ++i) AddNode(other, "Neg", {"sum"}, absl::StrCat("z", i));
  EXPECT_THAT(StructureError(within), HasSubstr("unrolled, it is more than 10000 nodes"));
}

TEST(OnnxLoop, AnotherNameOfAWeightIsNoOtherWeight) {
  OnnxMaker m = LoopOf(3);
  m.Initializer("w", Floats({2}, {2, 3}));
  onnx::GraphProto* body = m.Last()->mutable_attribute(0)->mutable_g();
  AddNode(body, "Identity", {"w"}, "v");
  body->mutable_node(0)->set_op_type("Mul");
  body->mutable_node(0)->set_input(1, "v");
  m.Node("Identity", {"last"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(8, 270));
  const std::vector<std::string> ops = StructureOps(m);
  EXPECT_EQ(std::ranges::count(ops, "Variable"), 1);
}

TEST(OnnxScan, RunsItsBodyForEachElement) {
  OnnxMaker m(13);
  m.Input("x", {3}).Initializer("zero", Floats({}, {0}));
  m.Node("Scan", {"zero", "x"}, {"total", "y"}).Int("num_scan_inputs", 1);
  onnx::GraphProto* body = m.Attribute("body", AttributeProto::GRAPH)->mutable_g();
  for (const char* input : {"before", "element"}) body->add_input()->set_name(input);
  AddNode(body, "Add", {"before", "element"}, "sum");
  AddNode(body, "Identity", {"sum"}, "copy");
  for (const char* output : {"sum", "copy"}) body->add_output()->set_name(output);
  EXPECT_THAT(StructureRun(m, {1, 2, 3}), ElementsAre(1, 3, 6));
}

TEST(OnnxIf, InputsThatDecideAShapeInABranchCanBeBound) {
  OnnxMaker m(13);
  m.Input("x", {2}).Input("n", {1}, TensorProto::INT64).Initializer("c", Bool(true));
  m.Node("If", {"c"}, {"twice"});
  Body(m, "then_branch", "Add", {"n", "n"}, "t");
  Body(m, "else_branch", "Identity", {"n"}, "e");
  m.Node("Expand", {"x", "twice"}, {"y"}).Output("y");
  const Tensor two = Tensor::FromInts(std::vector<int64_t>{1});
  const auto model = m.Import({.shape_candidates = {{"n", two}}});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.outputs()[0].value.type()), "f32[2]");
}

}  // namespace
}  // namespace weft
