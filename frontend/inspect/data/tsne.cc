#include "frontend/inspect/data/tsne.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/data/feature_rows.h"
#include "frontend/inspect/data/nearest_rows.h"
#include "frontend/inspect/data/quad_tree.h"
#include "frontend/inspect/data/tsne_affinities.h"
#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr double kStartDeviation = 1e-4;
constexpr double kFirstMomentum = 0.5, kMomentum = 0.8;  // while exaggerated, and after
constexpr double kGainUp = 0.2, kGainDown = 0.8, kLeastGain = 0.01;
constexpr double kMostLearningRate = 1e9;
constexpr int64_t kPlaceGrain = 64;  // points that are worth a thread

absl::Status CheckTsne(const TsneOptions& o, int64_t n) {
  WEFT_RETURN_IF_ERROR(CheckThreads(o.threads));
  if (n < 4) {
    return absl::InvalidArgumentError(absl::StrCat("t-SNE: expected 4 examples or more, got ", n));
  }
  const double most = static_cast<double>(n - 1) / 3;
  if (!(o.perplexity >= 1) || o.perplexity > most) {
    return absl::InvalidArgumentError(absl::StrCat("t-SNE: expected a perplexity from 1 to ", most,
                                                   " for ", n, " examples, got ", o.perplexity));
  }
  const bool numbers = o.theta >= 0 && o.theta <= 1 && o.exaggeration >= 1 &&
                       std::isfinite(o.exaggeration) && o.learning_rate >= 0 &&
                       o.learning_rate <= kMostLearningRate;
  if (!numbers || o.iterations < 1 || o.exaggerated < 0) {
    return absl::InvalidArgumentError(
        "t-SNE: expected theta in [0,1], an exaggeration of 1 or more, a learning rate of 0 "
        "(chosen) to 1e9, an iteration or more");
  }
  return absl::OkStatus();
}

// The descent of one embedding.
class TsneDescent {
 public:
  TsneDescent(const Affinities& affinities, size_t n, const TsneOptions& options)
      : affinities_(affinities),
        options_(options),
        rate_(options.learning_rate > 0
                  ? options.learning_rate
                  : std::max(static_cast<double>(n) / options.exaggeration / 4, 50.0)),
        y_(n),
        velocity_(n),
        gain_(n, {1, 1}),
        push_(n),
        gradient_(n) {
    for (size_t i = 0; i < n; ++i) {
      RandomStream random(options.seed, RandomPurpose::kNoise, i);
      y_[i].x = kStartDeviation * random.Bell();
      y_[i].y = kStartDeviation * random.Bell();
    }
  }

