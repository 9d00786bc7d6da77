// Sequences and optionals of ONNX models.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing_onnx_structure.h"

namespace weft {
namespace {

using onnx::AttributeProto;
using onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(OnnxSequence, OfSequencesOrOfManyElementsIsRefused) {
  OnnxMaker nested(13);
  nested.Input("x", {2}).Node("SequenceConstruct", {"x"}, {"s"});
  nested.Node("SequenceConstruct", {"s"}, {"t"}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(nested), HasSubstr("a sequence of other things than tensors"));
  OnnxMaker inserted(13);
  inserted.Input("x", {2}).Node("SequenceConstruct", {"x"}, {"s"});
  inserted.Node("SequenceInsert", {"s", "s"}, {"t"}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(inserted), HasSubstr("a sequence of other things than tensors"));
  OnnxMaker many(13);
  many.Input("x", {2}).Node("SequenceConstruct", std::vector<std::string>(1001, "x"), {"s"});
  many.Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(many), HasSubstr("a sequence of more than 1000 elements"));
}

TEST(OnnxSequence, PositionsAndSizesAreIntegers) {
  OnnxMaker at(13);
  at.Input("x", {2}).Initializer("half", Floats({}, {0.5})).Node("SequenceConstruct", {"x"}, {"s"});
  at.Node("SequenceAt", {"s", "half"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(at), HasSubstr("expected one integer or bool as position, got f32"));
  OnnxMaker split(13);
  split.Input("x", {2}).Initializer("half", Floats({2}, {0.5, 1.5}));
  split.Node("SplitToSequence", {"x", "half"}, {"s"}).Node("Relu", {"x"}, {"y"}).Output("y");
  EXPECT_THAT(StructureError(split), HasSubstr("expected integers as split, got f32[2]"));
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

TEST(OnnxOptional, IsResolved) {
  OnnxMaker m(18);
  m.Input("x", {2}).Node("Optional", {"x"}, {"o"}).Node("OptionalHasElement", {"o"}, {"c"});
  m.Node("If", {"c"}, {"y"});
  Body(m, "then_branch", "OptionalGetElement", {"o"}, "t");
  Body(m, "else_branch", "Neg", {"x"}, "e");
  EXPECT_THAT(StructureRun(m, {1, -2}), ElementsAre(1, -2));
}

}  // namespace
}  // namespace weft
