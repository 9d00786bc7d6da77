#include "frontend/cli/train_setup.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/cli/common.h"
#include "frontend/cli/train_features.h"
#include "frontend/cli/tuning.h"
#include "frontend/data/augment/augmented.h"
#include "frontend/data/relabel.h"
#include "frontend/train/model_data.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

// What the file's training was made with.
absl::Status ReadFileOptions(const Model& model, TrainCommandOptions& o) {
  const Config& config = model.training->config;
  WEFT_ASSIGN_OR_RETURN(o.train, OptionsOf(*model.training));
  WEFT_ASSIGN_OR_RETURN(o.fit, FitOptionsOf(config));
  WEFT_RETURN_IF_ERROR(ReadOptions(config, o.log));
  return ReadOptions(config, o.data);
}

absl::Status CheckTarget(const TrainTarget& o) {
  if (o.seed < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--seed: expected at least 0, got ", o.seed));
  }
  return CheckThreads(o.threads);
}

// A training that goes on is past its beginning.
absl::Status CheckBeginning(const Config& given) {
  StartOptions start;
  WEFT_RETURN_IF_ERROR(ReadOptions(given, start));
  if (start == StartOptions()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "its training goes on, which --init, --init-from, --replace-head, --dropout and "
      "--stochastic-depth are too late for; --model FILE --restart begins a new one from its "
      "weights");
}

// Puts what is given over what the model says, and the target's part where the trainer looks for
// it.
absl::Status ApplyGiven(const Config& given, TrainCommandOptions& o) {
  o.target.seed = static_cast<int64_t>(o.train.seed);
  o.target.threads = o.train.threads;
  if (const auto method = given.find("optimizer"); method != given.end()) {
    const double rate = RateOfMethod(method->second);
    if (rate != 0 && o.train.optimizer.method != method->second) o.fit.learning_rate = rate;
    o.train.optimizer = WithMethod(o.train.optimizer, method->second);
  }
  if (const auto schedule = given.find("schedule"); schedule != given.end()) {
    o.fit.schedule = WithSchedule(o.fit.schedule, schedule->second);
  }
  if (const auto loss = given.find("loss"); loss != given.end()) {
    o.train.loss = WithLoss(o.train.loss, loss->second);
  }
  WEFT_RETURN_IF_ERROR(ReadOptions(given, o));
  WEFT_RETURN_IF_ERROR(CheckTarget(o.target));
  o.train.seed = static_cast<uint64_t>(o.target.seed);
  o.train.threads = static_cast<int>(o.target.threads);
  o.train.tuning_progress = ShowTuning();
  o.train.tuning_warning = WarnOfTuning;
  o.fit.checkpoint.path = o.target.output;
  if (o.fit.batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--batch: expected at least 1, got ", o.fit.batch_size));
  }
  // Fit and the log check these too, but only after the data are there and all is planned.
  WEFT_RETURN_IF_ERROR(CheckSchedule(o.fit.schedule));
  WEFT_RETURN_IF_ERROR(CheckEarlyStopping(o.fit.early_stopping));
  WEFT_RETURN_IF_ERROR(CheckLogOptions(o.log));
  return CheckCheckpoints(o.fit.checkpoint);
}

// The network as the options and the data, where they are not made for it, want it.
absl::StatusOr<Model> BuildFor(const ZooEntry& entry, const TrainCommandOptions& o,
                               const Dataset* train) {
  ZooOptions options{.classes = o.target.classes, .width = o.target.width, .seed = o.train.seed};
  if (!o.target.input.empty()) {
    WEFT_ASSIGN_OR_RETURN(options.input, ParseSize(o.target.input));
  }
  if (train != nullptr) {
    if (options.input.empty() && train->parts().empty()) options.input = train->example_dims();
    if (options.classes == 0 && entry.classes != 0) {
      // A regression has as many outputs as an example has numbers.
      const bool numbers = train->targets() && train->label_dims().size() <= 1;
      options.classes = numbers ? train->label_size() : std::ssize(train->class_names());
    }
  }
  WEFT_ASSIGN_OR_RETURN(Model model, BuildNetwork(entry, options));
  // What the data are normalised by, where the network does not say.
  if (!model.preprocessing && train != nullptr && options.input.size() == 3 &&
      options.input[0] == train->preprocessing().channels) {
    model.preprocessing = train->preprocessing();
    model.preprocessing->height = options.input[1];
    model.preprocessing->width = options.input[2];
  }
  return model;
}

// What a new training begins with.
absl::Status Begin(const TrainCommandOptions& o, Model& model) {
  const StartOptions& start = o.start;
  WEFT_ASSIGN_OR_RETURN(const InitReport report, Start(model, start, o.train.seed));
  if (start.init_from.empty()) return absl::OkStatus();
  Print("%s: %zu variables loaded\n", start.init_from.c_str(), report.loaded.size());
  const auto list = [](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    const std::string first = absl::StrJoin(
        names.begin(), names.begin() + std::min<ptrdiff_t>(3, std::ssize(names)), ", ");
    Print("  %zu %s: %s%s\n", names.size(), what, first.c_str(), names.size() > 3 ? ", ..." : "");
  };
  list("of another shape keep their values", report.skipped);
  list("are not in the file", report.missing);
  list("in the file are not the model's", report.unexpected);
  return absl::OkStatus();
}

