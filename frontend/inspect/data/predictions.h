#ifndef WEFT_FRONTEND_INSPECT_DATA_PREDICTIONS_H_
#define WEFT_FRONTEND_INSPECT_DATA_PREDICTIONS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/session/session.h"
#include "frontend/watch/confusion.h"
#include "graph/model.h"

namespace weft {

// What a classifier says of every example of a data set, in its order.
struct Predictions {
  Tensor scores = {};                    // f32[N,C], before a Softmax
  std::vector<int64_t> labels = {};      // the data set's
  std::vector<int64_t> predicted = {};   // the class of the highest score, the first one of equals
  std::vector<double> probability = {};  // of that class, by softmax
  int64_t size() const { return static_cast<int64_t>(labels.size()); }
  double accuracy() const;
};

struct PredictOptions {
  int64_t batch_size = 256;
  SessionOptions session = {};
};

// Errors: a model with several inputs, scores that are not [N,C], examples without one class of [0,
// C) each; whatever the data or the run say.
absl::StatusOr<Predictions> PredictAll(const Model& model,
                                       const std::shared_ptr<const Dataset>& dataset,
                                       const PredictOptions& options = {});

// What was taken for what; ClassScores (frontend/watch/confusion.h) has precision and recall of it.
Confusion ConfusionOf(const Predictions& predictions);

// An example that was taken for another class.
struct Mistake {
  int64_t index = 0;  // in the data set
  int64_t label = 0, predicted = 0;
  double probability = 0;        // of `predicted`
  double label_probability = 0;  // of `label`
};
// At most `count`, the most confident first.
std::vector<Mistake> ConfidentMistakes(const Predictions& predictions, int64_t count);
// Each picture above its class and, with its probability, what it was taken for. Errors: no
// mistake, examples that are no pictures, those of reading.
absl::StatusOr<Picture> MistakeSheet(const Model& model, const Dataset& dataset,
                                     std::span<const Mistake> mistakes,
                                     const SheetOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_PREDICTIONS_H_
