#include "runtime/tuning/measure.h"

#include <emmintrin.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "runtime/exec/parallel.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kMostRounds = 6;
constexpr int kFewestRounds = 2;
constexpr double kEnoughSeconds = 0.3;  // for all kernels of a node, once each had its rounds
// A kernel that is slower than the best by these after its first run, and later, is given up.
constexpr double kHopelessAtFirst = 3;
constexpr double kHopeless = 1.4;
constexpr size_t kCacheLine = 64;

// Numbers in [-1, 1) without a pattern that a kernel could profit from.
void FillRandom(float* data, size_t count) {
  uint32_t state = 0x9e3779b9;
  for (size_t i = 0; i < count; ++i) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    data[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31F;
  }
}

// Each thread reads its part of `count` floats, which brings them into its caches.
void Read(const float* data, int64_t count) {
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    float sum = 0;
    for (int64_t i = begin; i < end; i += kCacheLine / sizeof(float)) sum += data[i];
    volatile float sink = sum;
    (void)sink;
  });
}

double SecondsOf(BoundKernel& kernel) {
  const auto start = std::chrono::steady_clock::now();
  if (!kernel.Run({}).ok()) return kNever;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Where the inputs, the outputs, the scratch memory and the workspace begin that all kernels use in
// turn, each as large as any of them wants it, and where the last one ends.
std::vector<size_t> TrialOffsets(const std::vector<const Kernel*>& kernels, size_t num_inputs) {
  const size_t num_outputs = kernels.front()->outputs().size();
  std::vector<size_t> sizes(num_inputs + num_outputs + 2, 0);
  const auto grow = [&](size_t region, size_t bytes) {
    sizes[region] = std::max(sizes[region], AlignedBytes(bytes));
  };
  for (const Kernel* kernel : kernels) {
    for (size_t i = 0; i < num_inputs; ++i) grow(i, kernel->inputs()[i].bytes());
    for (size_t i = 0; i < num_outputs; ++i) grow(num_inputs + i, kernel->outputs()[i].bytes());
    grow(num_inputs + num_outputs, kernel->scratch_bytes());
    grow(num_inputs + num_outputs + 1, kernel->workspace_bytes());
  }
  std::vector<size_t> offsets(sizes.size() + 1, 0);
  for (size_t i = 0; i < sizes.size(); ++i) offsets[i + 1] = offsets[i] + sizes[i];
  return offsets;
}

// A constant as it is, where the kernel takes it row-major; of others those that are no f32.
void FillTrialInput(const Layout& layout, const Tensor* constant, std::byte* data) {
  if (constant != nullptr && layout.is_plain()) {
    std::copy_n(constant->data(), layout.bytes(), data);
  } else if (layout.dtype() != DType::kF32) {
    // It may be indices: zero is in every range.
    std::fill_n(data, layout.bytes(), std::byte{0});
  }
}

// The kernel's operands at TrialOffsets in `memory`.
Bindings TrialBindings(const Kernel& kernel, const TrialOperands& operands,
                       const std::vector<size_t>& offsets, std::byte* memory) {
  const size_t num_inputs = operands.present.size(), num_outputs = kernel.outputs().size();
  Bindings bindings;
  for (size_t i = 0; i < num_inputs; ++i) {
    const bool read = operands.present[i] && kernel.Reads(static_cast<int>(i));
    bindings.inputs.push_back(read ? memory + offsets[i] : nullptr);
    if (read) FillTrialInput(kernel.inputs()[i], operands.constants[i], bindings.inputs.back());
  }
  for (size_t i = 0; i < num_outputs; ++i) {
    bindings.outputs.push_back(memory + offsets[num_inputs + i]);
  }
  for (const auto& [output, input] : operands.in_place) {
    const size_t out = static_cast<size_t>(output), in = static_cast<size_t>(input);
    if (out < num_outputs && bindings.inputs[in] != nullptr &&
        kernel.AllowsInPlace(output, input) && kernel.outputs()[out] == kernel.inputs()[in]) {
      bindings.outputs[out] = bindings.inputs[in];
      break;
    }
  }
  bindings.scratch = memory + offsets[num_inputs + num_outputs];
  bindings.workspace = memory + offsets[num_inputs + num_outputs + 1];
  return bindings;
}

}  // namespace

