#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/strings/str_format.h"
#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/data/split.h"
#include "frontend/inspect/data/nearest_rows.h"
#include "frontend/inspect/data/neighbours.h"
#include "frontend/inspect/data/pca.h"
#include "frontend/inspect/data/scatter_plot.h"
#include "frontend/inspect/data/tsne.h"
#include "frontend/train/finetune_features.h"

namespace weft {
namespace {

struct EmbeddingArguments {
  FeatureOptions features;
  int64_t components = 2;
  int64_t examples = 0;
  TsneOptions tsne;
  int64_t count = 9;
};

void AddEmbeddingFlags(CLI::App& app, InspectArguments& a, EmbeddingArguments& e) {
  app.add_option("--at", e.features.at,
                 "The node (see weft show; default: what the last layer before the scores reads)");
  AddInspectData(app, a);
}

void AddExamplesFlag(CLI::App& app, EmbeddingArguments& e) {
  app.add_option("--examples", e.examples,
                 "At most so many examples, evenly spread over the data (0: all)")
      ->capture_default_str();
}

// Features of examples, and what tells them apart.
struct EmbeddedData {
  std::string name;
  Features features;
  Scatter scatter;  // but for its coordinates
};

absl::StatusOr<EmbeddedData> EmbeddedDataOf(const Model& model, const InspectArguments& a,
                                            const EmbeddingArguments& e) {
  if (e.examples < 0) return absl::InvalidArgumentError("--examples: expected 0 or more");
  WEFT_ASSIGN_OR_RETURN(auto dataset, InspectData(model, a));
  EmbeddedData data{.name = dataset->name(), .features = {}, .scatter = {}};
  const int64_t count = e.examples == 0 ? dataset->size() : std::min(e.examples, dataset->size());
  for (int64_t i = 0; i < count; ++i) {
    data.scatter.numbers.push_back(i * dataset->size() / count);
  }
  if (count < dataset->size()) {
    WEFT_ASSIGN_OR_RETURN(dataset, SubsetDataset(dataset, data.scatter.numbers, data.name));
  }
  FeatureOptions options = e.features;
  options.threads = a.threads;
  WEFT_ASSIGN_OR_RETURN(data.features, ComputeFeatures(model, dataset, options));
  const Tensor& labels = data.features.labels;
  if (labels.rank() == 1 && labels.dtype() == DType::kI64) {
    data.scatter.classes.assign(labels.values<int64_t>().begin(), labels.values<int64_t>().end());
  }
  data.scatter.class_names = model.class_names.empty() ? dataset->class_names() : model.class_names;
  return data;
}

// As the output's ending says, or in the terminal.
absl::Status ShowScatter(const InspectArguments& a, const Scatter& scatter, PlotOptions options) {
  if (a.output.ends_with(".npy")) return SaveArray(a.output, scatter.coordinates, "coordinates");
  if (a.output.ends_with(".png")) {
    WEFT_ASSIGN_OR_RETURN(const Picture picture, ScatterPicture(scatter));
    return SavePicture(a.output, picture);
  }
  if (a.output.ends_with(".svg")) {
    options.width = 860;
    options.height = 640;
    WEFT_ASSIGN_OR_RETURN(const std::string svg, ScatterSvg(scatter, options));
    return SaveText(a.output, svg);
  }
  const int64_t columns = std::clamp(TerminalColumns() - 1, 20, 120);
  WEFT_ASSIGN_OR_RETURN(const std::string text, ScatterText(scatter, columns, columns / 3));
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

absl::Status RunPca(const Model& model, const InspectArguments& a, const EmbeddingArguments& e) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".png", ".npy"}));
  if (e.components < 2 && !a.output.ends_with(".npy")) {
    return absl::InvalidArgumentError("--components: expected 2 or more to draw");
  }
  WEFT_ASSIGN_OR_RETURN(EmbeddedData data, EmbeddedDataOf(model, a, e));
  WEFT_ASSIGN_OR_RETURN(const Pca pca, ComputePca(data.features.values, e.components));
  Print("%s: features %s, share of the variance by component:", data.name.c_str(),
        ToString(data.features.values.type()).c_str());
  double sum = 0;
  for (size_t i = 0; i < pca.variance.size(); ++i) {
    sum += pca.Explained(i);
    if (i < 10) Print(" %.1f", 100 * pca.Explained(i));
  }
  Print("%s, together %.1f %%\n", pca.variance.size() > 10 ? " ..." : "", 100 * sum);
  data.scatter.coordinates = pca.coordinates;
  const auto axis = [&](size_t i) {
    return i < pca.variance.size()
               ? absl::StrFormat("component %d (%.1f %%)", i + 1, 100 * pca.Explained(i))
               : std::string();
  };
  return ShowScatter(a, data.scatter,
                     {.title = "PCA: " + data.name, .x_label = axis(0), .y_label = axis(1)});
}

