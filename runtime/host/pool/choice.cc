#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "ops/pool_choice.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/pool/block.h"

// The poolings of ops/pool_choice.h and their gradients, in parallel over planes: windows a block
// at a time, maxima of regions directly, and what is left by the loops of the reference.

namespace weft {
namespace {

constexpr int64_t kChoiceGrain = 2048;  // elements that are worth a thread

struct ChoiceOp {
  ReadChoiceFn read;
  bool gradient;
};

const ChoiceOp& ChoiceOpOf(std::string_view op) {
  static const auto& table = *new std::map<std::string_view, ChoiceOp>{
      {"AdaptiveMaxPool", {ReadAdaptiveMaxPool, false}},
      {"AdaptiveMaxPoolGrad", {ReadAdaptiveMaxPool, true}},
      {"FractionalMaxPool", {ReadFractionalMaxPool, false}},
      {"FractionalMaxPoolGrad", {ReadFractionalMaxPool, true}},
      {"MedianPool", {ReadMedianPool, false}},
      {"MedianPoolGrad", {ReadMedianPool, true}},
      {"StochasticPool", {ReadStochasticPool, false}},
      {"StochasticPoolGrad", {ReadStochasticPoolGrad, true}},
      {"TournamentPool", {ReadTournamentPool, false}},
      {"TournamentPoolGrad", {ReadTournamentPool, true}},
  };
  return table.at(op);
}

struct ChoicePlan {
  ChoicePool pool;
  std::optional<WindowPlan> windows;  // where blocks take them
  bool gradient = false;
  int64_t inputs = 0, outputs = 0;  // of a plane
};

// A run: the operands' planes, of which [begin, end) are this thread's.
struct ChoiceRun {
  const ChoicePlan& plan;
  RandomKey key;
  const float* in;    // X or dY
  const float* keys;  // of X's shape
  float* out;         // Y or dX
  int64_t begin, end;

