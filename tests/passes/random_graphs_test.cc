// Random small nets of convolutions, batch normalizations, activations, sums and pools, with
// branches: whatever the passes do to them, the results stay.

#include <map>

#include "autodiff/gradients.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

class RandomNet {
 public:
  RandomNet(uint32_t seed, DType dtype, const std::string& mode = "inference")
      : net_(dtype, seed), random_(seed * 7919 + 1), mode_(mode) {
    net_.variables = mode != "inference";
    values_.push_back(net_.Image(Pick(1, 4), Pick(4, 7)));
    const int nodes = Pick(4, 14);
    for (int i = 0; i < nodes; ++i) values_.push_back(AddNode(std::to_string(i)));
    net_.Output("last", values_.back());
    // Values in the middle that are outputs too hold some fusions off.
    for (size_t i = 1; i + 1 < values_.size(); ++i) {
      if (Pick(0, 7) == 0) net_.Output("out" + std::to_string(i), values_[i]);
    }
  }

  Graph& graph() { return net_.graph; }

 private:
  int Pick(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }

  // Mostly the latest value, so that chains form; sometimes an older one.
  Value AnyValue() {
    const int last = static_cast<int>(values_.size()) - 1;
    return values_[static_cast<size_t>(Pick(0, 3) == 0 ? Pick(0, last) : last)];
  }

  Value AddNode(const std::string& i) {
    const Value x = AnyValue();
    const int64_t size = x.type().dim(2).coefficient();
    switch (Pick(0, 9)) {
      case 0:
      case 1:
        return net_.Conv("conv" + i, x, Pick(1, 5),
                         {.kernel = size >= 3 ? 3 : 1,
                          .stride = size > 3 ? Pick(1, 2) : 1,
                          .bias = Pick(0, 1) == 1});
      case 2:
        return net_.Conv(
            "point" + i, x, Pick(1, 9),
            {.kernel = 1, .stride = size > 3 ? Pick(1, 2) : 1, .bias = Pick(0, 1) == 1});
      case 3:
      case 4:
        return net_.BatchNorm("bn" + i, x, mode_);
      case 5:
        return net_.Add(Pick(0, 1) == 0 ? "Relu" : "Tanh", "act" + i, {x});
      case 6:
        return AddResidual(i, x);
      case 7:
        return AddPerChannel(i, x);
      case 8:
        if (size < 2) return net_.Add("Identity", "id" + i, {x});
        return net_.Add(Pick(0, 1) == 0 ? "MaxPool" : "AveragePool", "pool" + i, {x},
                        {{"kernel_shape", std::vector<int64_t>{2, 2}}});
      default:
        return net_.Add("Dropout", "drop" + i, {x}, {{"mode", mode_}, {"stream", Pick(0, 1)}});
    }
  }

  Value AddPerChannel(const std::string& i, Value x) {
    static constexpr const char* kOps[] = {"Add", "Sub", "Mul", "Div"};
    const char* op = kOps[Pick(0, 3)];
    return net_.Add(op, "affine" + i,
                    {x, net_.Random("c" + i, {x.type().dim(1).coefficient(), 1, 1}, 0.5, 2)});
  }

  // The sum with another value of the same type, on either side; a conv's result where none is.
  Value AddResidual(const std::string& i, Value x) {
    Value other;
    for (const Value& v : values_) {
      if (v != x && v.type() == x.type()) other = v;
    }
    if (other.null()) {
      other = net_.Conv("side" + i, x, x.type().dim(1).coefficient(), {.kernel = 1});
    }
    return Pick(0, 1) == 0 ? net_.Add("Add", "add" + i, {x, other})
                           : net_.Add("Add", "add" + i, {other, x});
  }

  Net net_;
  std::mt19937 random_;
  std::string mode_;
  std::vector<Value> values_;
};

// The training step's graph: the gradients of a loss by every parameter as outputs besides those of
// `neutral`, running statistics as updates.
Graph TrainingGraph(const Graph& neutral) {
  Graph graph = ForTraining(neutral).value();
  Emitter e(graph, "loss");
  const Value y = graph.outputs()[0].value;
  const std::vector<Value> loss = {e.Op("ReduceMean", {e.Op("Mul", {y, y})}, {{"keepdims", 0}})};
  std::vector<Value> parameters;
  for (Node* v : graph.variables()) {
    if (IsTrainable(*v)) parameters.push_back(v->output());
  }
  const auto gradients = Gradients(graph, loss, parameters);
  EXPECT_EQ(gradients.status(), absl::OkStatus());
  for (size_t i = 0; gradients.ok() && i < gradients->size(); ++i) {
    EXPECT_EQ(graph.AddOutput("d" + parameters[i].node->name(), (*gradients)[i]), absl::OkStatus());
  }
  for (const Update& update : graph.updates()) {
    EXPECT_EQ(graph.AddOutput(update.variable->name(), update.value), absl::OkStatus());
  }
  return graph;
}

TEST(RandomGraphsTest, OptimizedGraphsComputeTheSame) {
  int fused = 0;
  std::map<std::string, int> rewrites;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const bool f32 = seed % 4 == 0;
    RandomNet net(seed, f32 ? DType::kF32 : DType::kF64);
    const PassReport report = ExpectSameResults(net.graph(), TestOptions(), f32 ? 1e-4 : 1e-11);
    fused += CountOps(net.graph(), "FusedConv");
    for (const Rewrite& r : report.rewrites) ++rewrites[r.rule];
    if (HasFailure()) break;
  }
  // The nets do exercise the rules.
  EXPECT_GT(fused, 60);
  EXPECT_GT(rewrites["fold_conv_bn"], 50);
  EXPECT_GT(rewrites["fold_conv_conv"], 50);
  EXPECT_GT(rewrites["merge_branches"], 40);
  EXPECT_GT(rewrites["move_stride_up"], 3);
}

TEST(RandomGraphsTest, OptimizedTrainingStepsComputeTheSame) {
  size_t rewrites = 0;
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    RandomNet net(seed, DType::kF64, "auto");
    Graph training = TrainingGraph(net.graph());
    const size_t updates = training.updates().size();
    // From 2 on: one value a channel has no unbiased variance.
    rewrites += ExpectSameResults(training, TestOptions(), 1e-9, 2).rewrites.size();
    EXPECT_EQ(training.updates().size(), updates);
    if (HasFailure()) break;
  }
  EXPECT_GT(rewrites, 100u);
}

TEST(RandomGraphsTest, EachPassAloneKeepsTheResults) {
  for (const std::string& pass : PassNames()) {
    for (uint32_t seed = 1; seed <= 40; ++seed) {
      SCOPED_TRACE(testing::Message() << pass << ", seed " << seed);
      RandomNet net(seed, DType::kF64);
      ExpectSameResults(net.graph(), TestOptions({pass}), 1e-11);
      if (HasFailure()) return;
    }
  }
}

TEST(RandomGraphsTest, TheSameGraphIsAlwaysRewrittenTheSameWay) {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    RandomNet a(seed, DType::kF32), b(seed, DType::kF32);
    EXPECT_EQ(MustOptimize(a.graph()).ToString(), MustOptimize(b.graph()).ToString());
    EXPECT_EQ(ToText(a.graph()), ToText(b.graph()));
  }
}

}  // namespace
}  // namespace weft
