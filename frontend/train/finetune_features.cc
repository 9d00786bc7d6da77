#include "frontend/train/finetune_features.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/data/loader.h"
#include "frontend/io/names.h"
#include "frontend/session/feeds.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/plan_cache.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_weights.h"
#include "frontend/train/train_loop.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr char kFeaturesOutput[] = "features";
constexpr int64_t kComparedRows = 256;  // at a time: all against all would not fit in memory

// Features that are there, one row an example.
class FeatureRows final : public Dataset {
 public:
  FeatureRows(DatasetInfo info, Features features)
      : Dataset(std::move(info)), features_(std::move(features)) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    return ReadDrawn(index, {}, image, {.classes = labels});
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw&, std::span<float> image,
                         LabelBuffer labels) const override {
    CopyRow(features_.values, index, image);
    CopyRow(features_.labels, index, labels.classes);
    CopyRow(features_.labels, index, labels.targets);
    return absl::OkStatus();
  }
  template <typename T>
  static void CopyRow(const Tensor& rows, int64_t index, std::span<T> to) {
    if (to.empty()) return;
    const std::span<const T> all = rows.values<T>();
    std::copy_n(all.begin() + static_cast<ptrdiff_t>(index * static_cast<int64_t>(to.size())),
                to.size(), to.begin());
  }

  Features features_;
};

Preprocessing NoNormalization(int64_t elements) {
  return {.channels = 1, .height = 1, .width = elements, .mean = {0}, .std = {1}};
}

Dims RowDims(const Tensor& rows) { return Dims(rows.dims().begin() + 1, rows.dims().end()); }

std::shared_ptr<const Dataset> RowsOf(std::string name, std::vector<std::string> class_names,
                                      Features features) {
  DatasetInfo info;
  info.name = std::move(name);
  info.class_names = std::move(class_names);
  info.size = features.values.dims()[0];
  info.dims = RowDims(features.values);
  info.label_dims = RowDims(features.labels);
  info.targets = kFloatTypes.contains(features.labels.dtype());
  info.preprocessing = NoNormalization(features.values.size() / std::max<int64_t>(info.size, 1));
  return std::make_shared<FeatureRows>(std::move(info), std::move(features));
}

// [N,D]
absl::StatusOr<Tensor> Flat(const Tensor& rows) {
  const int64_t n = rows.dims()[0];
  return rows.Reshaped({n, rows.size() / std::max<int64_t>(n, 1)});
}

absl::Status CheckComparable(const Features& train, const Features& test) {
  for (const Features* f : {&train, &test}) {
    if (f->labels.rank() == 1 && kIndexTypes.contains(f->labels.dtype()) && f->labels.size() > 0) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("features: expected one class an example, got ", ToString(f->labels.type())));
  }
  if (RowDims(train.values) == RowDims(test.values)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("features: expected the same in training and test, got ",
                   ToString(train.values.type()), " and ", ToString(test.values.type())));
}

// Rows of length 1; of zeros where they have no direction: zeros, and what is not finite.
Tensor UnitRows(Tensor rows) {
  const auto width = static_cast<size_t>(rows.dims()[1]);
  const std::span<float> values = rows.mutable_values<float>();
  for (size_t at = 0; at < values.size() && width > 0; at += width) {
    double sum = 0;
    for (const float v : values.subspan(at, width)) sum += static_cast<double>(v) * v;
    const bool directed = sum > 0 && std::isfinite(sum);
    const double scale = directed ? 1 / std::sqrt(sum) : 0;
    for (float& v : values.subspan(at, width)) v = directed ? static_cast<float>(v * scale) : 0;
  }
  return rows;
}

// A model of y = rows [M,D] times the transpose of train [N,D]: the cosines of unit rows.
absl::StatusOr<std::unique_ptr<Session>> CosinesTo(const Tensor& train) {
  Builder b;
  const Value x = b.Input("x", {"M", train.dims()[1]});
  const Value all = b.Constant(UnitRows(train));
  b.Output("y", b.Op("Gemm", {x, all}, {{"transB", 1}}));
  WEFT_ASSIGN_OR_RETURN(const Model model, b.Build());
  return Session::Create(model);
}

