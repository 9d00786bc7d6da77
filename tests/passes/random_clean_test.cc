// Random graphs of what the rules in passes/clean look for: moves, casts, limits, signs, constants.
// Whatever the rules do to them, the results stay, and they come to an end.

#include "autodiff/gradients.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class RandomMoves {
 public:
  RandomMoves(uint32_t seed, bool trains) : net_(DType::kF64, seed), random_(seed * 7919 + 1) {
    values_.push_back(net_.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2, 3, 4}}).value());
    if (trains) {
      net_.variables = true;
      const Value w = net_.graph.AddVariable("w", net_.RandomTensor({2, 1, 4})).value();
      values_.push_back(net_.Add("Mul", "weighed", {values_[0], w}));
    }
    const int nodes = Pick(5, 16);
    for (int i = 0; i < nodes; ++i) values_.push_back(AddNode(std::to_string(i)));
    net_.Output("last", values_.back());
    for (size_t i = 1; i + 1 < values_.size(); ++i) {
      if (Pick(0, 9) == 0) net_.Output("out" + std::to_string(i), values_[i]);
    }
  }

  Graph& graph() { return net_.graph; }

 private:
  int Pick(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }
  std::string OneOfNames(std::vector<std::string> names) {
    return names[static_cast<size_t>(Pick(0, static_cast<int>(names.size()) - 1))];
  }

  Value AnyValue() {
    const int last = static_cast<int>(values_.size()) - 1;
    return values_[static_cast<size_t>(Pick(0, 5) == 0 ? Pick(0, last) : last)];
  }

  Value Ints(std::vector<int64_t> values) {
    return net_.graph.AddConstant("ints", Tensor::FromInts(values)).value();
  }

  // 0, 1, a power of two, or one number for all or for each element of some axes.
  Value Constant(Value x) {
    const double numbers[] = {0, 1, -1, 2, 0.25, 3};
    if (Pick(0, 1) == 0) {
      return net_.graph.AddConstant("number", Tensor::Scalar(numbers[Pick(1, 5)], DType::kF64))
          .value();
    }
    Dims dims;
    for (int axis = Pick(0, x.type().rank() - 1); axis < x.type().rank(); ++axis) {
      const Dim& dim = x.type().dim(axis);
      dims.push_back(dim.is_static() && Pick(0, 1) == 0 ? dim.coefficient() : 1);
    }
    return net_.Random("c", std::move(dims), 0.5, 2);
  }

  Value Transposed(const std::string& name, Value x) {
    std::vector<int64_t> perm;
    for (int axis = 0; axis < x.type().rank(); ++axis) perm.push_back(axis);
    // Few different ones, so that some undo others.
    if (perm.size() > 2 && Pick(0, 2) > 0) {
      std::rotate(perm.begin() + 1, perm.begin() + (Pick(0, 1) == 0 ? 2 : perm.size() - 1),
                  perm.end());
    } else {
      std::swap(perm.front(), perm.back());
    }
    return net_.Add("Transpose", name, {x}, {{"perm", perm}});
  }

  Value Viewed(const std::string& name, Value x) {
    const int rank = x.type().rank();
    switch (Pick(0, 3)) {
      case 0:
        return net_.Add("Flatten", name, {x}, {{"axis", Pick(0, rank)}});
      case 1:
        if (rank > 5) return net_.Add("Identity", name, {x});
        return net_.Add("Unsqueeze", name, {x, Ints({Pick(0, rank)})});
      case 2:
        return net_.Add("Reshape", name, {x, Ints({-1})});
      default:
        return net_.Add("ReshapeLike", name, {x, values_[0]});
    }
  }

  // Cut in two on a known axis, and one of the pieces, or both joined in some order.
  Value Pieces(const std::string& name, Value x) {
    int axis = x.type().rank() - 1;
    while (axis >= 0 && (!x.type().dim(axis).is_static() || x.type().dim(axis) == Dim(1))) --axis;
    if (axis < 0) return net_.Add("Sum", name, {x});
    const int64_t extent = x.type().dim(axis).coefficient();
    const int64_t at = Pick(1, static_cast<int>(extent) - 1);
    Node* split =
        net_.Add("Split", name + "s", {x, Ints({at, extent - at})}, {{"axis", axis}}, 2).node;
    const int order = Pick(0, 2) == 0;
    const Value joined = net_.Add("Concat", name, {split->output(order), split->output(1 - order)},
                                  {{"axis", axis}});
    if (Pick(0, 1) == 0) return joined;
    const auto cut = [&](const std::string& part, int64_t from, int64_t to) {
      return net_.Add("Slice", name + part, {joined, Ints({from}), Ints({to}), Ints({axis})});
    };
    return net_.Add("Concat", name + "back", {cut("low", 0, at), cut("high", at, extent)},
                    {{"axis", axis}});
  }

  Value Unary(const std::string& name, Value x) {
    return net_.Add(OneOfNames({"Relu", "Abs", "Neg", "Neg", "Tanh", "Sigmoid", "Identity"}), name,
                    {x});
  }

  Value AddNode(const std::string& i) {
    const Value x = AnyValue();
    switch (Pick(0, 9)) {
      case 0:
      case 1:
        return Transposed("t" + i, x);
      case 2:
        return Viewed("v" + i, x);
      case 3:
        return Unary("u" + i + "b", Pick(0, 1) == 0 ? x : Unary("u" + i, x));
      case 4:
      case 5:
        return net_.Add(OneOfNames({"Add", "Sub", "Mul", "Div"}), "const" + i, {x, Constant(x)});
      case 6: {
        const Value other = AnyValue();
        if (other.type() != x.type()) return net_.Add("Mul", "square" + i, {x, x});
        return net_.Add(OneOfNames({"Add", "Sub", "Mul"}), "binary" + i, {x, other});
      }
      case 7: {
        const Value low = net_.Random("low" + i, {}, -1, 0.5);
        return net_.Add("Clip", "clip" + i,
                        {x, Pick(0, 2) == 0 ? Value() : low,
                         Pick(0, 2) == 0 ? Value() : net_.Random("high" + i, {}, 0, 1)});
      }
      case 8:
        return Pieces("p" + i, x);
      default:
        return net_.Add("Mul", "expanded" + i,
                        {x, net_.Add("ExpandLike", "e" + i, {net_.Random("c", {}), x})});
    }
  }

  Net net_;
  std::mt19937 random_;
  std::vector<Value> values_;
};

