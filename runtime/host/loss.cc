#include <algorithm>

#include "ops/labels.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/label_batch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/loss.cc"
#include "runtime/host/simd/softmax-inl.h"

// SoftmaxCrossEntropyLoss and its gradient; the formulas are in ops/loss.cc. Positions are taken by
// blocks: lines of neighbouring positions, or rows where the classes are neighbours.

#ifndef WEFT_RUNTIME_HOST_LOSS_ONCE
#define WEFT_RUNTIME_HOST_LOSS_ONCE
namespace weft {
namespace {

// What a run computes in.
struct LossMemory {
  ScratchArray<double> sums;   // of the blocks
  ScratchArray<float> powers;  // of a block of lines, where they are kept
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// A block of positions, and what it knows of each once Sum() has run.
struct LossBlock {
  LossBlock(const LabelBatch& b, double label_smoothing)
      : batch(b),
        smoothing(label_smoothing),
        line(b.inner == 1 ? b.classes : 1),
        share(label_smoothing / static_cast<double>(std::max<int64_t>(b.classes, 1))) {
    for (int64_t k = 0; k < b.classes && smoothing > 0; ++k) weight_sum += b.Weight(k);
  }

  // Blocks of the batch, and the choice of one.
  int64_t lines() const { return kBlockLines; }
  int64_t blocks_across() const { return (extent() + lines() - 1) / lines(); }
  int64_t extent() const { return batch.inner == 1 ? batch.positions : batch.inner; }
  int64_t count() const { return extent() == 0 ? 0 : batch.positions / extent() * blocks_across(); }
  void Choose(int64_t block) {
    const int64_t begin = block % blocks_across() * lines();
    position = block / blocks_across() * extent() + begin;
    width = std::min(lines(), extent() - begin);
    at = batch.At(position, 0);
  }

  void Sum(float* powers) {
    if (batch.inner != 1) {
      SumPowers(batch.scores + at, batch.classes, batch.inner, width, largest, rest, powers);
      return;
    }
    for (int64_t j = 0; j < width; ++j) {
      SumRowPowers(batch.scores + at + j * line, batch.classes, largest + j, rest + j);
    }
  }
  // sum_k w_k (largest - score_k), the part of the losses that label smoothing spreads.
  void SumSpread(double* spread) const {
    std::fill_n(spread, width, 0.0);
    for (int64_t k = 0; k < batch.classes; ++k) {
      const double weight = batch.Weight(k);
      if (weight == 0) continue;  // a target of 0 times log 0 counts as 0
      const float* scores = batch.scores + at + k * batch.inner;
      for (int64_t j = 0; j < width; ++j) spread[j] += weight * (largest[j] - scores[j * line]);
    }
  }

