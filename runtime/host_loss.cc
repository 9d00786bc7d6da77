#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "runtime/host_families.h"
#include "runtime/host_kernel.h"
#include "runtime/parallel.h"

// SoftmaxCrossEntropyLoss and its gradient; the formulas are in ops/loss.cc.

namespace weft {
namespace {

constexpr int64_t kChunks = 64;   // of the positions; sums are made a chunk at a time
constexpr int64_t kGrain = 1024;  // scores that are worth a thread

// One batch of scores [N,C,d..]: position i has its classes `inner` apart.
struct LossBatch {
  LossBatch(const EvalContext& c, int first)
      : scores(c.in(first).in<float>().data()),
        labels(c.in(first + 1)),
        weights(c.has(first + 2) ? c.in(first + 2).in<float>().data() : nullptr),
        classes(c.in(first).dim(1)),
        positions(labels.size()),
        smoothing(GetFloat(c.attributes, "label_smoothing")) {
    const std::string reduction = GetString(c.attributes, "reduction", "mean");
    none = reduction == "none";
    mean = reduction == "mean";
    if (c.attributes.contains("ignore_index")) ignored = GetInt(c.attributes, "ignore_index");
    for (int axis = 2; axis < c.in(first).rank(); ++axis) inner *= c.in(first).dim(axis);
    for (int64_t k = 0; k < classes; ++k) weight_sum += Weight(k);
  }

  int64_t Label(int64_t i) const {
    return labels.dtype == DType::kI32 ? static_cast<const int32_t*>(labels.data)[i]
                                       : static_cast<const int64_t*>(labels.data)[i];
  }
  bool IsIgnored(int64_t label) const { return ignored && label == *ignored; }
  bool LabelsAreValid() const {
    for (int64_t i = 0; i < positions; ++i) {
      const int64_t label = Label(i);
      if (!IsIgnored(label) && (label < 0 || label >= classes)) return false;
    }
    return true;
  }
  double Weight(int64_t k) const { return weights == nullptr ? 1.0 : weights[k]; }
  double Target(int64_t k, int64_t label) const {
    const double hard = k == label ? (1 - smoothing) * Weight(k) : 0;
    return hard + smoothing / static_cast<double>(classes) * Weight(k);
  }
  // The sum of all targets of a position.
  double TargetSum(int64_t label) const {
    return (1 - smoothing) * Weight(label) + smoothing / static_cast<double>(classes) * weight_sum;
  }
  // The offset of class 0 of position i.
  int64_t First(int64_t i) const { return i / inner * classes * inner + i % inner; }
  double LogSumExp(int64_t first) const {
    const float* s = scores + first;
    double largest = s[0], sum = 0;
    for (int64_t k = 1; k < classes; ++k) largest = std::max<double>(largest, s[k * inner]);
    for (int64_t k = 0; k < classes; ++k) sum += std::exp(s[k * inner] - largest);
    return largest + std::log(sum);
  }
  // What "mean" divides by.
  double TotalWeight() const {
    double total = 0;
    for (int64_t i = 0; i < positions; ++i) {
      const int64_t label = Label(i);
      if (!IsIgnored(label)) total += Weight(label);
    }
    return total;
  }

  const float* scores;
  TensorView labels;
  const float* weights;
  int64_t classes, positions, inner = 1;
  double smoothing, weight_sum = 0;
  bool none = false, mean = false;
  std::optional<int64_t> ignored;
};

// Calls f(chunk, begin, end) for the chunks of the positions, which do not depend on the threads.
template <typename F>
void ForEachChunk(const LossBatch& batch, F f) {
  const int64_t chunks = std::min(kChunks, batch.positions);
  const int64_t work = std::max<int64_t>(1, batch.positions * batch.classes);
  ParallelFor(chunks, std::max<int64_t>(1, kGrain * chunks / work), [&](int64_t from, int64_t to) {
    for (int64_t chunk = from; chunk < to; ++chunk) {
      f(chunk, batch.positions * chunk / chunks, batch.positions * (chunk + 1) / chunks);
    }
  });
}

double LossOf(const LossBatch& batch, int64_t i, float* log_prob) {
  const int64_t first = batch.First(i), label = batch.Label(i);
  const double lse = batch.LogSumExp(first);
  const bool ignored = batch.IsIgnored(label);
  double loss = 0;
  for (int64_t k = 0; k < batch.classes; ++k) {
    const int64_t at = first + k * batch.inner;
    const double log_p = batch.scores[at] - lse;
    if (log_prob != nullptr) log_prob[at] = static_cast<float>(log_p);
    // A target of 0 times log 0 counts as 0.
    const double target = ignored ? 0 : batch.Target(k, label);
    if (target != 0) loss -= target * log_p;
  }
  return loss;
}

absl::Status ComputeLoss(const EvalContext& c) {
  const LossBatch batch(c, 0);
  float* log_prob = c.outputs.size() > 1 ? static_cast<float*>(c.out(1).data) : nullptr;
  float* losses = batch.none ? static_cast<float*>(c.out().data) : nullptr;
  std::array<double, kChunks> sums = {};
  ForEachChunk(batch, [&](int64_t chunk, int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      const double loss = batch.classes == 0 ? 0 : LossOf(batch, i, log_prob);
      if (losses != nullptr) losses[i] = static_cast<float>(loss);
      sum += loss;
    }
    sums[static_cast<size_t>(chunk)] = sum;
  });
  auto* result = static_cast<float*>(c.out().data);
  if (batch.none || result == nullptr) return absl::OkStatus();
  double sum = 0;
  for (double s : sums) sum += s;
  *result = static_cast<float>(batch.mean ? sum / batch.TotalWeight() : sum);
  return absl::OkStatus();
}

absl::Status ComputeLossGrad(const EvalContext& c) {
  const LossBatch batch(c, 1);
  const float* dy = c.in(0).in<float>().data();
  float* dscores = c.out().out<float>().data();
  const double divisor = batch.mean ? batch.TotalWeight() : 1;
  ForEachChunk(batch, [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (batch.classes == 0) break;
      const int64_t first = batch.First(i), label = batch.Label(i);
      const bool ignored = batch.IsIgnored(label);
      const double scale = static_cast<double>(dy[batch.none ? i : 0]) / divisor;
      const double lse = ignored ? 0 : batch.LogSumExp(first);
      const double total = ignored ? 0 : batch.TargetSum(label);
      for (int64_t k = 0; k < batch.classes; ++k) {
        const int64_t at = first + k * batch.inner;
        const double p = ignored ? 0 : std::exp(batch.scores[at] - lse);
        dscores[at] =
            ignored ? 0 : static_cast<float>(scale * (total * p - batch.Target(k, label)));
      }
    }
  });
  return absl::OkStatus();
}

// `scores`: the index of that input. A bad label is reported by the reference kernel.
absl::StatusOr<Kernels> Make(const KernelRequest& request, int scores, HostFunction compute) {
  if (request.in(scores).dtype() != DType::kF32) return Kernels();
  const EvaluateFn reference = request.node.op().evaluate;
  Kernels kernels;
  kernels.push_back(
      MakeHostKernel(request, "weft", "softmax loops",
                     [scores, reference, compute = std::move(compute)](const EvalContext& c) {
                       return LossBatch(c, scores).LabelsAreValid() ? compute(c) : reference(c);
                     }));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostLoss(const KernelRequest& request) {
  return Make(request, 0, ComputeLoss);
}

absl::StatusOr<Kernels> HostLossGrad(const KernelRequest& request) {
  return Make(request, 1, ComputeLossGrad);
}

}  // namespace weft
