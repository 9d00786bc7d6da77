#ifndef WEFT_FRONTEND_CLI_TRAIN_OPTIONS_H_
#define WEFT_FRONTEND_CLI_TRAIN_OPTIONS_H_

#include <string>
#include <string_view>

#include "frontend/cli/common.h"
#include "frontend/train/model_data.h"
#include "frontend/cli/option_flags.h"
#include "frontend/train/config_text.h"
#include "frontend/train/finetune_start.h"
#include "frontend/train/train_loop.h"
#include "frontend/watch/log.h"

namespace weft {

// What is trained, where, and into which file.
struct TrainTarget {
  std::string model, output;
  std::string input;    // "": that of the data, or the network's own
  int64_t classes = 0;  // 0: likewise
  double width = 1;
  bool restart = false;
  int64_t seed = 0;
  int64_t threads = 0;
};

// What a model is trained on, and how its examples are made. Kept in its configuration.
struct TrainData {
  DataSource source;
  std::string augment;  // a pipeline's text
  // Bytes for the features of what is frozen (KeepFrozenFeatures); "0": they are not kept.
  std::string feature_cache = "1GiB";
};

// All that a training can be told: by flags, by a file, by the configuration of a saved model.
struct TrainCommandOptions {
  TrainTarget target;
  StartOptions start;
  TrainData data;
  FitOptions fit;
  TrainOptions train;
  LogOptions log;
};

// Visitors that show options in groups have Section.
template <typename F>
void BeginSection(F& f, std::string_view title) {
  if constexpr (requires { f.Section(title); }) f.Section(title);
}

template <typename F>
void VisitOptions(TrainTarget& o, F& f) {
  f("model", o.model,
    "A network (see weft zoo), or a .weft file: its training goes on where it stopped, with the "
    "same results as if it had not");
  f("output", o.output, "The file to write");
  f("input", o.input,
    "One example's size for a network, as 3x224x224; images are resized to it (default: that of "
    "the data; of synthetic data, the network's own)");
  f("classes", o.classes, "A network's classes (0: those of the data)");
  f("width", o.width, "Factor of the channels within a network");
  f("restart", o.restart, "Keep the weights of a file, forget its training state and epochs");
  f("seed", o.seed, "Of weights, shuffling and dropout");
  f("threads", o.threads, "Threads (0: all CPUs this process may use)");
}

template <typename F>
void VisitOptions(TrainData& o, F& f) {
  VisitOptions(o.source, f);
  f("augment", o.augment,
    "Random changes of the examples, as \"crop(padding=4), flip\", or light, cifar, imagenet, "
    "strong (see weft data --help)");
  f("feature_cache", o.feature_cache,
    "Memory for the features of a frozen beginning (--freeze), which are computed once where "
    "nothing random comes before them: the same weights, sooner; 0: compute them in every epoch");
}

template <typename F>
void VisitOptions(TrainCommandOptions& o, F& f) {
  BeginSection(f, "Model and file");
  VisitOptions(o.target, f);
  BeginSection(f, "Beginning");
  VisitOptions(o.start, f);
  BeginSection(f, "Data");
  VisitOptions(o.data, f);
  BeginSection(f, "Course of the training");
  VisitOptions(o.fit, f);
  BeginSection(f, "Loss and optimizer");
  VisitOptions(o.train, f);
  BeginSection(f, "Logs");
  VisitOptions(o.log, f);
}

// The options that a text file gives. Errors: see ConfigKeys::Parse; the file cannot be read.
absl::StatusOr<Config> ReadConfigFile(const std::string& path);

// All options as such a file.
std::string PrintOptions(const TrainCommandOptions& options);
// Those that are not the command's defaults, on one line; what is trained and where is left out.
std::string ChosenOptions(const TrainCommandOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_TRAIN_OPTIONS_H_
