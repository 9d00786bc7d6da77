#include "frontend/watch/log.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "frontend/data/split.h"
#include "frontend/session/feeds.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/layer_batch.h"
#include "frontend/session/layers.h"
#include "frontend/session/session.h"
#include "frontend/watch/confusion_plot.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr int64_t kLoggedExamples = 16;
constexpr int64_t kWatchedExamples = 64;

std::vector<std::string> LogColumns() {
  std::vector<std::string> names = {"kind",
                                    "epoch",
                                    "step",
                                    "loss",
                                    "accuracy",
                                    "learning_rate",
                                    "images_per_second",
                                    "waiting",
                                    "seconds",
                                    "test_loss",
                                    "test_accuracy"};
  for (const std::string_view name : MetricNames()) {
    names.push_back(absl::StrCat("test_", Absl(name)));
  }
  return names;
}

// The numbers of an epoch's test.
std::vector<NamedMetric> LoggedTestNumbers(const Evaluation& test) {
  std::vector<NamedMetric> numbers = {{"test_loss", test.loss()}};
  if (test.scored) numbers.push_back({"test_accuracy", test.accuracy()});
  for (const NamedMetric& metric : Metrics(test.metrics, test.count)) {
    numbers.push_back({"test_" + metric.name, metric.value});
  }
  return numbers;
}

// Example pixels [C,H,W] in [0,1] into a row of pictures at `column`.
void PlaceExample(std::span<const float> pixels, const Preprocessing& p, int64_t column,
                  Picture* sheet) {
  for (int64_t y = 0; y < p.height; ++y) {
    for (int64_t x = 0; x < p.width; ++x) {
      for (int64_t c = 0; c < sheet->channels; ++c) {
        const int64_t from = p.channel_order == "bgr" ? sheet->channels - 1 - c : c;
        const float v = pixels[static_cast<size_t>((from * p.height + y) * p.width + x)];
        const int64_t to = (y * sheet->width + column + x) * sheet->channels + c;
        sheet->pixels[static_cast<size_t>(to)] =
            static_cast<uint8_t>(std::lround(255 * std::clamp(v, 0.0f, 1.0f)));
      }
    }
  }
}

// The first examples, in batches.
absl::StatusOr<std::vector<Batch>> FirstExamples(const Dataset& dataset, int64_t count,
                                                 int64_t batch_size) {
  // The caller's, for as long as this runs.
  const std::shared_ptr<const Dataset> borrowed(std::shared_ptr<void>(), &dataset);
  std::vector<int64_t> first(static_cast<size_t>(count));
  std::iota(first.begin(), first.end(), 0);
  WEFT_ASSIGN_OR_RETURN(const auto examples,
                        SubsetDataset(borrowed, std::move(first), dataset.name()));
  WEFT_ASSIGN_OR_RETURN(
      const std::unique_ptr<Loader> loader,
      Loader::Create(examples, {.batch_size = batch_size, .shuffle = false, .prefetch = 0}));
  std::vector<Batch> batches;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batches.emplace_back()));
    if (more) continue;
    batches.pop_back();
    return batches;
  }
}

}  // namespace

absl::StatusOr<Picture> ExamplesPicture(const Dataset& dataset, int64_t count) {
  const Preprocessing& p = dataset.preprocessing();
  if (!dataset.is_images() || (p.channels != 1 && p.channels != 3)) {
    return absl::InvalidArgumentError(absl::StrCat(dataset.name(), ": its examples are no images"));
  }
  count = std::min(count, dataset.size());
  Picture sheet{.height = p.height, .width = p.width * count, .channels = p.channels};
  sheet.pixels.resize(static_cast<size_t>(sheet.height * sheet.width * sheet.channels));
  std::vector<float> image(static_cast<size_t>(dataset.example_size()));
  std::vector<int64_t> labels(static_cast<size_t>(dataset.targets() ? 0 : dataset.label_size()));
  std::vector<float> targets(static_cast<size_t>(dataset.targets() ? dataset.label_size() : 0));
  for (int64_t i = 0; i < count; ++i) {
    WEFT_RETURN_IF_ERROR(dataset.Read(i, image, {.classes = labels, .targets = targets}));
    PlaceExample(image, p, i * p.width, &sheet);
  }
  return sheet;
}