TrialOperands OperandsOf(const KernelRequest& request) {
  TrialOperands operands{.threads = request.threads};
  const Node& node = request.node;
  for (int i = 0; i < node.num_inputs(); ++i) {
    operands.present.push_back(request.has(i) &&
                               !node.op().input(static_cast<size_t>(i)).shape_only);
    operands.constants.push_back(ConstantValue(node.input(i)));
  }
  if (node.op().aliases == nullptr) return operands;
  for (const Alias& alias : node.op().aliases(node)) {
    const auto input = static_cast<size_t>(alias.input);
    if (operands.present[input] && operands.constants[input] == nullptr) {
      operands.in_place.emplace_back(alias.output, alias.input);
    }
  }
  return operands;
}

struct KernelTimer::Trial {
  const Kernel* kernel = nullptr;
  Bindings bindings{};
  std::unique_ptr<BoundKernel> bound{};
  double seconds = kNever;
};

KernelTimer::KernelTimer(int threads, size_t weights_bytes)
    : flushes_(weights_bytes > CacheBytesOr(3, size_t{8} << 20) / 2) {
  const size_t second_level = CacheBytesOr(2, size_t{1} << 20);
  elsewhere_.resize(2 * second_level / sizeof(float) * static_cast<size_t>(threads));
}

absl::Status KernelTimer::Reserve(size_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  bytes_ = 0;
  memory_ = AllocateAligned(bytes);
  if (memory_ == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory to time kernels on ", bytes, " bytes of operands"));
  }
  AskForHugePages(memory_.get(), bytes);
  bytes_ = bytes;
  FillRandom(reinterpret_cast<float*>(memory_.get()), bytes / sizeof(float));
  return absl::OkStatus();
}

void KernelTimer::PrepareCaches(const Trial& trial, const TrialOperands& operands) const {
  const std::vector<Layout>& layouts = trial.kernel->inputs();
  if (!flushes_) Read(elsewhere_.data(), static_cast<int64_t>(elsewhere_.size()));
  for (size_t i = 0; i < trial.bindings.inputs.size(); ++i) {
    const std::byte* const data = trial.bindings.inputs[i];
    if (data == nullptr) continue;
    if (operands.constants[i] == nullptr) {
      Read(reinterpret_cast<const float*>(data),
           static_cast<int64_t>(layouts[i].bytes() / sizeof(float)));
    } else if (flushes_) {
      for (size_t at = 0; at < layouts[i].bytes(); at += kCacheLine) _mm_clflush(data + at);
    }
  }
}

void KernelTimer::RunInTurns(const TrialOperands& operands, std::vector<Trial>& trials) const {
  double total = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    double best = kNever;
    for (Trial& trial : trials) {
      if (trial.bound == nullptr) continue;
      PrepareCaches(trial, operands);
      const double seconds = SecondsOf(*trial.bound);
      total += seconds;
      trial.seconds = std::min(trial.seconds, seconds);
      best = std::min(best, trial.seconds);
    }
    for (Trial& trial : trials) {
      if (trial.seconds > best * (round == 0 ? kHopelessAtFirst : kHopeless)) trial.bound.reset();
    }
    if (round + 1 >= kFewestRounds && total > kEnoughSeconds) break;
  }
}

absl::StatusOr<std::vector<double>> KernelTimer::Measure(const std::vector<const Kernel*>& kernels,
                                                         const TrialOperands& operands) {
  const std::vector<size_t> offsets = TrialOffsets(kernels, operands.present.size());
  WEFT_RETURN_IF_ERROR(Reserve(offsets.back()));
  const RunScope scope(operands.threads);
  const WholeTeams whole;
  std::vector<Trial> trials;
  for (const Kernel* kernel : kernels) {
    Trial& trial = trials.emplace_back(Trial{.kernel = kernel});
    trial.bindings = TrialBindings(*kernel, operands, offsets, memory_.get());
    auto bound = kernel->Bind(trial.bindings);
    if (bound.ok() && (*bound)->Check().ok()) trial.bound = *std::move(bound);
  }
  RunInTurns(operands, trials);
  std::vector<double> seconds;
  for (const Trial& trial : trials) seconds.push_back(trial.seconds);
  return seconds;
}

