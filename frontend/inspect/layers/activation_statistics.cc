#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/data/split.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/session/feeds.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/layer_batch.h"
#include "frontend/session/layers.h"

namespace weft {
namespace {

constexpr double kLeastSlopeShare = 0.01;
constexpr int64_t kMostStatisticsExamples = 64;  // a run, where it is not asked

// What may be wrong with a unit of an activation.
enum class UnitDefect { kNone, kDead, kSaturated };

UnitDefect DefectOf(const Node& node) {
  const std::string_view op = node.op_name();
  if (op == "Sigmoid" || op == "Tanh") return UnitDefect::kSaturated;
  for (const std::string_view rectifier :
       {"Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Gelu", "Swish", "Silu", "HardSwish", "Mish",
        "ThresholdedRelu"}) {
    if (op == rectifier) return UnitDefect::kDead;
  }
  if (op != "Clip") return UnitDefect::kNone;
  const Tensor* low = node.input(1).null() ? nullptr : ConstantValue(node.input(1));
  return low != nullptr && low->size() == 1 && low->At(0) == 0 ? UnitDefect::kDead
                                                               : UnitDefect::kNone;
}

// A layer's values, batch by batch.
class LayerWatch {
 public:
  explicit LayerWatch(const NamedValue& output)
      : defect_(DefectOf(*output.value.node)), is_tanh_(output.value.node->op_name() == "Tanh") {
    result_.layer = output.name;
    result_.op = std::string(output.value.node->op_name());
  }

  // Errors: not enough memory for the values as f32.
  absl::Status Add(const Tensor& values) {
    if (values.rank() == 0 || values.size() == 0) return absl::OkStatus();
    Tensor converted = values;
    if (values.dtype() != DType::kF32) {
      WEFT_ASSIGN_OR_RETURN(converted, values.Converted(DType::kF32));
    }
    result_.values.Add(converted.values<float>());
    const Dims& dims = values.dims();
    result_.units = dims.size() < 2 ? 1 : dims[1];
    if (defect_ != UnitDefect::kNone) AddUnits(converted, dims[0] * result_.units);
    return absl::OkStatus();
  }

  LayerStatistics Finish() {
    if (defect_ == UnitDefect::kNone) return std::move(result_);
    std::vector<int64_t> bad;
    for (size_t unit = 0; unit < sound_.size(); ++unit) {
      if (!sound_[unit]) bad.push_back(static_cast<int64_t>(unit));
    }
    if (defect_ == UnitDefect::kDead) {
      result_.dead = std::move(bad);
    } else {
      result_.saturated = std::move(bad);
      result_.saturated_share =
          result_.values.count() == 0
              ? 0
              : static_cast<double>(saturated_) / static_cast<double>(result_.values.count());
    }
    return std::move(result_);
  }

 private:
  bool IsSaturated(float y) const {
    return is_tanh_ ? 1 - static_cast<double>(y) * y < kLeastSlopeShare
                    : 4 * static_cast<double>(y) * (1 - y) < kLeastSlopeShare;
  }

  void AddUnits(const Tensor& values, int64_t planes) {
    sound_.resize(static_cast<size_t>(result_.units));
    const size_t area = static_cast<size_t>(values.size() / planes);
    for (size_t plane = 0; plane < static_cast<size_t>(planes); ++plane) {
      const auto unit = values.values<float>().subspan(plane * area, area);
      int64_t sound = 0;
      if (defect_ == UnitDefect::kDead) {
        sound = std::ranges::any_of(unit, [](float y) { return y > 0; });
      } else {
        sound = std::ranges::count_if(unit, [this](float y) { return !IsSaturated(y); });
        saturated_ += static_cast<int64_t>(area) - sound;
      }
      if (sound > 0) sound_[plane % sound_.size()] = true;
    }
  }

  UnitDefect defect_;
  bool is_tanh_;
  LayerStatistics result_;
  std::vector<bool> sound_;  // units that are neither dead nor saturated
  int64_t saturated_ = 0;    // values
};

absl::StatusOr<int64_t> FixedBatchOf(const Node& input, int64_t fixed, const Dataset& examples,
                                     int64_t wanted) {
  if (fixed > 0 && (wanted == 0 || wanted == fixed) && examples.size() % fixed == 0) return fixed;
  return absl::InvalidArgumentError(
      absl::StrCat("statistics: expected batches of ", fixed, " and a multiple of examples, as ",
                   input.name(), " is ", ToString(input.type()), ", got ", examples.size(),
                   " examples", wanted == 0 ? "" : absl::StrCat(" in batches of ", wanted)));
}

absl::StatusOr<int64_t> StatisticsBatch(const Graph& layers,
                                        const std::shared_ptr<const Dataset>& examples,
                                        int64_t wanted) {
  const std::vector<Node*> inputs = layers.inputs();
  const std::optional<int64_t> fixed = FixedBatch(*inputs[0]);
  if (fixed) return FixedBatchOf(*inputs[0], *fixed, *examples, wanted);
  if (wanted != 0) return wanted;
  WEFT_ASSIGN_OR_RETURN(
      const auto loader,
      Loader::Create(examples, {.batch_size = 1, .shuffle = false, .prefetch = 0}));
  Batch one;
  WEFT_RETURN_IF_ERROR(loader->Next(&one).status());
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(inputs, one));
  return ExamplesWithin(layers, feeds, kMostStatisticsExamples);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> EvenSubset(
    const std::shared_ptr<const Dataset>& dataset, int64_t count) {
  if (count < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("examples: expected a number of 0 or more, got ", count));
  }
  if (count == 0 || count >= dataset->size()) return dataset;
  std::vector<int64_t> indices;
  const double step = static_cast<double>(dataset->size()) / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    indices.push_back(static_cast<int64_t>(step * static_cast<double>(i)));
  }
  return SubsetDataset(dataset, std::move(indices),
                       absl::StrCat(dataset->name(), ", ", count, " of ", dataset->size()));
}

absl::StatusOr<std::vector<LayerStatistics>> ActivationStatistics(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const StatisticsOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Model layers, ModelOfLayers(model, options.at));
  WEFT_ASSIGN_OR_RETURN(const auto examples, EvenSubset(dataset, options.examples));
  WEFT_ASSIGN_OR_RETURN(const int64_t batch_size,
                        StatisticsBatch(layers.graph, examples, options.batch_size));
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(layers, options.session));
  WEFT_ASSIGN_OR_RETURN(const auto loader, Loader::Create(examples, {.batch_size = batch_size,
                                                                     .shuffle = false,
                                                                     .workers = options.workers}));
  std::vector<LayerWatch> watches;
  for (const NamedValue& output : layers.graph.outputs()) watches.emplace_back(output);
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) break;
    WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(session->inputs(), batch));
    WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session->Run(feeds));
    for (size_t i = 0; i < watches.size(); ++i) {
      WEFT_RETURN_IF_ERROR(watches[i].Add(outputs.at(layers.graph.outputs()[i].name)));
    }
  }
  std::vector<LayerStatistics> result;
  for (LayerWatch& watch : watches) result.push_back(watch.Finish());
  return result;
}

}  // namespace weft
