#include "tests/passes/testing_random.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/evaluate.h"
#include "graph/transaction.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr double kMost = 16;         // of what is read again
constexpr int64_t kMostSize = 1500;  // elements of it

bool IsFloat(Value v) { return kFloatTypes.contains(v.type().dtype); }

// Of the finite elements and zero.
struct Range {
  double low = 0, high = 0;
  bool is_finite = true;
};

Range RangeOf(const Tensor& tensor) {
  Range range;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double x = tensor.At(i);
    range.is_finite = range.is_finite && std::isfinite(x);
    if (!std::isfinite(x)) continue;
    range.low = std::min(range.low, x);
    range.high = std::max(range.high, x);
  }
  return range;
}

bool IsSymbolic(const Shape& shape) {
  return std::any_of(shape.begin(), shape.end(), [](const Dim& d) { return !d.is_static(); });
}

}  // namespace

absl::StatusOr<std::vector<Tensor>> ValuesOf(const Node& node, std::span<const Tensor> inputs) {
  if (const Tensor& leaf = LeafValue(node); !leaf.is_empty()) return std::vector<Tensor>{leaf};
  // With all operands known, all shapes are.
  Graph scratch(StandardOps());
  NodeSpec spec{.op = std::string(node.op_name()),
                .name = node.name(),
                .attributes = node.attributes(),
                .num_outputs = node.num_outputs()};
  if (GetString(spec.attributes, "mode") == "auto") spec.attributes["mode"] = "training";
  std::vector<TensorView> views;
  for (const Tensor& tensor : inputs) {
    Value value;
    if (!tensor.is_empty()) {
      WEFT_ASSIGN_OR_RETURN(value, scratch.AddConstant("", tensor));
    }
    spec.inputs.push_back(value);
    views.push_back(ViewOf(tensor));
  }
  WEFT_ASSIGN_OR_RETURN(Node * copy, scratch.AddNode(std::move(spec)));
  return EvaluateNode(*copy, views, {});
}

Draft::Draft(const RandomGraphOptions& options)
    : options_(options), random_(options.seed * 7919 + 17) {
  const int percent = Pick(1, 100);
  batch_ = percent <= 55 ? 2 : percent <= 75 ? 3 : percent <= 96 ? 1 : 0;
  if (training()) batch_ = Pick(2, 4);  // a variance needs two values
  has_specials_ = !training() && Chance(6);
}

int Draft::Pick(int low, int high) {
  return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
}

Tensor Draft::Numbers(Dims dims, double low, double high) {
  return MakeTensor(Uniform(std::move(dims), low, high), dtype(), Seed());
}

Value Draft::Constant(Tensor value) {
  const Value v = graph().AddConstant("c", value).value();
  tensors_[v.node] = {std::move(value)};
  return v;
}

Value Draft::Weight(Dims dims, double low, double high, bool statistic) {
  Tensor value = Numbers(std::move(dims), low, high);
  if (!training()) return Constant(std::move(value));
  const std::string name = graph().UniqueName("w");
  const Value v =
      graph().AddVariable(name, value, !statistic, statistic ? kStatistic : kParameter).value();
  tensors_[v.node] = {std::move(value)};
  return v;
}

void Draft::SetSpecials(Tensor& value) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  (void)VisitFloat(value.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (T& x : value.mutable_values<T>()) {
      const double specials[] = {NAN, kInfinity, -kInfinity, -0.0};
      if (Chance(20)) x = static_cast<T>(specials[Pick(0, 3)]);
    }
  });
}

Value Draft::Input(Tensor value, Shape shape) {
  const std::string name = graph().UniqueName("x");
  if (has_specials_ && value.dtype() == dtype()) SetSpecials(value);
  const Value v = graph().AddInput(name, {value.dtype(), std::move(shape)}).value();
  result_.feeds[name] = value;
  tensors_[v.node] = {std::move(value)};
  return v;
}

Value Draft::Leaf(Tensor value, Shape shape) {
  if (!IsSymbolic(shape) && Chance(50)) return Constant(std::move(value));
  return Input(std::move(value), std::move(shape));
}

Value Draft::Add(std::string_view op, std::vector<Value> inputs, AttributeMap attributes) {
  for (const Value& v : inputs) {
    if (v.null()) return {};
  }
  Node* node = AddNode(
      {.op = std::string(op), .inputs = std::move(inputs), .attributes = std::move(attributes)});
  if (node == nullptr) return {};
  if (Chance(12)) Offer(node->output());
  return node->output();
}

