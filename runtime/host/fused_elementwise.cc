#include "ops/fused_elementwise.h"

#include <algorithm>

#include "hwy/cache_control.h"
#include "ops/broadcast.h"
#include "ops/ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/host/any_layout_kernel.h"
#include "runtime/host/arithmetic.h"
#include "runtime/host/eltwise.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"

// FusedElementwise of f32: all steps on one tile after the other, each of which stays in the L1
// cache meanwhile. What is between two steps lies in a buffer of the thread's own; only the last
// one writes the result, at places where everything has been read, so that it may lie in the memory
// of any operand of its type.
//
// Where k channels lie side by side (channel_blocks.h), an operand of one number a channel is
// read as a pattern of k numbers that is repeated over a tile and some more: a tile begins anywhere
// in it. Channels that are only padding are zeros and stay so: elsewhere the layout is row-major.
// An operand that is a region of a wider channels-last image is gathered tile by tile.

namespace weft {
namespace {

constexpr int64_t kTile = 1024;  // floats

struct ChainStep {
  std::optional<EltwiseCall> function;  // of the running value alone; else `arithmetic`
  Arithmetic arithmetic = Arithmetic::kAdd;
  size_t operand = 0;
  bool operand_first = false;
};

// All steps on n elements of what operand(i) finds of the inputs; `between` holds as many.
template <typename F>
void TakeSteps(const std::vector<ChainStep>& steps, int64_t n, const F& operand, float* between,
               float* result) {
  RunOperand value = operand(0);
  for (const ChainStep& step : steps) {
    float* y = &step == &steps.back() ? result : between;
    if (step.function) {
      step.function->Forward(n, value.data, y);
    } else if (step.operand_first) {
      RunArithmetic(step.arithmetic, operand(step.operand), value, n, y);
    } else {
      RunArithmetic(step.arithmetic, value, operand(step.operand), n, y);
    }
    value = {y, 1};
  }
}

struct ChainKernel {
  std::vector<ChainStep> steps;
  Loops loops;  // of the inputs
  int64_t channels = 1;
  int64_t adjacent = 1;                // channels that lie side by side
  std::vector<bool> repeated;          // of the inputs: read as a pattern
  std::vector<int64_t> pixel_strides;  // of the inputs that are regions; 0 for others
  std::vector<ScratchArray<float>> gathered;
  std::vector<ScratchArray<float>> tables;  // of the inputs: patterns written out
  ScratchArray<float> between;              // a tile between two steps

  void Run(const HostContext& c) const;