// Rows [first, first + count) of a matrix.
absl::StatusOr<Tensor> RowsFrom(const Tensor& rows, int64_t first, int64_t count) {
  const auto width = static_cast<size_t>(rows.dims()[1]);
  const auto part = rows.values<float>().subspan(static_cast<size_t>(first) * width,
                                                 static_cast<size_t>(count) * width);
  return Tensor::FromValues<float>({count, rows.dims()[1]}, part);
}

// The class of most of the k rows with the highest cosines.
int64_t Vote(std::span<const float> cosines, std::span<const int64_t> labels, int64_t k) {
  std::vector<size_t> order(cosines.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](size_t a, size_t b) {
    return cosines[a] != cosines[b] ? cosines[a] > cosines[b] : a < b;
  });
  std::map<int64_t, int64_t> votes;
  int64_t most = 0;
  for (int64_t i = 0; i < k; ++i) {
    most = std::max(most, ++votes[labels[order[static_cast<size_t>(i)]]]);
  }
  for (const size_t nearest : order) {
    if (votes[labels[nearest]] == most) return labels[nearest];
  }
  return -1;
}

// Mean 0 and deviation 1 for every column of `train`, and the same change for `test`.
void Standardize(Tensor& train, Tensor& test) {
  const int64_t n = train.dims()[0], width = train.dims()[1];
  const std::span<float> a = train.mutable_values<float>(), b = test.mutable_values<float>();
  const auto step = static_cast<size_t>(width);
  for (size_t d = 0; d < step; ++d) {
    double sum = 0, squares = 0;
    for (size_t i = d; i < a.size(); i += step) sum += a[i];
    const double mean = sum / static_cast<double>(n);
    for (size_t i = d; i < a.size(); i += step) squares += (a[i] - mean) * (a[i] - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(n));
    const double scale = deviation > 0 ? 1 / deviation : 0;
    for (const std::span<float> values : {a, b}) {
      for (size_t i = d; i < values.size(); i += step) {
        values[i] = static_cast<float>((values[i] - mean) * scale);
      }
    }
  }
}

absl::StatusOr<Value> ValueAt(const Graph& graph, std::string_view at) {
  if (at.empty()) {
    WEFT_ASSIGN_OR_RETURN(const ModelHead head, FindHead(graph));
    return head.layer->input(0);
  }
  Node* node = graph.Find(at);
  if (node != nullptr && node->op_name() != kVariable && node->op_name() != kConstant) {
    return node->output();
  }
  std::vector<std::string_view> names;
  for (const Node& n : graph.nodes()) names.push_back(n.name());
  const std::string_view nearest = node == nullptr ? NearestName(at, names) : std::string_view();
  return absl::InvalidArgumentError(absl::StrCat(
      "features: ", node == nullptr ? "no node is called " : "there is no example in ", Absl(at),
      nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
}

// Memory for the features of n examples.
absl::StatusOr<Tensor> RoomFor(const TensorType& one_batch, int64_t n) {
  auto dims = one_batch.rank() == 0
                  ? absl::InvalidArgumentError("scalar")
                  : StaticDims(Shape(one_batch.shape.begin() + 1, one_batch.shape.end()));
  if (!dims.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "features: expected [N,...] of known dims, the node gives ", ToString(one_batch)));
  }
  dims->insert(dims->begin(), n);
  return Tensor::Zeros(DType::kF32, *std::move(dims));
}

