// Functions of ONNX models, the order of nodes, and sparse tensors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing_onnx_structure.h"

namespace weft {
namespace {

using onnx::AttributeProto;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

template <typename Message>
void SetOverload(Message* message, int field, const std::string& overload) {
  message->mutable_unknown_fields()->AddLengthDelimited(field, overload);
}
constexpr int kOverloadOfFunction = 13, kOverloadOfNode = 8;  // since IR version 10

// o = OP(a)
onnx::FunctionProto* AddUnaryFunction(OnnxMaker& m, const std::string& name,
                                      const std::string& op) {
  onnx::FunctionProto* function = AddFunction(m, name);
  function->add_input("a");
  function->add_output("o");
  AddNode(function, op, {"a"}, "o");
  return function;
}

TEST(OnnxFunction, OverloadsAreToldApart) {
  OnnxMaker m(13);
  SetOverload(AddUnaryFunction(m, "f", "Neg"), kOverloadOfFunction, "one");
  SetOverload(AddUnaryFunction(m, "f", "Abs"), kOverloadOfFunction, "two");
  m.Input("x", {2}).Node("f", {"x"}, {"y"}).Last()->set_domain("local");
  SetOverload(m.Last(), kOverloadOfNode, "two");
  EXPECT_THAT(StructureRun(m, {1, -4}), ElementsAre(1, 4));
}

TEST(OnnxFunction, TwoOfOneNameAreRefused) {
  OnnxMaker m(13);
  for (const char* op : {"Neg", "Abs"}) AddUnaryFunction(m, "f", op);
  m.Input("x", {2}).Node("f", {"x"}, {"y"}).Output("y").Last()->set_domain("local");
  EXPECT_THAT(StructureError(m), HasSubstr("function f: another one has that name"));
}

// Outer is copied for its call, Inner is not: its constant lies in the model.
TEST(OnnxFunction, ConstantsOutliveTheCopyOfTheirCaller) {
  constexpr int64_t kSize = 1 << 20;
  OnnxMaker m = LeakyFunction();
  onnx::FunctionProto* inner = AddUnaryFunction(m, "Inner", "Constant");
  inner->mutable_node(0)->clear_input();
  inner->mutable_node(0)->set_output(0, "q");
  AttributeProto* value = inner->mutable_node(0)->add_attribute();
  value->set_name("value");
  value->set_type(AttributeProto::TENSOR);
  *value->mutable_t() = TensorToProto(Floats({kSize}, std::vector<float>(kSize, 3)), "");
  AddNode(inner, "Add", {"a", "q"}, "o");
  onnx::FunctionProto* outer = m.proto.mutable_functions(0);
  outer->mutable_node(1)->set_op_type("Inner");
  outer->mutable_node(1)->set_domain("local");
  outer->mutable_node(1)->mutable_input()->RemoveLast();
  m.Node("Leaky", {"x"}, {"all"}).Last()->set_domain("local");
  m.Attribute("slope", AttributeProto::FLOAT)->set_f(0.5f);
  m.Node("ReduceMean", {"all"}, {"y"}).Int("keepdims", 0);
  m.proto.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_value(1);
  EXPECT_THAT(StructureRun(m, {1}), ElementsAre(4));
}

TEST(OnnxFunction, ThatOnlyCallsItselfEnds) {
  OnnxMaker m(13);
  onnx::FunctionProto* function = AddUnaryFunction(m, "Self", "Self");
  function->mutable_node(0)->set_domain("local");
  *function->add_opset_import() = m.proto.opset_import(1);
  m.Input("x", {2}).Node("Self", {"x"}, {"y"}).Output("y").Last()->set_domain("local");
  EXPECT_THAT(StructureError(m), HasSubstr("do they call themselves?"));
}

// The branch has a `low` of its own, which is not the operand that the call leaves out.
TEST(OnnxFunction, AbsentOperandsAreNotWhatBodiesCallTheSame) {
  OnnxMaker m = LeakyFunction();
  onnx::FunctionProto* function = m.proto.mutable_functions(0);
  function->clear_node();
  AttributeProto* value = AddNode(function, "Constant", {}, "c")->add_attribute();
  value->set_name("value");
  value->set_type(AttributeProto::TENSOR);
  *value->mutable_t() = TensorToProto(Bool(true), "");
  onnx::NodeProto* branching = AddNode(function, "If", {"c"}, "o");
  for (const char* name : {"then_branch", "else_branch"}) {
    AttributeProto* attribute = branching->add_attribute();
    attribute->set_name(name);
    attribute->set_type(AttributeProto::GRAPH);
    onnx::GraphProto* branch = attribute->mutable_g();
    *branch->add_initializer() = TensorToProto(Floats({}, {5}), "low");
    AddNode(branch, "Clip", {"a", "low"}, "t");
    branch->add_output()->set_name("t");
  }
  m.Node("Leaky", {"x"}, {"y"}).Last()->set_domain("local");
  EXPECT_THAT(StructureRun(m, {1, 9}), ElementsAre(5, 9));
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
      .Node("TfIdfVectorizer", {"x"}, {"z"})
      .Output("y")
      .Output("z");
  EXPECT_THAT(
      StructureError(m),
      AllOf(HasSubstr("3 problems: "), HasSubstr("a (Add, opset 13): it is made from its own"),
            HasSubstr("b (Add, opset 13): it is made from its own"),
            HasSubstr("z (TfIdfVectorizer, opset 13)"), Not(HasSubstr("y (Relu"))));
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