absl::Status RunTsne(const Model& model, const InspectArguments& a, const EmbeddingArguments& e) {
  constexpr int64_t kJudges = 10;  // neighbours
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".png", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(EmbeddedData data, EmbeddedDataOf(model, a, e));
  TsneOptions options = e.tsne;
  options.threads = a.threads;
  const auto begin = std::chrono::steady_clock::now();
  WEFT_ASSIGN_OR_RETURN(const Tsne tsne, ComputeTsne(data.features.values, options));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  Print("%s: %lld examples in %.1f s, divergence %.3f nats\n", data.name.c_str(),
        static_cast<long long>(tsne.coordinates.dims()[0]), seconds, tsne.divergence);
  if (!data.scatter.classes.empty() && tsne.coordinates.dims()[0] > kJudges) {
    WEFT_ASSIGN_OR_RETURN(
        const double plane,
        NeighbourAccuracy(tsne.coordinates, data.scatter.classes, kJudges, a.threads));
    WEFT_ASSIGN_OR_RETURN(
        const double features,
        NeighbourAccuracy(data.features.values, data.scatter.classes, kJudges, a.threads));
    Print("%lld neighbours tell the class of %.1f %% in the plane, of %.1f %% by all features\n",
          static_cast<long long>(kJudges), 100 * plane, 100 * features);
  }
  data.scatter.coordinates = tsne.coordinates;
  return ShowScatter(a, data.scatter, {.title = "t-SNE: " + data.name});
}

absl::Status RunNeighbours(const Model& model, const InspectArguments& a,
                           const EmbeddingArguments& e) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png"}));
  WEFT_ASSIGN_OR_RETURN(const Example example, InspectExample(model, a));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  NeighbourOptions options{.count = e.count, .features = e.features};
  options.features.threads = a.threads;
  if (a.image.empty()) options.leave_out = a.index;
  WEFT_ASSIGN_OR_RETURN(const std::vector<Neighbour> neighbours,
                        NearestExamples(model, example.x, dataset, options));
  const auto name = [&](std::optional<int64_t> label) {
    return label ? ": " + ClassName(model, *label) : std::string();
  };
  Print("%s%s, nearest by the cosine of features:\n", example.name.c_str(),
        name(example.label).c_str());
  for (const Neighbour& n : neighbours) {
    Print("  distance %.4f  example %lld%s\n", n.distance, static_cast<long long>(n.index),
          name(n.label).c_str());
  }
  if (a.output.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, NeighbourSheet(model, example, *dataset, neighbours));
  return SavePicture(a.output, sheet);
}

using EmbeddingRun = absl::Status (*)(const Model&, const InspectArguments&,
                                      const EmbeddingArguments&);

InspectMethod EmbeddingMethod(CLI::App* app, std::shared_ptr<InspectArguments> a,
                              std::shared_ptr<EmbeddingArguments> e, EmbeddingRun run) {
  return {app, [a, e, run](const Model& model) { return run(model, *a, *e); }};
}

}  // namespace

std::vector<InspectMethod> AddEmbeddingMethods(CLI::App& inspect,
                                               std::shared_ptr<InspectArguments> a) {
  constexpr char kScatterOutput[] =
      "The points: drawn, .svg or .png, or as numbers, .npy (default: drawn in the terminal)";
  auto e = std::make_shared<EmbeddingArguments>();
  CLI::App* pca =
      inspect.add_subcommand("pca", "The directions along which a data set's features differ most");
  pca->add_option("--components", e->components, "How many")->capture_default_str();
  AddEmbeddingFlags(*pca, *a, *e);
  AddExamplesFlag(*pca, *e);
  AddInspectOutput(*pca, *a, kScatterOutput);

  auto t = std::make_shared<EmbeddingArguments>();
  t->examples = 10000;
  CLI::App* tsne =
      inspect.add_subcommand("tsne", "A data set's features in the plane, near ones near (t-SNE)");
  tsne->add_option("--perplexity", t->tsne.perplexity, "About how many neighbours count")
      ->capture_default_str();
  tsne->add_option("--iterations", t->tsne.iterations, "Steps of the descent")
      ->capture_default_str();
  tsne->add_option("--seed", t->tsne.seed, "Of the start")->capture_default_str();
  AddEmbeddingFlags(*tsne, *a, *t);
  AddExamplesFlag(*tsne, *t);
  AddInspectOutput(*tsne, *a, kScatterOutput);

  auto n = std::make_shared<EmbeddingArguments>();
  CLI::App* neighbours = inspect.add_subcommand(
      "neighbours", "The examples of a data set that the model sees as most like a picture");
  neighbours->add_option("--count", n->count, "How many")->capture_default_str();
  neighbours->add_option("--at", n->features.at,
                         "The node whose features are compared (default: what the last layer "
                         "before the scores reads)");
  AddInspectExample(*neighbours, *a);
  AddInspectOutput(*neighbours, *a, "The pictures side by side, .png");
  return {EmbeddingMethod(pca, a, e, RunPca), EmbeddingMethod(tsne, a, t, RunTsne),
          EmbeddingMethod(neighbours, a, n, RunNeighbours)};
}

}  // namespace weft