  const LabelBatch& batch;
  double smoothing;
  int64_t line;  // from one position's scores to the next one's
  double share;  // of the target that goes to every class
  double weight_sum = 0;
  int64_t position = 0, at = 0, width = 0;
  HWY_ALIGN float largest[kBlockLines];
  HWY_ALIGN float rest[kBlockLines];
};

// Calls f(thread, block, its number) for all blocks of positions.
template <typename F>
void ForEachLossBlock(const LossBlock& whole, const F& f) {
  const int64_t work = std::max<int64_t>(1, whole.batch.classes * whole.lines());
  ParallelFor(whole.count(), std::max<int64_t>(1, kLineGrain / work),
              [&](int thread, int64_t from, int64_t to) HWY_ATTR {
                LossBlock block = whole;
                for (int64_t i = from; i < to; ++i) {
                  block.Choose(i);
                  f(thread, block, i);
                }
              });
}

// log_prob = score - largest - log_sum
void StoreLogProb(const LossBlock& b, const float* log_sum, float* log_prob) {
  const auto map = [](Vf s, Vf m, Vf l) HWY_ATTR { return hn::Sub(hn::Sub(s, m), l); };
  if (b.batch.inner != 1) {
    for (int64_t k = 0; k < b.batch.classes; ++k) {
      const int64_t at = b.at + k * b.batch.inner;
      MapRange(b.width, log_prob + at, false, map, b.batch.scores + at, b.largest, log_sum);
    }
    return;
  }
  for (int64_t j = 0; j < b.width; ++j) {
    const int64_t at = b.at + j * b.line;
    const Vf m = Fill(b.largest[j]), l = Fill(log_sum[j]);
    MapRange(
        b.batch.classes, log_prob + at, false, [&](Vf s) HWY_ATTR { return map(s, m, l); },
        b.batch.scores + at);
  }
}

// The sum of the block's losses, which go to `losses` one by one if that is not null.
double SumLosses(LossBlock& b, float* losses, float* log_prob) {
  HWY_ALIGN float log_sum[kBlockLines];
  double spread[kBlockLines];
  b.Sum(nullptr);
  for (int64_t j = b.width; j < Padded(b.width); ++j) b.rest[j] = 0;
  ForVectors(b.width, [&](int64_t j, int64_t) HWY_ATTR {
    hn::Store(Log1pOfPositive(hn::Load(Df(), b.rest + j)), Df(), log_sum + j);
  });
  if (b.smoothing > 0) b.SumSpread(spread);
  if (log_prob != nullptr) StoreLogProb(b, log_sum, log_prob);
  double sum = 0;
  for (int64_t j = 0; j < b.width; ++j) {
    const int64_t label = b.batch.Label(b.position + j);
    double loss = 0;
    if (!b.batch.IsIgnored(label)) {
      const float score = b.batch.scores[b.at + j * b.line + label * b.batch.inner];
      const double target = (1 - b.smoothing) * b.batch.Weight(label);
      if (target != 0) loss = target * (static_cast<double>(b.largest[j] - score) + log_sum[j]);
      if (b.smoothing > 0) loss += b.share * (spread[j] + b.weight_sum * log_sum[j]);
    }
    if (losses != nullptr) losses[b.position + j] = static_cast<float>(loss);
    sum += loss;
  }
  return sum;
}

// What the gradient of each position of a block is made of: factor exp(score - largest), less
// share w_k, less hard at the label.
struct Targets {
  HWY_ALIGN float factor[kBlockLines], share[kBlockLines], label[kBlockLines], hard[kBlockLines];
};

void SetTargets(const LossBlock& b, const float* dy, double divisor, Targets& t) {
  for (int64_t j = 0; j < b.width; ++j) {
    const int64_t i = b.position + j, label = b.batch.Label(i);
    t.label[j] = -1;
    t.factor[j] = t.share[j] = t.hard[j] = 0;
    if (b.batch.IsIgnored(label)) continue;
    const double scale = dy[b.batch.none ? i : 0] / divisor;
    const double hard = (1 - b.smoothing) * b.batch.Weight(label);
    const double total = hard + b.share * b.weight_sum;
    t.label[j] = static_cast<float>(label);
    t.factor[j] = static_cast<float>(scale * total / (1 + static_cast<double>(b.rest[j])));
    t.share[j] = static_cast<float>(scale * b.share);
    t.hard[j] = static_cast<float>(scale * hard);
  }
}

// `memory`: for the powers, where they are kept.
void LinesBack(LossBlock& b, const float* dy, double divisor, bool stream, float* memory,
               float* dscores) {
  const bool kept = b.batch.classes <= kMaxKeptClasses;
  float* const powers = kept ? memory : nullptr;
  b.Sum(powers);
  Targets t;
  SetTargets(b, dy, divisor, t);
  for (int64_t k = 0; k < b.batch.classes; ++k) {
    const Vf label = Fill(static_cast<float>(k));
    const Vf weight = Fill(static_cast<float>(b.batch.Weight(k)));
    const int64_t row = b.at + k * b.batch.inner;
    StoreLines(b.width, dscores + row, stream, [&](const auto& tile, int64_t j, int v) HWY_ATTR {
      const auto of = [&](const float* p) HWY_ATTR { return hn::Load(Df(), p + j + v * Lanes()); };
      const Vf power =
          kept ? hn::LoadU(Df(), powers + k * kBlockLines + j + v * Lanes())
               : PowerOf(hn::Sub(tile.Load(b.batch.scores + row + j, v), of(b.largest)));
      const Vf soft = hn::MulSub(power, of(t.factor), hn::Mul(of(t.share), weight));
      const Vf at_label = hn::IfThenElseZero(hn::Eq(of(t.label), label), of(t.hard));
      const Mf ignored = hn::Lt(of(t.label), hn::Zero(Df()));
      return hn::IfThenZeroElse(ignored, hn::Sub(soft, at_label));
    });
  }
  hwy::FlushStream();
}

void RowsBack(LossBlock& b, const float* dy, double divisor, float* dscores) {
  b.Sum(nullptr);
  Targets t;
  SetTargets(b, dy, divisor, t);
  const int64_t n = b.batch.classes;
  for (int64_t j = 0; j < b.width; ++j) {
    float* to = dscores + b.at + j * n;
    if (t.label[j] < 0) {
      std::fill_n(to, n, 0.0f);
      continue;
    }
    const Vf m = Fill(b.largest[j]), factor = Fill(t.factor[j]);
    MapRange(
        n, to, false, [&](Vf s) HWY_ATTR { return hn::Mul(PowerOf(hn::Sub(s, m)), factor); },
        b.batch.scores + b.at + j * n);
    for (int64_t k = 0; k < n && b.smoothing > 0; ++k) {
      to[k] -= t.share[j] * static_cast<float>(b.batch.Weight(k));
    }
    to[static_cast<int64_t>(t.label[j])] -= t.hard[j];
  }
}

}  // namespace

void LossForward(const LabelBatch& batch, const HostContext& c, const LossMemory& memory) {
  const LossBlock whole(batch, GetFloat(c.attributes, "label_smoothing"));
  auto* output = static_cast<float*>(c.out().data);
  float* log_prob = c.outputs.size() > 1 ? static_cast<float*>(c.out(1).data) : nullptr;
  double* const sums = memory.sums.In(c.scratch);
  ForEachLossBlock(whole, [&](int, LossBlock& block, int64_t i) HWY_ATTR {
    sums[i] = SumLosses(block, batch.none ? output : nullptr, log_prob);
  });
  if (batch.none) return;
  double sum = 0;
  for (int64_t i = 0; i < whole.count(); ++i) sum += sums[i];
  *output = static_cast<float>(sum / batch.Divisor());
}

void LossBackward(const LabelBatch& batch, const HostContext& c, const LossMemory& memory) {
  const LossBlock whole(batch, GetFloat(c.attributes, "label_smoothing"));
  const float* dy = c.in(0).in<float>().data();
  float* dscores = c.out().out<float>().data();
  const bool stream = StreamsLines(
      {batch.positions / std::max<int64_t>(batch.inner, 1), batch.classes, batch.inner}, dscores,
      nullptr);
  const double divisor = batch.Divisor();
  ForEachLossBlock(whole, [&](int thread, LossBlock& block, int64_t) HWY_ATTR {
    if (batch.inner == 1) {
      RowsBack(block, dy, divisor, dscores);
    } else {
      LinesBack(block, dy, divisor, stream, memory.powers.In(c.scratch, thread), dscores);
    }
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(LossForward);
HWY_EXPORT(LossBackward);

using RunFn = void (*)(const LabelBatch&, const HostContext&, const LossMemory&);

void Forward(const LabelBatch& batch, const HostContext& c, const LossMemory& memory) {
  HWY_DYNAMIC_DISPATCH(LossForward)(batch, c, memory);
}
void Backward(const LabelBatch& batch, const HostContext& c, const LossMemory& memory) {
  HWY_DYNAMIC_DISPATCH(LossBackward)(batch, c, memory);
}

void NllForward(const LabelBatch& batch, const HostContext& c, const LossMemory&) {
  auto* output = static_cast<float*>(c.out().data);
  double sum = 0;
  for (int64_t i = 0; i < batch.positions; ++i) {
    const int64_t label = batch.Label(i);
    const double loss =
        batch.IsIgnored(label) ? 0 : -batch.Weight(label) * batch.scores[batch.At(i, label)];
    if (batch.none) output[i] = static_cast<float>(loss);
    sum += loss;
  }
  if (!batch.none) *output = static_cast<float>(sum / batch.Divisor());
}

void NllBackward(const LabelBatch& batch, const HostContext& c, const LossMemory&) {
  const float* dy = c.in(0).in<float>().data();
  auto* dinput = static_cast<float*>(c.out().data);
  const double divisor = batch.Divisor();
  ParallelFor(c.out().size(), 1 << 14,
              [=](int64_t begin, int64_t end) { std::fill(dinput + begin, dinput + end, 0.0f); });
  for (int64_t i = 0; i < batch.positions; ++i) {
    const int64_t label = batch.Label(i);
    if (batch.IsIgnored(label)) continue;
    const double scale = dy[batch.none ? i : 0] / divisor;
    dinput[batch.At(i, label)] = static_cast<float>(-batch.Weight(label) * scale);
  }
}

// `first`: the index of the scores.
absl::StatusOr<Kernels> Make(const KernelRequest& request, int first, std::string implementation,
                             RunFn run) {
  // The kernels hold labels as floats.
  constexpr int64_t kMaxClasses = int64_t{1} << 24;
  const Layout& scores = request.in(first);
  if (scores.dtype() != DType::kF32 || scores.dims()[1] > kMaxClasses) return Kernels();
  const std::string_view name = request.node.op().inputs[static_cast<size_t>(first) + 1].name;
  const auto check = [first, name](const EvalContext& c) {
    const LabelBatch batch(c, first);
    if (batch.LabelsAreValid()) return absl::OkStatus();
    return ReadLabels(batch.labels, name, batch.classes, c.attributes).status();
  };
  const Dims& dims = scores.dims();
  int64_t inner = 1;
  for (size_t axis = 2; axis < dims.size(); ++axis) inner *= dims[axis];
  // Lines of an example's positions; of rows, those of all examples follow each other.
  const int64_t extent = inner == 1 ? dims[0] : inner, examples = inner == 1 ? 1 : dims[0];
  const int64_t lines = HWY_NAMESPACE::kBlockLines;
  const bool kept = run == Backward && inner != 1 && dims[1] <= HWY_NAMESPACE::kMaxKeptClasses;
  ScratchPlan scratch(request.threads);
  const LossMemory memory{
      scratch.Shared<double>(run == Forward ? examples * ((extent + lines - 1) / lines) : 0),
      scratch.PerThread<float>(kept ? dims[1] * lines : 0)};
  const auto compute = [first, check, run, memory](const HostContext& c) -> absl::Status {
    WEFT_RETURN_IF_ERROR(check(c));
    run(LabelBatch(c, first), c, memory);
    return absl::OkStatus();
  };
  auto kernel = MakeHostKernel(request, "weft", std::move(implementation), compute,
                               /*in_place=*/false, scratch);
  kernel->SetCheck({first + 1}, check);
  return Single(std::move(kernel));
}

}  // namespace

absl::StatusOr<Kernels> HostLoss(const KernelRequest& request) {
  return Make(request, 0, "softmax blocks", Forward);
}

absl::StatusOr<Kernels> HostLossGrad(const KernelRequest& request) {
  return Make(request, 1, "softmax blocks", Backward);
}

absl::StatusOr<Kernels> HostNllLoss(const KernelRequest& request) {
  return Make(request, 0, "label loops", NllForward);
}

absl::StatusOr<Kernels> HostNllLossGrad(const KernelRequest& request) {
  return Make(request, 1, "label loops", NllBackward);
}

}  // namespace weft
#endif