 private:
  void FillTables(const HostContext& c, int thread, std::span<const int64_t> at, int64_t n) const;
  const float* Gather(const HostContext& c, int thread, size_t i, int64_t begin, int64_t n) const;
  void RunTile(const HostContext& c, int thread, int64_t to, std::span<const int64_t> at,
               int64_t done, int64_t n) const;
};

const float* InputData(const HostContext& c, size_t i) {
  return static_cast<const float*>(c.inputs[i].data);
}

void ChainKernel::FillTables(const HostContext& c, int thread, std::span<const int64_t> at,
                             int64_t n) const {
  for (size_t i = 0; i < repeated.size(); ++i) {
    if (!repeated[i]) continue;
    const float* pattern = InputData(c, i) + at[i];
    float* table = tables[i].In(c.scratch, thread);
    const int64_t there = std::min(adjacent, channels - at[i] % channels);  // others are padding
    std::copy_n(pattern, there, table);
    std::fill_n(table + there, adjacent - there, 0.0f);
    for (int64_t j = adjacent; j < n + adjacent; j += adjacent) {
      std::copy_n(table, std::min(adjacent, n + adjacent - j), table + j);
    }
  }
}

// The elements from `begin` on, counted without what lies between the pixels, of input `i`.
const float* ChainKernel::Gather(const HostContext& c, int thread, size_t i, int64_t begin,
                                 int64_t n) const {
  constexpr int64_t kLine = 16;  // floats of a cache line
  float* const tile = gathered[i].In(c.scratch, thread);
  int64_t pixel = begin / channels, channel = begin % channels;
  // The CPU does not foresee where the next row of pixels begins: those of the next tile are asked
  // for now.
  const int64_t ahead = (kTile / channels + 1) * pixel_strides[i];
  for (int64_t done = 0; done < n; ++pixel, channel = 0) {
    const int64_t count = std::min(channels - channel, n - done);
    const float* from = InputData(c, i) + pixel * pixel_strides[i] + channel;
    for (int64_t k = 0; k < count; k += kLine) hwy::Prefetch(from + ahead + k);
    std::copy_n(from, count, tile + done);
    done += count;
  }
  return tile;
}

// The n elements from element `done` of a run on, which begins at element `to` of the result and at
// `at` of the operands.
void ChainKernel::RunTile(const HostContext& c, int thread, int64_t to, std::span<const int64_t> at,
                          int64_t done, int64_t n) const {
  const auto operand = [&](size_t i) -> RunOperand {
    if (repeated[i]) return {tables[i].In(c.scratch, thread) + (to + done) % adjacent, 1};
    if (pixel_strides[i] > 0) return {Gather(c, thread, i, to + done, n), 1};
    return {InputData(c, i) + at[i] + done * loops.step(i), loops.step(i)};
  };
  float* const result = static_cast<float*>(c.out().data) + to + done;
  TakeSteps(steps, n, operand, between.In(c.scratch, thread), result);
}

void ChainKernel::Run(const HostContext& c) const {
  ForEachRunOfThread(loops,
                     [&](int thread, int64_t to, std::span<const int64_t> at, int64_t count) {
                       FillTables(c, thread, at, std::min(count, kTile));
                       for (int64_t done = 0; done < count; done += kTile) {
                         RunTile(c, thread, to, at, done, std::min(kTile, count - done));
                       }
                     });
}

// Nothing where a step has no vectors.
absl::StatusOr<std::vector<ChainStep>> ReadChain(const KernelRequest& request) {
  std::vector<ChainStep> steps;
  for (ElementwiseStep& step : GetElementwiseSteps(request.node.attributes())) {
    ChainStep read;
    read.operand_first = step.operand_first;
    if (const auto arithmetic = FindArithmetic(step.op)) {
      read.arithmetic = *arithmetic;
      read.operand = static_cast<size_t>(step.input);
    } else {
      const OpDef& op = *StandardOps().Find(step.op);
      WEFT_RETURN_IF_ERROR(CheckAttributes(op, step.attributes));  // fills in defaults
      read.function = FindEltwiseCall(op, step.attributes);
      if (!read.function) return std::vector<ChainStep>();
    }
    steps.push_back(std::move(read));
  }
  return steps;
}

bool IsOfResult(const KernelRequest& request, size_t i) {
  return request.inputs[i].dims() == request.outputs[0];
}

// The dims of input `i` with axes of 1 in front, as many as the result's.
Dims AlignedDims(const KernelRequest& request, size_t i) {
  Dims dims = request.inputs[i].dims();
  dims.insert(dims.begin(), request.outputs[0].size() - dims.size(), 1);
  return dims;
}

// Whether all operands that are broadcast have one number a channel, an example or both.
bool VaryByChannelOnly(const KernelRequest& request) {
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (IsOfResult(request, i)) continue;
    const Dims dims = AlignedDims(request, i);
    if (std::any_of(dims.begin() + 2, dims.end(), [](int64_t d) { return d != 1; })) return false;
  }
  return true;
}

// Whether the result is zero where all that has channels is.
bool KeepsZero(const KernelRequest& request, const std::vector<ChainStep>& steps) {
  std::vector<float> numbers(request.inputs.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (IsOfResult(request, i) || AlignedDims(request, i)[1] > 1) continue;
    const Tensor* constant = ConstantValue(request.node.input(static_cast<int>(i)));
    if (constant == nullptr || constant->size() != 1) return false;
    numbers[i] = static_cast<float>(constant->At(0));
  }
  float between = 0, result = 0;
  const auto operand = [&](size_t i) { return RunOperand{&numbers[i], 1}; };
  TakeSteps(steps, 1, operand, &between, &result);
  return result == 0;
}

// Floats from pixel to pixel of an input that is a region of a wider image; 0 for others.
int64_t RegionStride(const Layout& layout) {
  return layout.strides().empty() ? 0 : FindPixelStride(layout).value_or(0);
}

// Where an operand of the result's dims has a layout of the library's that the loops can follow,
// that one, without gaps; else row-major.
Layout LayoutOfChain(const KernelRequest& request, const std::vector<ChainStep>& steps) {
  const Dims& y = request.outputs[0];
  if (y.size() >= 3 && VaryByChannelOnly(request)) {
    for (size_t i = 0; i < request.inputs.size(); ++i) {
      const Layout& layout = request.inputs[i];
      if (!IsOfResult(request, i) || layout.is_plain()) continue;
      if (RegionStride(layout) > 0) return ChannelsLastLayout(y, y[1]);
      if (!FindChannelBlocks(layout)) continue;
      if (!IsPadded(layout) || KeepsZero(request, steps)) return layout;
    }
  }
  return Layout::Plain(DType::kF32, y);
}

// Loops over [N, C/k, rest * k], where what is repeated stands still along the last axis.
void SetLoops(const KernelRequest& request, int64_t k, ChainKernel& chain) {
  const Dims& y = request.outputs[0];
  chain.adjacent = k;
  if (y.size() > 1) chain.channels = y[1];
  chain.repeated.assign(request.inputs.size(), false);
  chain.pixel_strides.assign(request.inputs.size(), 0);
  if (k == 1) {
    chain.loops = BroadcastLoops(request);
    return;
  }
  int64_t row = k;
  for (size_t axis = 2; axis < y.size(); ++axis) row *= y[axis];
  const Dims dims = {y[0], (y[1] + k - 1) / k, row};
  std::vector<Dims> strides;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (IsOfResult(request, i)) {
      strides.push_back(RowMajorStrides(dims));
      if (k == y[1]) chain.pixel_strides[i] = RegionStride(request.inputs[i]);
      continue;
    }
    const Dims from = AlignedDims(request, i);
    chain.repeated[i] = from[1] > 1;
    strides.push_back({from[0] > 1 ? from[1] : 0, from[1] > 1 ? k : 0, 0});
  }
  chain.loops = MergeAxes(dims, strides);
}

