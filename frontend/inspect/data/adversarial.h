#ifndef WEFT_FRONTEND_INSPECT_DATA_ADVERSARIAL_H_
#define WEFT_FRONTEND_INSPECT_DATA_ADVERSARIAL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/inspect/probe.h"
#include "frontend/io/picture.h"
#include "graph/model.h"

namespace weft {

// How pictures are changed so that a classifier errs, each pixel by at most `epsilon` of its range
// [0,1], which it does not leave.
struct Attack {
  double epsilon = 8.0 / 255;
  // 0: one step of epsilon along the gradient's sign (FGSM: Goodfellow et al., "Explaining and
  // harnessing adversarial examples", 2015). Else so many steps from a random start, each back into
  // the cube around the picture (PGD: Madry et al., "Towards deep learning models resistant to
  // adversarial attacks", 2018).
  int64_t steps = 0;
  double step_size = 0;  // of PGD, as epsilon; 0: 2.5 epsilon / steps
  uint64_t seed = 0;     // of PGD's start
};

// Attacks on one model. One thread at a time.
class Adversary {
 public:
  // Errors: a model that has no preprocessing, whose pixels have no range then, several inputs,
  // scores that are not [N,C]; those of Probe::Create.
  static absl::StatusOr<Adversary> Create(const Model& model, const SessionOptions& session = {});

  // The cross-entropy of each example, in nats, its gradient by `x`, of x's type, and the class
  // with the highest score with its probability. `labels` are one class an example. Errors: labels
  // of another number or that are no classes; those of the run.
  struct Losses {
    std::vector<double> loss = {};
    std::vector<int64_t> predicted = {};
    std::vector<double> probability = {};
    Tensor gradient = {};  // empty without gradients
  };
  absl::StatusOr<Losses> LossesOf(const Tensor& x, std::span<const int64_t> labels,
                                  bool gradient = true);

  // The attacked examples, of x's type: x [N,C,H,W] as the model takes it, normalised. `first` is
  // the number of the first one, which with the seed says where PGD starts. Errors as above, and an
  // attack whose numbers are out of range.
  absl::StatusOr<Tensor> Perturb(const Tensor& x, std::span<const int64_t> labels,
                                 const Attack& attack, int64_t first = 0);
  // FGSM's step where the gradient at `x` is known.
  absl::StatusOr<Tensor> SignStep(const Tensor& x, const Tensor& gradient, double epsilon) const;

  const Preprocessing& preprocessing() const { return preprocessing_; }

 private:
  Adversary() = default;
  std::unique_ptr<Probe> probe_;
  Preprocessing preprocessing_;
};

// How often a classifier is right on attacked examples.
struct RobustnessPoint {
  double epsilon = 0;
  double fgsm = 0, pgd = 0;  // accuracies
};
struct RobustnessOptions {
  std::vector<double> epsilons = {0, 1 / 255.0, 2 / 255.0, 4 / 255.0, 8 / 255.0, 16 / 255.0};
  int64_t steps = 10;  // of PGD
  uint64_t seed = 0;
  int64_t batch_size = 128;
  SessionOptions session = {};
};
// Errors: those of Adversary; examples that are no pictures with one class each.
absl::StatusOr<std::vector<RobustnessPoint>> AccuracyAgainstEpsilon(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const RobustnessOptions& options = {});
// Both accuracies against epsilon: an SVG file's text.
std::string RobustnessSvg(std::span<const RobustnessPoint> points);

// An example that is taken for another class once it is attacked.
struct AdversarialExample {
  int64_t index = 0;              // in the data set
  int64_t before = 0, after = 0;  // the classes: the right one, and what it is taken for
  double probability_before = 0, probability_after = 0;
  Picture picture = {}, attacked = {};
  Picture change = {};  // mid gray: none, white: +epsilon, black: -epsilon
};
// The first `count` of a data set, fewer where there are no more. Errors as above.
absl::StatusOr<std::vector<AdversarialExample>> FindAdversarial(
    const Model& model, const std::shared_ptr<const Dataset>& dataset, const Attack& attack,
    int64_t count, const RobustnessOptions& options = {});
// A row each: the picture, the change, the attacked picture, with their classes. Errors:
// those of PictureSheet.
absl::StatusOr<Picture> AdversarialSheet(const Model& model,
                                         std::span<const AdversarialExample> examples,
                                         int64_t tile = 112);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_ADVERSARIAL_H_