absl::Status CopyRows(const Tensor& part, int64_t first, Tensor* all) {
  const size_t begin =
      all->bytes() / static_cast<size_t>(all->dims()[0]) * static_cast<size_t>(first);
  if (part.dtype() != all->dtype() || begin + part.bytes() > all->bytes()) {
    return absl::InternalError("features: a batch of another size than its examples");
  }
  std::memcpy(all->mutable_data() + begin, part.data(), part.bytes());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Model> ModelUpTo(const Model& model, std::string_view at) {
  Model result(WithoutLosses(model.graph));
  WEFT_ASSIGN_OR_RETURN(const Value value, ValueAt(result.graph, at));
  result.graph.ClearOutputs();
  result.graph.ClearUpdates();
  WEFT_RETURN_IF_ERROR(result.graph.AddOutput(kFeaturesOutput, value));
  result.graph.RemoveDeadNodes();
  result.preprocessing = model.preprocessing;
  return result;
}

namespace {

// The first output for a batch of any size, also of a model that takes another one.
absl::StatusOr<Tensor> FeaturesOfBatch(Session& session, const Batch& batch) {
  const std::vector<Node*> inputs = session.inputs();
  if (inputs.empty()) return session.Scores(batch);  // says what is missing
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(inputs, batch));
  std::vector<std::string> names;
  std::vector<Tensor> batches;
  for (const auto& [name, tensor] : feeds) {
    names.push_back(name);
    batches.push_back(tensor);
  }
  WEFT_ASSIGN_OR_RETURN(
      const std::vector<Tensor> values,
      RunInBatchesOf(FixedBatch(*inputs[0]), batches,
                     [&](std::span<const Tensor> parts) -> absl::StatusOr<std::vector<Tensor>> {
                       TensorMap some;
                       for (size_t i = 0; i < parts.size(); ++i) some[names[i]] = parts[i];
                       WEFT_ASSIGN_OR_RETURN(const TensorMap outputs, session.Run(some));
                       return std::vector<Tensor>{outputs.at(kFeaturesOutput)};
                     }));
  return values[0];
}

// What `run` makes of all examples, in batches; `type` is that of one batch.
absl::StatusOr<Features> CollectFeatures(
    const TensorType& type, const std::shared_ptr<const Dataset>& dataset,
    const FeatureOptions& options,
    const std::function<absl::StatusOr<Tensor>(const Batch& batch)>& run) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                        Loader::Create(dataset, {.batch_size = options.batch_size,
                                                 .shuffle = false,
                                                 .workers = options.workers}));
  Features features;
  WEFT_ASSIGN_OR_RETURN(features.values, RoomFor(type, dataset->size()));
  Dims labels = dataset->label_dims();
  labels.insert(labels.begin(), dataset->size());
  WEFT_ASSIGN_OR_RETURN(features.labels,
                        Tensor::Zeros(dataset->targets() ? DType::kF32 : DType::kI64, labels));
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) return features;
    WEFT_ASSIGN_OR_RETURN(const Tensor values, run(batch));
    WEFT_RETURN_IF_ERROR(CopyRows(values, batch.first, &features.values));
    WEFT_RETURN_IF_ERROR(CopyRows(batch.labels, batch.first, &features.labels));
  }
}

}  // namespace

absl::StatusOr<Features> ComputeFeatures(const Model& model,
                                         const std::shared_ptr<const Dataset>& dataset,
                                         const FeatureOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Model prefix, ModelUpTo(model, options.at));
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(prefix, {.threads = options.threads}));
  const auto run = [&](const Batch& batch) -> absl::StatusOr<Tensor> {
    WEFT_ASSIGN_OR_RETURN(const Tensor values, FeaturesOfBatch(*session, batch));
    return values.Converted(DType::kF32);
  };
  return CollectFeatures(prefix.graph.outputs()[0].value.type(), dataset, options, run);
}