  // Errors: places that are no longer finite.
  absl::Status Step(int64_t iteration) {
    const bool early = iteration < options_.exaggerated;
    FindPushes();
    const double exaggeration = early ? options_.exaggeration : 1;
    ParallelFor(Count(), kPlaceGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) FindGradient(static_cast<size_t>(i), exaggeration);
    });
    for (size_t i = 0; i < y_.size(); ++i) Move(i, early ? kFirstMomentum : kMomentum);
    Center();
    constexpr double kMost = std::numeric_limits<float>::max();  // coordinates are f32
    const auto finite = [](const PlanePoint& p) {
      return std::abs(p.x) <= kMost && std::abs(p.y) <= kMost;
    };
    if (std::ranges::all_of(y_, finite)) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("t-SNE: places are not finite after iteration ", iteration,
                     ", with a learning rate of ", rate_, "; a smaller one may help"));
  }

  double Divergence() {
    FindPushes();
    double sum = 0;
    for (size_t i = 0; i < y_.size(); ++i) {
      for (size_t at = affinities_.row[i]; at < affinities_.row[i + 1]; ++at) {
        const PlanePoint& other = y_[affinities_.column[at]];
        const double dx = y_[i].x - other.x, dy = y_[i].y - other.y, p = affinities_.p[at];
        if (p > 0) sum += p * std::log(p * total_ * (1 + dx * dx + dy * dy));
      }
    }
    return sum;
  }

  const std::vector<PlanePoint>& places() const { return y_; }

 private:
  int64_t Count() const { return static_cast<int64_t>(y_.size()); }

  // Point by point, and their sum in the points' order: how they are shared out does not matter.
  void FindPushes() {
    tree_.Build(y_);
    ParallelFor(Count(), kPlaceGrain, [&](int64_t begin, int64_t end) {
      for (auto place = static_cast<size_t>(begin); place < static_cast<size_t>(end); ++place) {
        push_[tree_.order()[place]] = tree_.PushOf(place, options_.theta);
      }
    });
    total_ = 0;
    for (const QuadTree::Push& push : push_) total_ += push.sum;
  }

  // 4 (sum_j p_ij q_ij (y_i - y_j) - sum_j q_ij^2 (y_i - y_j) / Z), q unnormalised.
  void FindGradient(size_t i, double exaggeration) {
    double x = 0, y = 0;
    for (size_t at = affinities_.row[i]; at < affinities_.row[i + 1]; ++at) {
      const PlanePoint& other = y_[affinities_.column[at]];
      const double dx = y_[i].x - other.x, dy = y_[i].y - other.y;
      const double pull = affinities_.p[at] / (1 + dx * dx + dy * dy);
      x += pull * dx;
      y += pull * dy;
    }
    gradient_[i] = {4 * (exaggeration * x - push_[i].x / total_),
                    4 * (exaggeration * y - push_[i].y / total_)};
  }

  void Move(size_t i, double momentum) {
    const auto move = [&](double gradient, double& gain, double& velocity, double& place) {
      const bool turns = gradient * velocity > 0;  // it goes up where it is moving to
      gain = std::max(turns ? gain * kGainDown : gain + kGainUp, kLeastGain);
      velocity = momentum * velocity - rate_ * gain * gradient;
      place += velocity;
    };
    move(gradient_[i].x, gain_[i].x, velocity_[i].x, y_[i].x);
    move(gradient_[i].y, gain_[i].y, velocity_[i].y, y_[i].y);
  }

  void Center() {
    PlanePoint mean;
    for (const PlanePoint& p : y_) mean = {mean.x + p.x, mean.y + p.y};
    mean = {mean.x / static_cast<double>(y_.size()), mean.y / static_cast<double>(y_.size())};
    for (PlanePoint& p : y_) p = {p.x - mean.x, p.y - mean.y};
  }

  const Affinities& affinities_;
  const TsneOptions& options_;
  const double rate_;
  std::vector<PlanePoint> y_, velocity_, gain_;
  std::vector<QuadTree::Push> push_;
  std::vector<PlanePoint> gradient_;
  QuadTree tree_;
  double total_ = 0;  // Z
};

}  // namespace

absl::StatusOr<Tsne> ComputeTsne(const Tensor& values, const TsneOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Tensor rows, FeatureRows(values));
  const int64_t n = rows.dims()[0];
  WEFT_RETURN_IF_ERROR(CheckTsne(options, n));
  const auto k = std::min<int64_t>(n - 1, std::llround(3 * options.perplexity));
  WEFT_ASSIGN_OR_RETURN(const NearestRows nearest,
                        FindNearestOthers(rows, k, RowDistance::kSquared, options.threads));
  const Affinities affinities = AffinitiesOf(nearest, options.perplexity, options.threads);
  Tsne tsne;
  WEFT_ASSIGN_OR_RETURN(tsne.coordinates, Tensor::Zeros(DType::kF32, {n, 2}));
  TsneDescent descent(affinities, static_cast<size_t>(n), options);
  {
    const RunScope scope(options.threads == 0 ? AvailableCpus() : options.threads);
    for (int64_t i = 0; i < options.iterations; ++i) WEFT_RETURN_IF_ERROR(descent.Step(i));
    tsne.divergence = descent.Divergence();
  }
  const std::span<float> to = tsne.coordinates.mutable_values<float>();
  for (size_t i = 0; i < descent.places().size(); ++i) {
    to[2 * i] = static_cast<float>(descent.places()[i].x);
    to[2 * i + 1] = static_cast<float>(descent.places()[i].y);
  }
  return tsne;
}

}  // namespace weft