absl::Status CheckLogOptions(const LogOptions& options) {
  for (const auto& [key, steps] : {std::pair("log_every", options.log_every),
                                   std::pair("log_gradients", options.log_gradients)}) {
    if (steps >= 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(key, ": expected at least 0, got ", steps));
  }
  for (const auto& [key, wanted] : {std::pair("log_histograms", options.log_histograms),
                                    std::pair("log_activations", options.log_activations),
                                    std::pair("log_gradients", options.log_gradients > 0)}) {
    if (!wanted || !options.tensorboard.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": distributions are written for TensorBoard, and tensorboard names no folder"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<TrainingLog>> TrainingLog::Create(const LogOptions& options,
                                                                 Trainer& trainer,
                                                                 const Dataset* examples) {
  WEFT_RETURN_IF_ERROR(CheckLogOptions(options));
  std::unique_ptr<TrainingLog> log(new TrainingLog(options, trainer));
  WEFT_RETURN_IF_ERROR(log->Begin(examples));
  return log;
}

absl::Status TrainingLog::Begin(const Dataset* examples) {
  if (!options_.log.empty()) {
    WEFT_ASSIGN_OR_RETURN(table_, LogTable::Open(options_.log, LogColumns(), trainer_.step()));
  }
  if (options_.tensorboard.empty()) return absl::OkStatus();
  if (options_.log_activations) {
    if (examples == nullptr) {
      return absl::InvalidArgumentError("log_activations: there are no examples");
    }
    WEFT_RETURN_IF_ERROR(Annotate(WatchActivations(*examples), "log_activations"));
  }
  WEFT_ASSIGN_OR_RETURN(events_, EventFile::Create(options_.tensorboard, trainer_.step()));
  WEFT_RETURN_IF_ERROR(events_->AddGraph(trainer_.model().graph));
  const auto watch = [this](const std::string& parameter, const absl::StatusOr<Tensor>& gradient) {
    gradients_.Update(AddGradient(parameter, gradient));
  };
  trainer_.WatchGradients(watch, options_.log_gradients);
  if (examples == nullptr) return absl::OkStatus();
  const absl::StatusOr<Picture> picture = ExamplesPicture(*examples, kLoggedExamples);
  // Signals and texts are no pictures.
  return picture.ok() ? events_->AddPicture("examples", *picture, trainer_.step())
                      : absl::OkStatus();
}

absl::Status TrainingLog::AddRow(std::string_view kind, int64_t epoch, int64_t step,
                                 std::vector<NamedMetric> numbers) {
  if (table_ != nullptr) {
    std::vector<std::string> names = LogColumns(), cells(names.size());
    cells[0] = std::string(kind);
    cells[1] = absl::StrCat(epoch);
    cells[2] = absl::StrCat(step);
    for (const NamedMetric& number : numbers) {
      const auto column = std::find(names.begin(), names.end(), number.name) - names.begin();
      cells[static_cast<size_t>(column)] = NumberText(number.value);
    }
    WEFT_RETURN_IF_ERROR(table_->Append(cells));
  }
  if (events_ == nullptr) return absl::OkStatus();
  for (NamedMetric& number : numbers) number.name = absl::StrCat(Absl(kind), "/", number.name);
  return events_->AddScalars(numbers, step);
}

absl::Status TrainingLog::AddHistograms(int64_t step) {
  for (const Node* variable : trainer_.training_graph().variables()) {
    if (VariableRole(*variable) == kOptimizerSlot) continue;
    WEFT_ASSIGN_OR_RETURN(const Tensor value, trainer_.Get(variable->name()));
    WEFT_RETURN_IF_ERROR(events_->AddHistogram(variable->name(), value, step));
  }
  return absl::OkStatus();
}

absl::Status TrainingLog::WatchActivations(const Dataset& examples) {
  WEFT_ASSIGN_OR_RETURN(const Model snapshot, trainer_.Snapshot());
  WEFT_ASSIGN_OR_RETURN(const Model layers, ModelOfLayers(snapshot));
  const std::vector<Node*> inputs = layers.graph.inputs();
  const int64_t count = std::min(kWatchedExamples, examples.size());
  const std::optional<int64_t> fixed = FixedBatch(*inputs[0]);
  int64_t batch_size = fixed.value_or(1);
  if (batch_size < 1 || batch_size > count) {
    return absl::InvalidArgumentError(
        absl::StrCat("the model takes ", batch_size, " examples at a time, expected 1 to ", count));
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<Batch> first,
                        FirstExamples(examples, batch_size, batch_size));
  WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(inputs, first[0]));
  if (fixed) {
    WEFT_RETURN_IF_ERROR(BindingsFromFeeds(layers.graph, feeds).status());
  } else {
    WEFT_ASSIGN_OR_RETURN(batch_size, ExamplesWithin(layers.graph, feeds, count));
  }
  // Of a fixed batch whole ones.
  const int64_t watched = fixed ? count / batch_size * batch_size : count;
  WEFT_ASSIGN_OR_RETURN(watched_, FirstExamples(examples, watched, batch_size));
  return absl::OkStatus();
}

absl::Status TrainingLog::AddActivations(int64_t step) {
  WEFT_ASSIGN_OR_RETURN(const Model snapshot, trainer_.Snapshot());
  WEFT_ASSIGN_OR_RETURN(const Model layers, ModelOfLayers(snapshot));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                        Session::Create(layers, {.threads = trainer_.options().threads}));
  std::map<std::string, Distribution> distributions;
  // Once for the ranges and once for the counts, rather than to keep what all batches give.
  for (const auto add : {&Distribution::Widen, &Distribution::Count}) {
    for (const Batch& batch : watched_) {
      WEFT_ASSIGN_OR_RETURN(const TensorMap feeds, FeedExamples(session->inputs(), batch));
      WEFT_ASSIGN_OR_RETURN(const TensorMap values, session->Run(feeds));
      for (const auto& [name, value] : values) (distributions[name].*add)(value);
    }
  }
  for (const auto& [name, values] : distributions) {
    WEFT_RETURN_IF_ERROR(events_->AddHistogram(absl::StrCat("activations/", name), values, step));
  }
  return absl::OkStatus();
}

// Comes within the step.
absl::Status TrainingLog::AddGradient(const std::string& parameter,
                                      const absl::StatusOr<Tensor>& gradient) {
  WEFT_RETURN_IF_ERROR(gradient.status());
  return events_->AddHistogram(absl::StrCat("gradients/", parameter), *gradient,
                               trainer_.step() + 1);
}

absl::Status TrainingLog::OnStep(const StepProgress& p) {
  WEFT_RETURN_IF_ERROR(gradients_);
  if (options_.log_every == 0 || p.step % options_.log_every != 0) return absl::OkStatus();
  std::vector<NamedMetric> numbers = {{"loss", p.step_loss},
                                      {"learning_rate", p.learning_rate},
                                      {"images_per_second", p.images_per_second},
                                      {"waiting", p.waiting}};
  if (p.accuracy) numbers.push_back({"accuracy", *p.accuracy});
  return AddRow("step", p.epoch + 1, p.step, std::move(numbers));
}

absl::Status TrainingLog::OnEpoch(const EpochSummary& s) {
  std::vector<NamedMetric> numbers = {{"loss", s.loss},
                                      {"learning_rate", s.learning_rate},
                                      {"images_per_second", s.images_per_second},
                                      {"waiting", s.waiting},
                                      {"seconds", s.seconds}};
  if (s.accuracy) numbers.push_back({"accuracy", *s.accuracy});
  if (s.test) {
    for (NamedMetric& number : LoggedTestNumbers(*s.test)) numbers.push_back(std::move(number));
  }
  WEFT_RETURN_IF_ERROR(AddRow("epoch", s.epoch + 1, s.step, std::move(numbers)));
  if (events_ == nullptr) return absl::OkStatus();
  if (s.test && !s.test->metrics.confusion.counts().empty()) {
    const Picture picture = ConfusionPicture(s.test->metrics.confusion);
    WEFT_RETURN_IF_ERROR(events_->AddPicture("test_confusion", picture, s.step));
  }
  if (options_.log_histograms) WEFT_RETURN_IF_ERROR(AddHistograms(s.step));
  return options_.log_activations ? AddActivations(s.step) : absl::OkStatus();
}

}  // namespace weft