absl::StatusOr<Features> ComputeFrozenFeatures(const FrozenSplit& split,
                                               const std::shared_ptr<const Dataset>& dataset,
                                               const FeatureOptions& options) {
  WEFT_ASSIGN_OR_RETURN(Graph graph, ForTraining(split.beginning.graph));
  WEFT_RETURN_IF_ERROR(RunPasses(graph, {.explain = false}).status());
  const TensorType type = graph.outputs()[0].value.type();
  if (type.dtype != DType::kF32) {
    return absl::InvalidArgumentError(
        absl::StrCat("features: expected f32, ", split.at, " gives ", ToString(type)));
  }
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<State> state, State::Create(graph));
  PlanCache plans(std::move(graph), state.get(), {.threads = options.threads});
  const auto run = [&](const Batch& batch) -> absl::StatusOr<Tensor> {
    WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(plans.graph().inputs(), batch));
    WEFT_ASSIGN_OR_RETURN(const std::span<const Tensor> outputs, plans.Run(feeds));
    return outputs[0];
  };
  return CollectFeatures(type, dataset, options, run);
}

std::shared_ptr<const Dataset> FeatureDataset(Features features, const Dataset& source) {
  return RowsOf("features of " + source.name(), source.class_names(), std::move(features));
}

absl::StatusOr<int64_t> CountNearest(const Features& train, const Features& test, int64_t k) {
  WEFT_RETURN_IF_ERROR(CheckComparable(train, test));
  const int64_t neighbours = train.labels.size();
  if (k < 1 || k > neighbours) {
    return absl::InvalidArgumentError(
        absl::StrCat("features: expected 1 to ", neighbours, " neighbours, got ", k));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor known, Flat(train.values));
  WEFT_ASSIGN_OR_RETURN(const Tensor asked, Flat(test.values));
  WEFT_ASSIGN_OR_RETURN(const auto session, CosinesTo(known));
  const auto width = static_cast<size_t>(neighbours);
  const int64_t n = test.labels.size();
  int64_t correct = 0;
  for (int64_t first = 0; first < n; first += kComparedRows) {
    const int64_t count = std::min(kComparedRows, n - first);
    WEFT_ASSIGN_OR_RETURN(const Tensor rows, RowsFrom(asked, first, count));
    WEFT_ASSIGN_OR_RETURN(const Tensor cosines, session->Run(UnitRows(rows)));
    for (int64_t i = 0; i < count; ++i) {
      const auto row = cosines.values<float>().subspan(static_cast<size_t>(i) * width, width);
      correct += Vote(row, train.labels.values<int64_t>(), k) ==
                 static_cast<int64_t>(test.labels.At(first + i));
    }
  }
  return correct;
}

absl::StatusOr<int64_t> CountProbed(const Features& train, const Features& test,
                                    const ProbeOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckComparable(train, test));
  Features a{.labels = train.labels}, b{.labels = test.labels};
  WEFT_ASSIGN_OR_RETURN(a.values, Flat(train.values));
  WEFT_ASSIGN_OR_RETURN(b.values, Flat(test.values));
  Standardize(a.values, b.values);
  int64_t classes = 0;
  for (const Tensor* labels : {&a.labels, &b.labels}) {
    for (const int64_t label : labels->values<int64_t>()) classes = std::max(classes, label + 1);
  }
  Builder builder({.seed = options.seed});
  const Value x = builder.Input("x", {"N", a.values.dims()[1]});
  builder.Output("scores", builder.Linear(x, {.features = classes}));
  WEFT_ASSIGN_OR_RETURN(Model model, builder.Build());
  WEFT_ASSIGN_OR_RETURN(
      const auto trainer,
      Trainer::Create(std::move(model),
                      {.optimizer = {.momentum = 0.9, .weight_decay = options.weight_decay},
                       .seed = options.seed,
                       .threads = options.threads}));
  WEFT_ASSIGN_OR_RETURN(const FitResult result,
                        Fit(*trainer, RowsOf("features (train)", {}, std::move(a)),
                            RowsOf("features (test)", {}, std::move(b)),
                            {.epochs = options.epochs,
                             .batch_size = options.batch_size,
                             .learning_rate = options.learning_rate}));
  return result.test->correct;
}

}  // namespace weft
