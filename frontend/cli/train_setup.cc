#include "frontend/cli/train_setup.h"

#include <string>
#include <utility>

#include "frontend/cli/common.h"
#include "frontend/cli/data.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

// What the file's training was made with.
absl::Status ReadFileOptions(const Model& model, TrainCommandOptions& o) {
  const Config& config = model.training->config;
  WEFT_ASSIGN_OR_RETURN(o.train, OptionsOf(*model.training));
  WEFT_ASSIGN_OR_RETURN(o.fit, FitOptionsOf(config));
  return ReadOptions(config, o.data);
}

absl::Status CheckTarget(const TrainTarget& o) {
  if (o.seed < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--seed: expected at least 0, got ", o.seed));
  }
  return CheckThreads(o.threads);
}

// Puts what is given over what the model says, and the target's part where the trainer looks for
// it.
absl::Status ApplyGiven(const Config& given, TrainCommandOptions& o) {
  o.target.seed = static_cast<int64_t>(o.train.seed);
  o.target.threads = o.train.threads;
  WEFT_RETURN_IF_ERROR(ReadOptions(given, o));
  WEFT_RETURN_IF_ERROR(CheckTarget(o.target));
  o.train.seed = static_cast<uint64_t>(o.target.seed);
  o.train.threads = static_cast<int>(o.target.threads);
  o.train.recompute = o.target.recompute;
  o.fit.checkpoint.path = o.target.output;
  if (o.fit.batch_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--batch: expected at least 1, got ", o.fit.batch_size));
  }
  // Fit checks these too, but only after the data are there and all is planned.
  WEFT_RETURN_IF_ERROR(CheckSchedule(o.fit.schedule));
  WEFT_RETURN_IF_ERROR(CheckEarlyStopping(o.fit.early_stopping));
  return CheckCheckpoints(o.fit.checkpoint);
}

// The network as the options and the data want it. `train` is opened here where the network's size
// depends on it.
absl::StatusOr<Model> BuildFor(const ZooEntry& entry, const TrainCommandOptions& o,
                               std::shared_ptr<const Dataset>& train) {
  ZooOptions options{.classes = o.target.classes, .width = o.target.width, .seed = o.train.seed};
  if (!o.target.input.empty()) {
    WEFT_ASSIGN_OR_RETURN(options.input, ParseSize(o.target.input));
  }
  std::optional<Preprocessing> images;
  if (!IsSynthetic(o.data.data)) {
    WEFT_ASSIGN_OR_RETURN(train, OpenDataset(o.data.data, Split::kTrain));
    images = train->preprocessing();
    if (options.input.empty()) options.input = train->example_dims();
    if (options.classes == 0 && entry.classes != 0) {
      options.classes = static_cast<int64_t>(train->class_names().size());
    }
  }
  WEFT_ASSIGN_OR_RETURN(Model model, BuildNetwork(entry, options));
  // What the data are normalised by, where the network does not say.
  if (!model.preprocessing && images && options.input.size() == 3 &&
      options.input[0] == images->channels) {
    model.preprocessing = images;
    model.preprocessing->height = options.input[1];
    model.preprocessing->width = options.input[2];
  }
  return model;
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
    }
  }
  WEFT_RETURN_IF_ERROR(ApplyGiven(given, o));
  return source;
}

absl::StatusOr<TrainSetup> SetUpTraining(TrainSource source) {
  TrainSetup setup{.options = std::move(source.options), .resumes = source.resumes};
  const TrainCommandOptions& o = setup.options;
  std::shared_ptr<const Dataset> opened;
  if (source.entry != nullptr) {
    WEFT_ASSIGN_OR_RETURN(source.file, BuildFor(*source.entry, o, opened));
  }
  Model& model = *source.file;
  WEFT_ASSIGN_OR_RETURN(setup.train, OpenDataFor(model, o.data.data, Split::kTrain, opened));
  WEFT_ASSIGN_OR_RETURN(setup.test, OpenDataFor(model, o.data.data, Split::kTest, nullptr));
  if (setup.train->is_images()) model.preprocessing = setup.train->preprocessing();
  model.class_names = setup.train->class_names();
  auto trainer = setup.resumes ? Trainer::Resume(std::move(model), o.train)
                               : Trainer::Create(std::move(model), o.train);
  if (!trainer.ok()) return Annotate(trainer.status(), o.target.model);
  setup.trainer = *std::move(trainer);
  WriteOptions(o.data, setup.trainer->config());
  return setup;
}

}  // namespace weft
