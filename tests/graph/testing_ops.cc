#include "tests/graph/testing_ops.h"

#include <array>
#include <cstdlib>

namespace weft {
namespace {

using Types = absl::StatusOr<std::vector<TensorType>>;

Types SameType(const InferContext& c) { return std::vector{c.type(0)}; }

Types InferAdd(const InferContext& c) {
  if (c.type(0) == c.type(1)) return std::vector{c.type(0)};
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", ToString(c.type(0)), ", B is ", ToString(c.type(1))));
}

Types InferNorm(const InferContext& c) { return std::vector(3, c.type(0)); }

Types InferFlatten(const InferContext& c) {
  Dim rest(1);
  for (int i = 1; i < c.type(0).rank(); ++i) {
    rest = Dim::Multiply(rest, c.type(0).dim(i)).value_or(c.FreshDim("size"));
  }
  return std::vector{TensorType{c.type(0).dtype, {c.type(0).dim(0), rest}}};
}

Types InferNonZero(const InferContext& c) {
  return std::vector{TensorType{DType::kI64, {Dim(c.type(0).rank()), c.FreshDim("n")}}};
}

Types InferReshape(const InferContext& c) {
  TensorType type{c.type(0).dtype, {}};
  if (const Tensor* shape = c.constant(1)) {
    for (const int64_t d : shape->values<int64_t>()) type.shape.emplace_back(d);
  } else {
    for (int64_t i = 0; i < c.type(1).dim(0).coefficient(); ++i) {
      type.shape.push_back(c.FreshDim(absl::StrCat("d", i)));
    }
  }
  return std::vector{type};
}

OpDef AllKinds() {
  using Kind = Attribute::Kind;
  OpDef def{.name = "AllKinds", .inputs = {{"X", kAllTypes}}, .infer = SameType};
  def.attributes = {
      {.name = "int", .kind = Kind::kInt},         {.name = "float", .kind = Kind::kFloat},
      {.name = "string", .kind = Kind::kString},   {.name = "ints", .kind = Kind::kInts},
      {.name = "floats", .kind = Kind::kFloats},   {.name = "strings", .kind = Kind::kStrings},
      {.name = "dtype", .kind = Kind::kDType},     {.name = "type", .kind = Kind::kType},
      {.name = "tensor", .kind = Kind::kTensor},   {.name = "post_ops", .kind = Kind::kPostOps},
      {.name = "seven", .fallback = Attribute(7)},
  };
  return def;
}

OpRegistry MakeTestOps() {
  OpRegistry ops;
  std::vector<OpDef> defs = {
      {.name = "Relu", .inputs = {{"X"}}, .infer = SameType},
      {.name = "Add", .inputs = {{"A"}, {"B"}}, .infer = InferAdd},
      {.name = "Norm",
       .inputs = {{"X"},
                  {"scale", kFloatTypes, Arity::kOptional},
                  {"B", kFloatTypes, Arity::kOptional}},
       .outputs = {{"Y"}, {"mean", true}, {"var", true}},
       .attributes = {{.name = "epsilon", .kind = Attribute::Kind::kFloat, .fallback = 0.5}},
       .infer = InferNorm},
      {.name = "Flatten", .inputs = {{"X"}}, .infer = InferFlatten},
      {.name = "NonZero", .inputs = {{"X", kAllTypes}}, .infer = InferNonZero},
      {.name = "Reshape",
       .inputs = {{"X"}, {"shape", {DType::kI64}, Arity::kRequired, 'I'}},
       .infer = InferReshape},
      AllKinds(),
  };
  absl::Status status = RegisterLeaves(ops);
  for (OpDef& def : defs) {
    if (status.ok()) status = ops.Register(std::move(def));
  }
  if (!status.ok()) std::abort();
  return ops;
}

Value MakeAllKinds(Emitter& e, Value x) {
  const PostOp relu{.op = "Relu", .attributes = {{"alpha", 0.25}}, .input = -1};
  const PostOp add{.op = "Add", .attributes = {}, .input = 3};
  return e.Op("AllKinds", {x},
              {{"int", int64_t{-5}},
               {"float", 0.1},
               {"string", std::string("a\0\xff\"b", 5)},
               {"ints", std::vector<int64_t>{1, -2, int64_t{1} << 62}},
               {"floats", std::vector<double>{0.5, -0.0, 1e300}},
               {"strings", std::vector<std::string>{"", "two"}},
               {"dtype", DType::kBF16},
               {"type", TensorType{DType::kU8, {N(), Dim(3), *Dim::Multiply(N(), Dim(64))}}},
               {"tensor", F32({2}, {1, 2})},
               {"post_ops", std::vector<PostOp>{relu, add}}});
}

TrainingState SampleTraining() {
  TrainingState s;
  s.step = 12;
  s.epoch = 3;
  s.seed = ~uint64_t{0};
  s.threads = 2;
  s.config = {{"lr", "0.1"}, {"batch", "32"}};
  s.slots.emplace("w/momentum", F32({4}, {0, 0, 0, 0}));
  s.slots.emplace("b/momentum", F32({4}, {0, 0, 0, 0}));
  s.kernel_choices = {{"norm", "jit:avx2"}};
  return s;
}

}  // namespace

const OpRegistry& TestOps() {
  static const OpRegistry ops = MakeTestOps();
  return ops;
}

Tensor F32(Dims dims, std::vector<float> values) {
  return Tensor::FromValues<float>(std::move(dims), values).value();
}

TensorType F32Type(Shape shape) { return {DType::kF32, std::move(shape)}; }

Model SampleModel() {
  Graph g(TestOps());
  const Value x = g.AddInput("x", F32Type({N(), 4})).value();
  const Value w = g.AddVariable("w", F32({4}, {1, -2, 3, 0.1f})).value();
  const Value mean = g.AddVariable("mean", F32({4}, {0, 0, 0, 0}), false, kStatistic).value();
  const Value none = g.AddConstant("none", Tensor::Zeros(DType::kF64, {0, 3}).value()).value();
  const Value mask =
      g.AddConstant("mask", Tensor::FromValues<bool>({3}, std::array{true, false, true}).value())
          .value();
  Emitter e(g, "", {.rule = "fuse", .sources = {"a", "b"}});
  Node* norm = e.OpNode("Norm", {w, Value(), mean}, {{"epsilon", 0.25}}, 2);
  const Value all = MakeAllKinds(e, x);
  e.OpNode("Relu", {all}, {}, -1, all.node);
  const Value indices = e.Op("NonZero", {mask});
  const Value relu_none = e.Op("Relu", {none});
  if (!e.ok()) std::abort();
  (void)g.AddOutput("y", all);
  (void)g.AddOutput("indices", indices);
  (void)g.AddOutput("none", relu_none);
  (void)g.AddUpdate(mean.node, norm->output(1));
  Model model(std::move(g));
  model.preprocessing = Preprocessing{3, 28, 32, "rgb", {0.1f, 0.2f, 0.3f}, {1, 2, 3}};
  model.class_names = {"zero", "eins", "deux", "\xE4\xBA\x8C"};
  model.training = SampleTraining();
  model.metadata = {{"name", "sample"}, {"description", "of everything"}};
  return model;
}

}  // namespace weft
