// What ONNX models say beside a flat list of nodes: functions, branches, loops, sequences, and in
// which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing_files.h"
#include "testing_onnx.h"
#include "testing_onnx_run.h"

namespace weft {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string StructureError(const OnnxMaker& m) {
  const auto model = m.Import();
  EXPECT_FALSE(model.ok());
  return MessageOf(model.status());
}

std::vector<std::string> StructureOps(const OnnxMaker& m) {
  std::vector<std::string> ops;
  const auto model = m.Import();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return ops;
  for (const Node& node : model->graph.nodes()) ops.emplace_back(node.op_name());
  return ops;
}

// y of `m` for x.
std::vector<float> StructureRun(OnnxMaker& m, const std::vector<float>& x) {
  m.Output("y");
  return InferOnnx(m, {{"x", Floats({std::ssize(x)}, x)}}, "y");
}

template <typename List>  // a graph or a function
onnx::NodeProto* AddNode(List* list, const std::string& op, const std::vector<std::string>& inputs,
                         const std::string& output) {
  onnx::NodeProto* node = list->add_node();
  node->set_op_type(op);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

Tensor Bool(bool value) { return Tensor::Scalar(value ? 1 : 0, DType::kBool); }
Tensor Int(int64_t value) { return Tensor::Scalar(static_cast<double>(value), DType::kI64); }

// A body of the last node, whose only node is `op`.
onnx::GraphProto* Body(OnnxMaker& m, const std::string& attribute, const std::string& op,
                       const std::vector<std::string>& inputs, const std::string& output) {
  onnx::GraphProto* body = m.Attribute(attribute, AttributeProto::GRAPH)->mutable_g();
  AddNode(body, op, inputs, output);
  body->add_output()->set_name(output);
  return body;
}

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
      ->set_op_type("NonZero");
  EXPECT_THAT(StructureError(m),
              AllOf(HasSubstr("if (If, opset 13): its condition, c, must be known before the run"),
                    HasSubstr("e (NonZero, opset 13): the op is not supported")));
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
  OnnxMaker m = LoopOf(100);  // as long as i < 1
  onnx::GraphProto* body = m.Last()->mutable_attribute(0)->mutable_g();
  *body->add_initializer() = TensorToProto(Int(1), "1");
  AddNode(body, "Less", {"i", "1"}, "again");
  body->mutable_output(0)->set_name("again");
  m.Node("Identity", {"last"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(3, 30));
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

TEST(OnnxSequence, IsResolvedElementByElement) {
  OnnxMaker m(13);
  m.Input("x", {4}).Initializer("-1", Int(-1)).Initializer("0", Int(0));
  m.Node("SplitToSequence", {"x"}, {"s"})
      .Node("SequenceAt", {"s", "-1"}, {"last"})
      .Node("SequenceErase", {"s", "0"}, {"rest"})
      .Node("SequenceInsert", {"rest", "last", "0"}, {"t"})
      .Node("ConcatFromSequence", {"t"}, {"y"})
      .Int("axis", 0);
  EXPECT_THAT(StructureRun(m, {1, 2, 3, 4}), ElementsAre(4, 2, 3, 4));
}

TEST(OnnxSequence, StacksAndTells) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("SequenceConstruct", {"x", "x", "x"}, {"s"});
  m.Node("ConcatFromSequence", {"s"}, {"stack"}).Int("axis", 1).Int("new_axis", 1);
  m.Node("SequenceLength", {"s"}, {"n"}).Node("Cast", {"n"}, {"f"}).Int("to", TensorProto::FLOAT);
  m.Node("Mul", {"stack", "f"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 2}), ElementsAre(3, 3, 3, 6, 6, 6));
}

TEST(OnnxSequence, WhatIsNoTensorIsRefusedWhereOneIsNeeded) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("SequenceConstruct", {"x"}, {"s"}).Node("Relu", {"s"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(m), HasSubstr("y (Relu, opset 13): s is a sequence"));
  OnnxMaker outside(13);
  outside.Input("x", {2}).Initializer("7", Int(7)).Node("SequenceConstruct", {"x"}, {"s"});
  outside.Node("SequenceAt", {"s", "7"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(outside), HasSubstr("expected a position within 1 elements, got 7"));
}

TEST(OnnxSequence, IsMapped) {
  OnnxMaker m(17);
  m.Input("x", {2}).Node("SplitToSequence", {"x"}, {"s"}).Node("SequenceMap", {"s", "x"}, {"t"});
  onnx::GraphProto* body = m.Attribute("body", AttributeProto::GRAPH)->mutable_g();
  for (const char* input : {"element", "all"}) body->add_input()->set_name(input);
  AddNode(body, "Mul", {"element", "all"}, "product");
  body->add_output()->set_name("product");
  m.Node("ConcatFromSequence", {"t"}, {"y"}).Int("axis", 0);
  EXPECT_THAT(StructureRun(m, {2, 3}), ElementsAre(4, 6, 6, 9));
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

TEST(OnnxOptional, IsResolved) {
  OnnxMaker m(18);
  m.Input("x", {2}).Node("Optional", {"x"}, {"o"}).Node("OptionalHasElement", {"o"}, {"c"});
  m.Node("If", {"c"}, {"y"});
  Body(m, "then_branch", "OptionalGetElement", {"o"}, "t");
  Body(m, "else_branch", "Neg", {"x"}, "e");
  EXPECT_THAT(StructureRun(m, {1, -2}), ElementsAre(1, -2));
}

// scale(a, b?) = LeakyRelu(a; alpha = @slope) [+ b]
onnx::FunctionProto* AddFunction(OnnxMaker& m, const std::string& name) {
  onnx::OperatorSetIdProto* domain = m.proto.add_opset_import();
  domain->set_domain("local");
  domain->set_version(1);
  onnx::FunctionProto* function = m.proto.add_functions();
  function->set_name(name);
  function->set_domain("local");
  function->add_opset_import()->set_version(13);
  return function;
}

OnnxMaker LeakyFunction() {
  OnnxMaker m(13);
  onnx::FunctionProto* function = AddFunction(m, "Leaky");
  function->add_input("a");
  function->add_input("low");
  function->add_output("o");
  function->add_attribute("slope");
  AttributeProto* alpha = AddNode(function, "LeakyRelu", {"a"}, "r")->add_attribute();
  alpha->set_name("alpha");
  alpha->set_type(AttributeProto::FLOAT);
  alpha->set_ref_attr_name("slope");
  AddNode(function, "Clip", {"r", "low"}, "o");
  m.Input("x", {2});
  return m;
}

TEST(OnnxFunction, IsInlinedWithItsAttributesAndAbsentOperands) {
  OnnxMaker m = LeakyFunction();
  m.Initializer("-1", Floats({}, {-1})).Node("Leaky", {"x", "-1"}, {"a"}).Name("first");
  m.Last()->set_domain("local");
  m.Attribute("slope", AttributeProto::FLOAT)->set_f(0.5f);
  m.Node("Leaky", {"a"}, {"y"}).Last()->set_domain("local");  // alpha of ONNX's default
  EXPECT_THAT(StructureRun(m, {1, -4}), ElementsAre(1, testing::FloatNear(-0.01f, 1e-6f)));
  EXPECT_NE(m.Import()->graph.Find("first/r"), nullptr);
}

TEST(OnnxFunction, AttributesHaveDefaults) {
  constexpr int kAttributeProto = 11;  // which ONNX 1.12 does not know by name
  AttributeProto slope;
  slope.set_name("slope");
  slope.set_type(AttributeProto::FLOAT);
  slope.set_f(0.25f);
  OnnxMaker m = LeakyFunction();
  onnx::FunctionProto* function = m.proto.mutable_functions(0);
  function->clear_attribute();
  function->mutable_unknown_fields()->AddLengthDelimited(kAttributeProto,
                                                         slope.SerializeAsString());
  m.Node("Leaky", {"x"}, {"y"}).Last()->set_domain("local");
  EXPECT_THAT(StructureRun(m, {1, -4}), ElementsAre(1, -1));
}

TEST(OnnxFunction, WeightsOfTheCallerStayOneVariable) {
  OnnxMaker m = LeakyFunction();
  m.Initializer("w", Floats({2}, {1, 2}));
  for (const char* y : {"p", "q"}) m.Node("Leaky", {"w"}, {y}).Last()->set_domain("local");
  m.Node("Add", {"p", "q"}, {"pq"}).Node("Add", {"pq", "x"}, {"y"}).Output("y");
  const std::vector<std::string> ops = StructureOps(m);
  EXPECT_EQ(std::count(ops.begin(), ops.end(), "Variable"), 1);
}

TEST(OnnxFunction, UnusedOnesAreNoProblem) {
  OnnxMaker m = LeakyFunction();
  AddNode(m.proto.mutable_functions(0), "NoSuchOp", {"a"}, "z");
  m.Node("Relu", {"x"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, -4}), ElementsAre(1, 0));
}

TEST(OnnxFunction, CallsOfThemselvesEnd) {
  OnnxMaker m(13);
  onnx::FunctionProto* function = AddFunction(m, "Twice");
  function->add_input("a");
  function->add_output("o");
  AddNode(function, "Twice", {"a"}, "b")->set_domain("local");
  AddNode(function, "Twice", {"b"}, "o")->set_domain("local");
  *function->add_opset_import() = m.proto.opset_import(1);
  m.Input("x", {2}).Node("Twice", {"x"}, {"y"}).Output("y").Last()->set_domain("local");
  EXPECT_THAT(StructureError(m), HasSubstr("do they call themselves?"));
}

TEST(OnnxFunction, ThatMultiplyExponentiallyEnd) {
  OnnxMaker m(13);
  for (int i = 0; i < 40; ++i) {
    onnx::FunctionProto* function = AddFunction(m, absl::StrCat("f", i));
    function->add_input("a");
    function->add_output("o");
    const std::string next = i == 39 ? "Relu" : absl::StrCat("f", i + 1);
    for (auto [in, out] : {std::pair("a", "b"), std::pair("b", "o")}) {
      onnx::NodeProto* node = AddNode(function, next, {in}, out);
      if (i < 39) node->set_domain("local");
    }
    *function->add_opset_import() = m.proto.opset_import(1);
  }
  m.Input("x", {2}).Node("f0", {"x"}, {"y"}).Output("y").Last()->set_domain("local");
  EXPECT_THAT(StructureError(m), HasSubstr("more than 100000 nodes"));
}

TEST(OnnxOrder, NodesAreSorted) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("Neg", {"b"}, {"y"}).Node("Relu", {"a"}, {"b"}).Node("Neg", {"x"}, {"a"});
  EXPECT_THAT(StructureRun(m, {1, -4}), ElementsAre(0, -4));
}

TEST(OnnxOrder, CyclesAreNamedWithoutWhatFollowsThem) {
  OnnxMaker m(13);
  m.Input("x", {2})
      .Node("Relu", {"b"}, {"y"})
      .Node("Add", {"x", "b"}, {"a"})
      .Node("Add", {"x", "a"}, {"b"})
      .Node("NonZero", {"x"}, {"z"})
      .Output("y")
      .Output("z");
  EXPECT_THAT(
      StructureError(m),
      AllOf(HasSubstr("3 problems: "), HasSubstr("a (Add, opset 13): it is made from its own"),
            HasSubstr("b (Add, opset 13): it is made from its own"),
            HasSubstr("z (NonZero, opset 13)"), Not(HasSubstr("y (Relu"))));
}

TEST(OnnxOutputs, ListedTwiceAreOne) {
  OnnxMaker m(13);
  m.Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y").Output("y");
  EXPECT_EQ(m.Import().value().graph.outputs().size(), 1u);
}

onnx::SparseTensorProto Sparse(std::vector<int64_t> indices, Dims index_dims) {
  onnx::SparseTensorProto sparse;
  *sparse.mutable_values() = TensorToProto(Floats({2}, {5, 7}), "w");
  *sparse.mutable_indices() =
      TensorToProto(Tensor::FromValues<int64_t>(std::move(index_dims), indices).value(), "");
  sparse.add_dims(2);
  sparse.add_dims(2);
  return sparse;
}

TEST(OnnxSparse, InitializersAndConstantsGetTheirZeros) {
  OnnxMaker m(13);
  m.Input("x", {2});
  *m.proto.mutable_graph()->add_sparse_initializer() = Sparse({1, 2}, {2});
  m.Node("Constant", {}, {"c"});
  *m.Attribute("sparse_value", AttributeProto::SPARSE_TENSOR)->mutable_sparse_tensor() =
      Sparse({0, 1, 1, 1}, {2, 2});
  m.Node("MatMul", {"w", "x"}, {"wx"}).Node("MatMul", {"c", "wx"}, {"y"});
  EXPECT_THAT(StructureRun(m, {1, 10}), ElementsAre(35, 49));
}

TEST(OnnxSparse, IndicesOutsideAndZerosBeyondMeasureAreRefused) {
  const auto error = [](const onnx::SparseTensorProto& sparse) {
    OnnxMaker m(13);
    m.Input("x", {2}).Node("MatMul", {"w", "x"}, {"y"}).Output("y");
    *m.proto.mutable_graph()->add_sparse_initializer() = sparse;
    return StructureError(m);
  };
  EXPECT_THAT(error(Sparse({1, 4}, {2})), HasSubstr("element 1 lies outside of [2,2]"));
  EXPECT_THAT(error(Sparse({2, 1}, {2})), HasSubstr("not after the one before it"));
  EXPECT_THAT(error(Sparse({1, 2, 3}, {3})), HasSubstr("expected indices i64[2] or i64[2,2]"));
  onnx::SparseTensorProto giant = Sparse({1, 2}, {2});
  giant.set_dims(0, int64_t{1} << 34);
  EXPECT_THAT(error(giant), HasSubstr("too large to be filled with its zeros"));
}

TEST(OnnxClip, LimitsOfOfOneElement) {
  OnnxMaker m(13);
  m.Input("x", {3}).Initializer("low", Floats({1}, {0})).Initializer("high", Floats({1}, {6}));
  m.Node("Clip", {"x", "low", "high"}, {"y"});
  EXPECT_THAT(StructureRun(m, {-1, 3, 9}), ElementsAre(0, 3, 6));
}

}  // namespace
}  // namespace weft