// Whether the model tells the classes of the data apart.
absl::Status CheckHead(const Model& model, const Dataset& train) {
  const int64_t classes = std::ssize(train.class_names());
  if (!model.graph.losses().empty() || model.graph.outputs().empty()) return absl::OkStatus();
  const TensorType& scores = model.graph.outputs()[0].value.type();
  if (scores.rank() < 2 || !scores.dim(1).is_static()) return absl::OkStatus();
  const int64_t units = scores.dim(1).coefficient();
  if (units >= classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "the model's output ", model.graph.outputs()[0].name, " has ", units, " classes, ",
      train.name(), " has ", classes, ": --replace-head ", classes, " gives it a new last layer"));
}

// The examples of a split: the training's changed at random where that is asked for, the test's as
// far as what is learned from those needs it.
absl::StatusOr<std::shared_ptr<const Dataset>> ExamplesFor(std::shared_ptr<const Dataset> source,
                                                           const Model& model,
                                                           const TrainData& data, Split split) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline pipeline, ParsePipeline(data.augment));
  WEFT_ASSIGN_OR_RETURN(source, FitToModel(std::move(source), model, data.source));
  const Preprocessing target = source->preprocessing();
  return AugmentedDataset(std::move(source),
                          split == Split::kTrain ? pipeline : TestSteps(pipeline), target);
}

}  // namespace

absl::StatusOr<TrainSource> FindTrainSource(const Config& given) {
  TrainSource source;
  TrainTarget target;
  WEFT_RETURN_IF_ERROR(ReadOptions(given, target));
  if (target.model.empty()) return absl::InvalidArgumentError("--model is required");
  TrainCommandOptions& o = source.options;
  if (!LooksLikeFile(target.model)) {
    WEFT_ASSIGN_OR_RETURN(source.entry, FindNetwork(target.model));
    o.train.optimizer = source.entry->optimizer;
    o.fit = source.entry->fit;
  } else {
    if (!target.input.empty() || target.classes != 0 || target.width != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat(target.model,
                       ": --input, --classes and --width are for networks of the zoo, not for "
                       "files"));
    }
    WEFT_ASSIGN_OR_RETURN(source.file, OpenFile(target.model));
    if (source.file->training) {
      WEFT_RETURN_IF_ERROR(Annotate(ReadFileOptions(*source.file, o), target.model));
      source.resumes = !target.restart;
      if (target.restart) o.log = {};  // those are the other training's
      if (source.resumes) WEFT_RETURN_IF_ERROR(Annotate(CheckBeginning(given), target.model));
    }
  }
  WEFT_RETURN_IF_ERROR(ApplyGiven(given, o));
  return source;
}

absl::StatusOr<TrainSetup> SetUpTraining(TrainSource source) {
  TrainSetup setup{.options = std::move(source.options), .resumes = source.resumes};
  TrainCommandOptions& o = setup.options;
  const DataSource& data = o.data.source;
  const bool made_for_it = IsSynthetic(data.data);
  std::shared_ptr<const Dataset> examples;
  if (!made_for_it) {
    WEFT_ASSIGN_OR_RETURN(examples, OpenDataset(data.data, Split::kTrain, data.options));
  }
  if (source.entry != nullptr) {
    WEFT_ASSIGN_OR_RETURN(source.file, BuildFor(*source.entry, o, examples.get()));
  }
  Model& model = *source.file;
  if (!setup.resumes) WEFT_RETURN_IF_ERROR(Annotate(Begin(o, model), o.target.model));
  if (made_for_it) {
    WEFT_ASSIGN_OR_RETURN(examples, OpenSource(model, data, Split::kTrain));
  }
  if (setup.resumes) {  // a class's folder may have come or gone since
    WEFT_ASSIGN_OR_RETURN(examples, WithClassesOf(model.class_names, std::move(examples)));
  }
  WEFT_RETURN_IF_ERROR(CheckHead(model, *examples));
  WEFT_RETURN_IF_ERROR(FitLoss(*examples, o.train.loss));
  WEFT_ASSIGN_OR_RETURN(setup.train,
                        ExamplesFor(std::move(examples), model, o.data, Split::kTrain));
  o.train.loss.targets = setup.train->targets();
  WEFT_ASSIGN_OR_RETURN(auto test, OpenSource(model, data, Split::kTest));
  if (setup.resumes) {
    WEFT_ASSIGN_OR_RETURN(test, WithClassesOf(model.class_names, std::move(test)));
  }
  WEFT_ASSIGN_OR_RETURN(setup.test, ExamplesFor(std::move(test), model, o.data, Split::kTest));
  if (setup.train->is_normalised()) model.preprocessing = setup.train->preprocessing();
  model.class_names = setup.train->class_names();
  WEFT_RETURN_IF_ERROR(SetTestSteps(o.data.augment, model));
  setup.examples = setup.train;
  WEFT_RETURN_IF_ERROR(KeepFrozenFeatures(model, setup));
  auto trainer = setup.resumes ? Trainer::Resume(std::move(model), o.train)
                               : Trainer::Create(std::move(model), o.train);
  if (!trainer.ok()) return Annotate(trainer.status(), o.target.model);
  setup.trainer = *std::move(trainer);
  WriteOptions(o.data, setup.trainer->config());
  WriteOptions(o.log, setup.trainer->config());
  return setup;
}

}  // namespace weft