Node* Draft::AddNode(NodeSpec spec) {
  std::vector<Tensor> inputs;
  for (const Value& v : spec.inputs) inputs.push_back(v.null() ? Tensor() : At(v));
  Graph::Transaction change(graph());
  const absl::StatusOr<Node*> node = graph().AddNode(std::move(spec));
  auto values = node.ok() ? ValuesOf(**node, inputs) : node.status();
  if (!values.ok()) return nullptr;
  change.Commit();
  tensors_[*node] = *std::move(values);
  return *node;
}

const Tensor& Draft::At(Value value) const {
  return tensors_.at(value.node)[static_cast<size_t>(value.index)];
}

Value Draft::Any(const std::function<bool(Value)>& fits) {
  std::vector<Value> all;
  std::copy_if(offered_.begin(), offered_.end(), std::back_inserter(all), fits);
  if (all.empty()) return {};
  return Chance(60) ? all.back() : OneOf(all);
}

Value Draft::AnyFloat() {
  const Value v = Any([&](Value x) { return x.type().dtype == dtype(); });
  return v.null() ? AnyImage() : v;
}

Value Draft::AnyImage() {
  const Value v = Any([&](Value x) {
    const TensorType& type = x.type();
    const Dims& dims = DimsOf(x);
    return type.dtype == dtype() && type.rank() >= 3 && type.rank() <= 5 &&
           type.dim(1).is_static() &&
           std::all_of(dims.begin() + 1, dims.end(), [](int64_t d) { return d > 0; });
  });
  if (!v.null()) return v;
  const int axes = Chance(80) ? 2 : Pick(1, 3);
  Dims dims = {batch_, Pick(1, 4)};
  for (int i = 0; i < axes; ++i) {
    const bool is_square = i > 0 && Chance(50);
    dims.push_back(is_square ? dims.back() : Pick(3, axes == 3 ? 4 : 6));
  }
  Shape shape = ToShape(dims);
  if (training() || Chance(70)) shape[0] = Dim::Symbol("N");
  for (size_t i = 2; !training() && Chance(20) && i < shape.size(); ++i) {
    shape[i] = Dim::Symbol(absl::StrCat("S", graph().size(), "_", i));
  }
  const Value x = Input(Numbers(dims), std::move(shape));
  Offer(x);
  return x;
}

Value Draft::AnyMatrix() {
  const Value v = Any([&](Value x) {
    const TensorType& type = x.type();
    return type.dtype == dtype() && type.rank() >= 2 && type.rank() <= 3 &&
           type.shape.back().is_static() && type.shape.back().coefficient() > 0;
  });
  if (!v.null()) return v;
  Dims dims = {batch_, Pick(1, 6)};
  if (Chance(40)) dims.insert(dims.begin() + 1, Pick(1, 4));
  Shape shape = ToShape(dims);
  if (Chance(70)) shape[0] = Dim::Symbol("N");
  const Value x = Input(Numbers(dims), std::move(shape));
  Offer(x);
  return x;
}

void Draft::Offer(Value v) {
  if (v.null()) return;
  if (std::find(offered_.begin(), offered_.end(), v) != offered_.end()) return;
  if (At(v).size() > kMostSize) return;
  const Range range = RangeOf(At(v));
  const double most = std::max(std::abs(range.low), std::abs(range.high));
  if ((!range.is_finite && !has_specials_) || most > 1e6) {
    wild_.push_back(v);
  } else if (IsFloat(v) && most > kMost) {
    offered_.push_back(v);
    const Value scale = Constant(Tensor::Scalar(4 / most, v.type().dtype));
    Offer(Add("Mul", {v, scale}));
  } else {
    offered_.push_back(v);
  }
}

RandomGraph Draft::Finish() {
  const auto output = [&](Value v) {
    const std::string name = absl::StrCat("y", graph().outputs().size());
    EXPECT_EQ(graph().AddOutput(name, v), absl::OkStatus());
  };
  for (const Value& v : offered_) {
    const bool is_leaf = v.node->num_inputs() == 0;
    if ((graph().CountReaders(v) == 0 && !is_leaf) || Chance(8)) output(v);
  }
  for (const Value& v : wild_) {
    if (Chance(50)) output(v);
  }
  if (graph().outputs().empty()) output(Add("Neg", {AnyFloat()}));
  return std::move(result_);
}

RandomGraph MakeRandomGraph(const RandomGraphOptions& options) {
  Draft d(options);
  const int steps = d.Pick(2, 9);
  const bool rows = d.Chance(50);  // half of them are made of what networks are made of
  for (int i = 0; i < steps; ++i) {
    if (d.has_specials()) {
      AddExactMotif(d);
    } else if (options.training) {
      AddLayers(d);
    } else if (rows && d.Chance(60)) {
      AddRow(d);
    } else if (d.Chance(50)) {
      AddLayers(d);
    } else {
      AddMotif(d);
    }
  }
  return d.Finish();
}

}  // namespace weft