TEST(RandomCleanTest, OptimizedGraphsComputeTheSame) {
  std::map<std::string, int> rewrites;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomMoves moves(seed, /*trains=*/false);
    const PassReport report = ExpectSameResults(moves.graph(), TestOptions(), 1e-11);
    for (const Rewrite& r : report.rewrites) ++rewrites[r.rule];
    if (HasFailure()) break;
  }
  // The graphs do exercise the rules.
  for (const std::string rule :
       {"remove_identity", "remove_ones", "remove_repeated", "merge_views", "merge_transposes",
        "cancel_transposes", "transpose_to_reshape", "join_pieces", "drop_expand", "merge_clips",
        "negate_terms", "negate_factors", "negate_products", "merge_factors", "merge_terms",
        "invert_constants"}) {
    EXPECT_GE(rewrites[rule], 1) << rule;
  }
}

TEST(RandomCleanTest, EachRuleAloneComesToAnEnd) {
  for (const std::string& pass : PassNames()) {
    for (uint32_t seed = 1; seed <= 60; ++seed) {
      SCOPED_TRACE(testing::Message() << pass << ", seed " << seed);
      RandomMoves moves(seed, /*trains=*/false);
      ExpectSameResults(moves.graph(), TestOptions({pass}), 1e-11);
      if (HasFailure()) return;
    }
  }
}

TEST(RandomCleanTest, RulesWithoutFoldingComeToAnEnd) {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomMoves moves(seed, /*trains=*/false);
    PassOptions options = TestOptions();
    options.disable = {"fold_constants"};
    ExpectSameResults(moves.graph(), options, 1e-11);
    if (HasFailure()) break;
  }
}

TEST(RandomCleanTest, GradientsStayTheSame) {
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomMoves moves(seed, /*trains=*/true);
    Graph graph = ForTraining(moves.graph()).value();
    Emitter e(graph, "loss");
    const Value y = graph.outputs()[0].value;
    const Value loss = e.Op("ReduceSum", {e.Op("Mul", {y, y})}, {{"keepdims", 0}});
    const auto gradients = Gradients(graph, {{loss}}, {{graph.variables()[0]->output()}});
    ASSERT_EQ(gradients.status(), absl::OkStatus());
    if ((*gradients)[0]) {
      ASSERT_EQ(graph.AddOutput("dw", (*gradients)[0]), absl::OkStatus());
    }
    ExpectSameResults(graph, TestOptions(), 1e-10);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace weft
