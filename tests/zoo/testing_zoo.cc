#include "tests/zoo/testing_zoo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "absl/strings/match.h"
#include "frontend/data/fit.h"
#include "frontend/data/synthetic.h"
#include "frontend/zoo/generated_weights.h"
#include "graph/bind.h"
#include "runtime/plan/lowering.h"

namespace weft {

namespace {

bool ForDigits(const ZooEntry& entry) { return entry.input == Dims{1, kDigitSide, kDigitSide}; }

}  // namespace

ZooOptions SmallOptions(const ZooEntry& entry) {
  ZooOptions options{.input = entry.input,
                     .classes = entry.classes == 0 ? 0 : std::min<int64_t>(entry.classes, 10),
                     .width = 0.25};
  if (ForDigits(entry)) return options;
  const size_t first = entry.input.size() > 1 ? 1 : 0;
  const int64_t quarter = std::min<int64_t>(entry.input.back() / 4, 192);
  for (int64_t extent = 16; extent <= 512; extent += extent < 32 ? 16 : 32) {
    if (extent < quarter) continue;
    ZooOptions smaller = options;
    for (size_t axis = first; axis < entry.input.size(); ++axis) {
      smaller.input[axis] = std::min(entry.input[axis], extent);
    }
    smaller.draw = false;
    if (!BuildNetwork(entry, smaller).ok()) continue;
    smaller.draw = true;
    return smaller;
  }
  return options;
}

Model SmallNetwork(const ZooEntry& entry) {
  return BuildNetwork(entry, SmallOptions(entry)).value();
}

Batch SmallBatch(const ZooEntry& entry, const Model& model, int64_t count) {
  SyntheticOptions options = SyntheticFor(model).value();
  options.size = count;
  auto dataset = ForDigits(entry) ? MakeDigits(Split::kTrain, count).value()
                                  : MakeSynthetic(Split::kTrain, options).value();
  if (model.preprocessing && dataset->is_images() && dataset->label_dims().empty()) {
    dataset = FitDataset(dataset, *model.preprocessing).value();
  }
  auto loader =
      Loader::Create(dataset, {.batch_size = count, .shuffle = false, .prefetch = 0}).value();
  Batch batch;
  EXPECT_TRUE(loader->Next(&batch).value());
  return batch;
}

TensorMap SmallFeeds(const Graph& inference) {
  TensorMap feeds;
  for (const Node* input : inference.inputs()) {
    Dims dims;
    for (const Dim& dim : input->type().shape) {
      dims.push_back(dim.is_static() ? dim.coefficient() : 2);
    }
    Tensor tensor = GeneratedTensor("input", dims).value();
    if (kIndexTypes.contains(input->type().dtype)) {
      for (float& x : tensor.mutable_values<float>()) x = std::floor(4 * (x + 1));  // 0 to 7
    }
    feeds.emplace(input->name(), tensor.Converted(input->type().dtype).value());
  }
  return feeds;
}

namespace {

// Takes the elements of a leaf from x to scale * x + shift, drawn from those ranges.
void Vary(Graph& graph, Node* leaf, std::mt19937& random, double most_scale, double most_shift) {
  const auto draw = [&] { return 2 * static_cast<double>(random()) / 4294967296.0 - 1; };
  Tensor value = LeafValue(*leaf);
  for (float& x : value.mutable_values<float>()) {
    x = static_cast<float>((1 + most_scale * draw()) * x + most_shift * draw());
  }
  EXPECT_TRUE(graph.SetLeafValue(leaf, std::move(value)).ok()) << leaf->name();
}

// Takes the running statistics half of the way to those of a batch. All of the way would divide by
// the tiny variances that a few pixels of a few images have, which magnifies rounding.
void SettleStatistics(const ZooEntry& entry, Model& model) {
  Model probe(Clone(model.graph));
  for (Node& node : probe.graph.nodes()) {
    if (node.op_name() != "BatchNormalization") continue;
    EXPECT_TRUE(probe.graph.SetAttribute(&node, "momentum", 0.5).ok());
  }
  const Batch batch = SmallBatch(entry, model, 8);
  const auto trainer = Trainer::Create(std::move(probe), {.threads = kTestThreads}).value();
  EXPECT_TRUE(trainer->Step(batch.images, batch.labels, 0).ok());
  for (Node* variable : model.graph.variables()) {
    EXPECT_TRUE(model.graph.SetLeafValue(variable, trainer->Get(variable->name()).value()).ok());
  }
}

// Whether all outputs are at most 1000.
bool IsBounded(const Model& model) {
  const auto session = Session::Create(model, {.threads = kTestThreads}).value();
  const TensorMap outputs = session->Run(SmallFeeds(session->graph())).value();
  for (const auto& [name, tensor] : outputs) {
    for (int64_t i = 0; i < tensor.size(); ++i) {
      if (!(std::abs(tensor.At(i)) <= 1000)) return false;
    }
  }
  return true;
}

}  // namespace

void DrawNorms(Graph& graph) {
  std::mt19937 random(1);
  for (const Node& node : graph.nodes()) {
    if (node.op_name() != "BatchNormalization") continue;
    Vary(graph, node.input(1).node, random, 0.3, 0);
    Vary(graph, node.input(2).node, random, 0, 0.2);
    Vary(graph, node.input(3).node, random, 0, 0.2);
    Vary(graph, node.input(4).node, random, 0.3, 0);
  }
}

Model SettledNetwork(const ZooEntry& entry) {
  Model model = SmallNetwork(entry);
  DrawNorms(model.graph);
  if (!IsBounded(model)) SettleStatistics(entry, model);
  return model;
}

namespace {

bool IsWinograd(const Kernel& kernel) {
  return kernel.name() == "weft" && absl::StartsWith(kernel.implementation(), "winograd:");
}

class WinogradEverywhere : public ChoiceSource {
 public:
  absl::StatusOr<KernelChoices> ChoicesFor(const Graph& graph,
                                           const LowerOptions& options) override {
    KernelChoices choices;
    for (const Node& node : graph.nodes()) {
      if (!node.op_name().ends_with("Conv")) continue;
      const auto plain = [](Value v) { return PlainLayout(v.type()); };
      WEFT_ASSIGN_OR_RETURN(const KernelRequest request, RequestFor(node, options.threads, plain));
      WEFT_ASSIGN_OR_RETURN(const Candidates kernels, CandidatesFor(request, Families::kAll));
      const auto kernel =
          std::ranges::find_if(kernels, [](const auto& k) { return IsWinograd(*k); });
      if (kernel != kernels.end()) choices[node.name()] = ChoiceText(node, **kernel);
    }
    return choices;
  }
};

}  // namespace

TensorMap RunByWinograd(const Graph& inference, const TensorMap& feeds, int* tiled) {
  PlanCache plans(Clone(inference), nullptr,
                  {.threads = kTestThreads, .choices = std::make_shared<WinogradEverywhere>()});
  const auto outputs = plans.Run(feeds);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  TensorMap result;
  for (size_t i = 0; outputs.ok() && i < outputs->size(); ++i) {
    result.emplace(inference.outputs()[i].name, (*outputs)[i]);
  }
  if (tiled != nullptr && outputs.ok()) {
    *tiled = static_cast<int>(std::ranges::count_if(
        plans.last_plan().steps, [](const PlanStep& step) { return IsWinograd(*step.kernel); }));
  }
  return result;
}

double RelativeDistance(const Tensor& a, const Tensor& b) {
  if (a.type() != b.type()) return std::numeric_limits<double>::infinity();
  double largest = 0, distance = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    largest = std::max(largest, std::abs(b.At(i)));
    const double d = std::abs(a.At(i) - b.At(i));
    if (std::isnan(d)) return std::numeric_limits<double>::infinity();
    distance = std::max(distance, d);
  }
  return distance == 0 ? 0 : distance / largest;
}

std::vector<std::string> NetworkNames() {
  std::vector<std::string> names;
  for (const ZooEntry& entry : Zoo()) names.push_back(entry.name);
  return names;
}

}  // namespace weft