ScratchPlan PlanScratch(const KernelRequest& request, ChainKernel& chain) {
  ScratchPlan scratch(request.threads);
  chain.between = scratch.PerThread<float>(kTile);
  for (const bool repeated : chain.repeated) {
    chain.tables.push_back(scratch.PerThread<float>(repeated ? kTile + chain.adjacent : 0));
  }
  for (const int64_t stride : chain.pixel_strides) {
    chain.gathered.push_back(scratch.PerThread<float>(stride > 0 ? kTile : 0));
  }
  return scratch;
}

}  // namespace

absl::StatusOr<Kernels> HostFusedElementwise(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  ChainKernel chain;
  WEFT_ASSIGN_OR_RETURN(chain.steps, ReadChain(request));
  if (chain.steps.empty()) return Kernels();
  const Layout layout = LayoutOfChain(request, chain.steps);
  SetLoops(request, layout.is_plain() ? 1 : FindChannelBlocks(layout)->width, chain);
  const ScratchPlan scratch = PlanScratch(request, chain);
  std::vector<Layout> inputs;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const Layout& in = request.inputs[i];
    inputs.push_back(chain.pixel_strides[i] > 0 ? in
                     : IsOfResult(request, i)   ? layout
                                                : Layout::Plain(in.dtype(), in.dims()));
  }
  auto kernel = MakeHostKernel(
      request, "weft", "fused chain",
      [chain = std::move(chain)](const HostContext& c) { chain.Run(c); },
      /*in_place=*/true, scratch);
  kernel->SetLayouts(std::move(inputs), {layout});
  return Single(std::move(kernel));
}

}  // namespace weft