  int64_t inputs() const { return plan.inputs; }
  int64_t outputs() const { return plan.outputs; }
};

// Calls f(plane, o, offset) for the maximum of every region.
template <typename F>
void ForEachMaximum(const ChoiceRun& r, F f) {
  ChoiceMemory<float> memory;
  const Regions& regions = RegionsOf(r.plan.pool, r.key, memory.drawn);
  const int64_t columns = regions.output.back(), inputs = r.inputs();
  const TapRange* taps = regions.axes.back().data();
  for (int64_t plane = r.begin; plane < r.end; ++plane) {
    const float* keys = r.keys + plane * inputs;
    ForEachRegionRow(regions, memory.regions, [&](const std::vector<int64_t>&, int64_t row) {
      for (int64_t o = 0; o < columns; ++o) {
        int64_t best = memory.regions.rows[0] + taps[o].first;
        for (const int64_t base : memory.regions.rows) {
          const int64_t end = base + taps[o].first + taps[o].count;
          for (int64_t at = base + taps[o].first; at < end; ++at) {
            if (keys[at] > keys[best] || std::isnan(keys[at])) best = at;
          }
        }
        f(plane, row * columns + o, best);
      }
    });
  }
}

void RunMaxima(const ChoiceRun& r) {
  const int64_t inputs = r.inputs(), outputs = r.outputs();
  if (!r.plan.gradient) {
    return ForEachMaximum(r, [&](int64_t plane, int64_t o, int64_t offset) {
      r.out[plane * outputs + o] = r.in[plane * inputs + offset];
    });
  }
  std::fill(r.out + r.begin * inputs, r.out + r.end * inputs, 0.0f);
  ForEachMaximum(r, [&](int64_t plane, int64_t o, int64_t offset) {
    r.out[plane * inputs + offset] += r.in[plane * outputs + o];
  });
}

// The weights of a block with NaN, by the loops of the reference.
void ChooseOneByOne(const ChoiceRun& r, Chooser<float>& chooser, int64_t plane, int64_t o,
                    PoolBlock& block) {
  int64_t offsets[PoolBlock::kMostTaps];
  for (int64_t l = 0; l < block.count; ++l) {
    for (int64_t t = 0; t < block.taps; ++t) {
      offsets[t] = block.offsets[t] + block.first[l];
      block.weights[t][l] = 0;
    }
    const std::span<const int64_t> region(offsets, static_cast<size_t>(block.taps));
    for (const Share& s : chooser.Choose(r.keys + plane * r.inputs(), region, plane, o + l)) {
      const int64_t t = std::find(offsets, offsets + block.taps, s.offset) - offsets;
      block.weights[t][l] = static_cast<float>(s.weight);
    }
  }
}

// Calls f(block, plane, o) for every block, with its weights chosen.
template <typename F>
void ForEachBlock(const ChoiceRun& r, F f) {
  ChoiceMemory<float> memory;
  PoolBlock block;
  const WindowPlan& p = *r.plan.windows;
  Chooser<float> chooser(r.plan.pool, r.key, memory);
  for (int64_t plane = r.begin; plane < r.end; ++plane) {
    for (int64_t row = 0; row < p.output_rows; ++row) {
      for (int64_t column = 0; column < p.columns; column += block.count) {
        const int64_t o = row * p.columns + column;
        block.Take(p, p.reads.of(row), column);
        block.Load(r.keys + plane * p.inputs, block.keys);
        if (IsOrdered(block)) {
          ChooseWeights(r.plan.pool, chooser, plane, o, block);
        } else {
          ChooseOneByOne(r, chooser, plane, o, block);
        }
        f(block, plane, o);
      }
    }
  }
}

void GatherBlocks(const ChoiceRun& r) {
  ForEachBlock(r, [&](const PoolBlock& block, int64_t plane, int64_t o) {
    PoolBlock::Rows values;
    float sums[PoolBlock::kLanes];
    if (r.in != r.keys) block.Load(r.in + plane * r.inputs(), values);
    AddWeighted(block, r.in != r.keys ? values : block.keys, sums);
    std::copy_n(sums, block.count, r.out + plane * r.outputs() + o);
  });
}

void ScatterBlocks(const ChoiceRun& r) {
  std::fill(r.out + r.begin * r.inputs(), r.out + r.end * r.inputs(), 0.0f);
  ForEachBlock(r, [&](PoolBlock& block, int64_t plane, int64_t o) {
    float dy[PoolBlock::kLanes] = {};
    std::copy_n(r.in + plane * r.outputs() + o, block.count, dy);
    MultiplyWeights(dy, block);
    float* dx = r.out + plane * r.inputs();
    for (int64_t t = 0; t < block.taps; ++t) {
      float* row = dx + block.offsets[t];
      for (int64_t l = 0; l < block.count; ++l) row[block.first[l]] += block.weights[t][l];
    }
  });
}

void RunPlanes(const ChoiceRun& r) {
  if (r.plan.pool.choice == Choice::kMax) return RunMaxima(r);
  if (r.plan.windows.has_value()) return r.plan.gradient ? ScatterBlocks(r) : GatherBlocks(r);
  (r.plan.gradient ? ScatterChosen<float> : GatherChosen<float>)(r.plan.pool, r.key, r.in, r.keys,
                                                                 r.out, r.begin, r.end);
}

absl::StatusOr<ChoicePlan> MakePlan(const Node& node, const Dims& x) {
  const ChoiceOp& op = ChoiceOpOf(node.op_name());
  ChoicePlan plan;
  plan.gradient = op.gradient;
  if (x[0] * x[1] == 0) return plan;  // no planes; the other extents may be huge
  WEFT_ASSIGN_OR_RETURN(plan.pool, op.read(node.attributes(), x));
  plan.inputs = plan.pool.regions.input_size();
  plan.outputs = plan.pool.regions.output_size();
  if (!node.attributes().contains("kernel_shape")) return plan;
  WEFT_ASSIGN_OR_RETURN(PoolWindow window, ReadPoolWindow(node.attributes(), x));
  const int64_t most = std::max(window.kernel_size(), plan.pool.contestants);
  if (most <= PoolBlock::kMostTaps) plan.windows = MakeWindowPlan(std::move(window));
  return plan;
}

}  // namespace

absl::StatusOr<Kernels> HostChoicePool(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool gradient = ChoiceOpOf(request.node.op_name()).gradient;
  WEFT_ASSIGN_OR_RETURN(ChoicePlan made,
                        MakePlan(request.node, request.in(gradient ? 1 : 0).dims()));
  const auto plan = std::make_shared<const ChoicePlan>(std::move(made));
  const int64_t grain =
      std::max<int64_t>(kChoiceGrain / std::max<int64_t>(plan->inputs + plan->outputs, 1), 1);
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "planes", [plan, grain](const EvalContext& c) {
    const float* in = c.in(0).in<float>().data();
    const float* keys = c.has(1) ? c.in(1).in<float>().data() : in;
    float* out = c.out().out<float>().data();
    ParallelFor(plan->pool.planes, grain, [&](int64_t begin, int64_t end) {
      RunPlanes({*plan, c.key, in, keys, out, begin, end});
    });
    return absl::OkStatus();
  }));
  return kernels;
}

}  // namespace weft