namespace {

// The elements of a layout's value, which are f32.
size_t CountOf(const Layout& layout) {
  return Layout::Plain(layout.dtype(), layout.dims()).bytes() / sizeof(float);
}

// Operands of one node in row-major layout, copied into the layouts of one kernel and back.
class Evaluation {
 public:
  explicit Evaluation(const KernelRequest& request) : request_(request) {
    for (size_t i = 0; i < request.inputs.size(); ++i) {
      std::vector<float>& values = inputs_.emplace_back();
      if (!request.has(static_cast<int>(i))) continue;
      values.resize(CountOf(request.inputs[i]));
      FillRandom(values.data(), values.size());
      // Images after a Relu have no signs to cancel, which is where rounding shows.
      if (i == 0) std::ranges::for_each(values, [](float& v) { v = std::fabs(v); });
    }
  }

  absl::StatusOr<std::vector<float>> Run(const Kernel& kernel) const {
    Bindings bindings;
    std::vector<std::shared_ptr<std::byte>> held;
    const auto allocate = [&](size_t bytes) -> absl::StatusOr<std::byte*> {
      WEFT_ASSIGN_OR_RETURN(held.emplace_back(), Allocate(bytes));
      return held.back().get();
    };
    for (size_t i = 0; i < inputs_.size(); ++i) {
      bindings.inputs.push_back(nullptr);
      if (inputs_[i].empty() || !kernel.Reads(static_cast<int>(i))) continue;
      const Layout& layout = kernel.inputs()[i];
      WEFT_ASSIGN_OR_RETURN(bindings.inputs.back(), allocate(layout.bytes()));
      WEFT_RETURN_IF_ERROR(Copy(Layout::Plain(layout.dtype(), layout.dims()), inputs_[i].data(),
                                layout, bindings.inputs.back()));
    }
    for (const Layout& layout : kernel.outputs()) {
      WEFT_ASSIGN_OR_RETURN(bindings.outputs.emplace_back(), allocate(layout.bytes()));
    }
    WEFT_ASSIGN_OR_RETURN(bindings.scratch, allocate(kernel.scratch_bytes()));
    WEFT_ASSIGN_OR_RETURN(bindings.workspace, allocate(kernel.workspace_bytes()));
    WEFT_ASSIGN_OR_RETURN(const auto bound, kernel.Bind(bindings));
    WEFT_RETURN_IF_ERROR(bound->Run({}));
    const Layout& layout = kernel.outputs()[0];
    std::vector<float> result(CountOf(layout));
    WEFT_RETURN_IF_ERROR(Copy(layout, bindings.outputs[0],
                              Layout::Plain(layout.dtype(), layout.dims()), result.data()));
    return result;
  }

 private:
  static absl::StatusOr<std::shared_ptr<std::byte>> Allocate(size_t bytes) {
    std::shared_ptr<std::byte> memory = AllocateAligned(std::max(bytes, kTensorAlignment));
    if (memory != nullptr) return memory;
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory to compare kernels on ", bytes, " bytes"));
  }

  static absl::Status Copy(const Layout& from, const void* source, const Layout& to, void* target) {
    if (from == to) {
      std::copy_n(static_cast<const std::byte*>(source), from.bytes(),
                  static_cast<std::byte*>(target));
      return absl::OkStatus();
    }
    WEFT_ASSIGN_OR_RETURN(const auto reorder, MakeReorder(from, to));
    WEFT_ASSIGN_OR_RETURN(const auto scratch, Allocate(reorder->scratch_bytes()));
    const auto* bytes = static_cast<const std::byte*>(source);
    WEFT_ASSIGN_OR_RETURN(const auto bound,
                          reorder->Bind({.inputs = {const_cast<std::byte*>(bytes)},
                                         .outputs = {static_cast<std::byte*>(target)},
                                         .scratch = scratch.get()}));
    return bound->Run({});
  }

  const KernelRequest& request_;
  std::vector<std::vector<float>> inputs_;
};

}  // namespace

absl::StatusOr<double> RelativeError(const KernelRequest& request, const Kernel& kernel,
                                     const Kernel& exact) {
  const RunScope scope(request.threads);
  const Evaluation evaluation(request);
  WEFT_ASSIGN_OR_RETURN(const std::vector<float> expected, evaluation.Run(exact));
  WEFT_ASSIGN_OR_RETURN(const std::vector<float> actual, evaluation.Run(kernel));
  double largest = 0, error = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max<double>(largest, std::fabs(expected[i]));
    const double difference = std::fabs(double{expected[i]} - double{actual[i]});
    if (std::isnan(difference)) return difference;
    error = std::max(error, difference);
  }
  return largest > 0 ? error / largest : error;
}

}  // namespace weft
