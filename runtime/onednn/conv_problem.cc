#include "runtime/onednn/conv_problem.h"

#include <algorithm>

namespace weft {
namespace {

constexpr int64_t kFewChannels = 4;
constexpr size_t kImageAxes = 4;
constexpr int64_t kBatchReduceChannels = 32;

// Above this the library's generated code overflows its 32-bit offsets, and its matrix products run
// over padding for minutes.
constexpr int64_t kMostStep = 1 << 15;

constexpr int kBestForwardRank = 1;

// Smaller is better; of a forward pass none is below kBestForwardRank.
int Rank(const ConvProblem& problem, ConvPass pass, const ConvCandidate& candidate) {
  const ImplementationKind kind = KindOf(candidate.kernel->implementation());
  if (kind == ImplementationKind::kReference) return 9;
  if (kind == ImplementationKind::kMatrixProduct) {
    const bool few = pass == ConvPass::kBackwardData && problem.group_inputs <= kFewChannels &&
                     problem.src.size() <= kImageAxes;
    return few && !problem.grouped && candidate.formats == ConvFormats::Kind::kRowMajor ? 0 : 5;
  }
  if (kind == ImplementationKind::kWinograd) return 4;
  const bool many = problem.group_inputs >= kBatchReduceChannels;
  const bool preferred =
      (kind == ImplementationKind::kBatchReduce) == many || pass != ConvPass::kForward;
  if (candidate.formats == ConvFormats::Kind::kChannelsLast)
    return preferred ? kBestForwardRank : 2;
  return 3;
}

absl::Status CheckSteps(const ConvProblem& problem) {
  for (const Dims* steps :
       {&problem.strides, &problem.dilations, &problem.pads_begin, &problem.pads_end}) {
    for (int64_t step : *steps) {
      if (step <= kMostStep) continue;
      return absl::UnimplementedError(
          absl::StrCat("expected strides, dilations and pads up to ", kMostStep, ", got ", step));
    }
  }
  return absl::OkStatus();
}

bool Is1x1(const ConvProblem& problem) {
  const auto taps = static_cast<std::ptrdiff_t>(problem.src.size()) - 2;
  return std::all_of(problem.weights.end() - taps, problem.weights.end(),
                     [](int64_t extent) { return extent == 1; });
}

bool SameKernel(const Kernel& a, const Kernel& b) {
  return a.implementation() == b.implementation() && a.inputs() == b.inputs() &&
         a.outputs() == b.outputs();
}

}  // namespace

absl::StatusOr<ConvProblem> ReadConvProblem(const AttributeMap& attributes, const Dims& x,
                                            const Dims& w) {
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadConvWindow(attributes, x, w));
  ConvProblem problem;
  problem.src = x;
  problem.weights = w;
  problem.dst = window.output_dims();
  problem.bias = {window.out_channels};
  problem.strides.resize(window.strides.size());
  problem.dilations.resize(window.strides.size());
  for (int axis = 0; axis < window.rank(); ++axis) {
    const size_t a = static_cast<size_t>(axis);
    // Without a second tap or output, these could be any number: one that the library takes.
    problem.dilations[a] = window.kernel[a] == 1 ? 0 : window.dilations[a] - 1;
    const int64_t padded = window.input[a] + window.pads_begin[a] + window.pads_end[a];
    const int64_t one_output = padded - window.span(axis) + 1;  // the smallest stride for that
    problem.strides[a] = std::min(window.strides[a], std::max<int64_t>(one_output, 1));
  }
  problem.pads_begin = window.pads_begin;
  problem.pads_end = window.pads_end;
  WEFT_RETURN_IF_ERROR(CheckSteps(problem));
  problem.group_inputs = window.group_inputs();
  problem.grouped = window.group > 1;
  if (problem.grouped) {
    problem.weights[0] = window.group_outputs();
    problem.weights.insert(problem.weights.begin(), window.group);
  }
  return problem;
}

std::vector<ConvFormats> ConvFormatsToTry(const ConvProblem& p, Caches caches) {
  using Kind = ConvFormats::Kind;
  const ConvFormats channels_last{Kind::kChannelsLast, ChannelsLast(p.src), ChannelsLast(p.dst)};
  const ConvFormats any{Kind::kAny, AnyFormat(p.src), AnyFormat(p.dst)};
  const ConvFormats row_major{Kind::kRowMajor, RowMajor(p.src), RowMajor(p.dst)};
  const int64_t outputs = p.weights[p.grouped ? 1 : 0];
  if (caches == Caches::kUnknown && Is1x1(p) && DividesByZero(p.group_inputs, outputs)) {
    return {row_major};
  }
  // Where both images have one channel or one pixel, the descriptors count as equal but have other
  // implementations, and oneDNN 2.6.3's cache of primitives takes one for the other.
  if (channels_last.src == row_major.src && channels_last.dst == row_major.dst) {
    return {channels_last, any};
  }
  return {channels_last, any, row_major};
}

ConvDescs DescribeConv(const ConvProblem& problem, const ConvFormats& formats, bool bias) {
  return {.src = formats.src,
          .weights = AnyFormat(problem.weights),
          .bias = bias ? RowMajor(problem.bias) : MemoryDesc(),
          .dst = formats.dst,
          .strides = problem.strides,
          .dilations = problem.dilations,
          .pads_begin = problem.pads_begin,
          .pads_end = problem.pads_end};
}

bool IsBestForward(const ConvProblem& problem, const ConvCandidate& candidate) {
  return Rank(problem, ConvPass::kForward, candidate) == kBestForwardRank;
}

Kernels RankConvKernels(const ConvProblem& problem, ConvPass pass,
                        std::vector<ConvCandidate> candidates) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](const ConvCandidate& a, const ConvCandidate& b) {
                     return Rank(problem, pass, a) < Rank(problem, pass, b);
                   });
  Kernels kernels;
  for (ConvCandidate& candidate : candidates) {
    const bool known =
        std::any_of(kernels.begin(), kernels.end(), [&](const std::unique_ptr<Kernel>& kernel) {
          return SameKernel(*kernel, *candidate.kernel);
        });
    if (!known) kernels.push_back(std::move(candidate.kernel));
  }
  return kernels;
}

}  // namespace weft
