#ifndef WEFT_FRONTEND_CLI_TRAIN_SETUP_H_
#define WEFT_FRONTEND_CLI_TRAIN_SETUP_H_

#include <memory>
#include <optional>

#include "frontend/cli/train_options.h"
#include "frontend/data/dataset.h"
#include "frontend/zoo/zoo.h"

namespace weft {

// What a training begins from, with the options that follow from it and from what was asked for.
struct TrainSource {
  TrainCommandOptions options = {};
  const ZooEntry* entry = nullptr;  // a network of the zoo, or
  std::optional<Model> file = {};   // a file's model
  bool resumes = false;             // the file's training goes on
};

// Finds the model that `given` names. Its defaults are the network's, or the file's configuration;
// `given` prevails. Errors: no model, an unknown one, malformed options.
absl::StatusOr<TrainSource> FindTrainSource(const Config& given);

// A training ready to go.
struct TrainSetup {
  TrainCommandOptions options;
  std::unique_ptr<Trainer> trainer = nullptr;
  std::shared_ptr<const Dataset> train = nullptr, test = nullptr;  // or their features
  std::shared_ptr<const Dataset> examples = nullptr;  // the training's, whatever the trainer takes
  bool resumes = false;
};

// Opens the data, builds the model where it is the zoo's, makes the trainer. Errors: whatever these
// say.
absl::StatusOr<TrainSetup> SetUpTraining(TrainSource source);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_TRAIN_SETUP_H_
