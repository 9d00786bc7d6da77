#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/pointwise/conv.h"
#include "runtime/host/shuffled_concat.h"
#include "runtime/host/spread_result.h"
#include "runtime/plan/lowering.h"
#include "runtime/plan/step_patterns.h"

namespace weft {
namespace {

constexpr int64_t kChannelAxis = 1;

// Concatenations along the channels of channels-last images, without a copy of their own where that
// moves fewer bytes: what grows in steps has one buffer from the start, and each of its values is
// the channels of every pixel that it has there.
//
//   x --Concat--> [x a] --Concat--> [x a b]        x, a, b and [x a] are regions of [x a b]:
//   a ----^         b -----^                       their makers write there, [x a] is read there
//
// A concatenation none of whose inputs is made there, all being made densely, stays as it is: one
// copy of all is as fast as one of each. The last one of a chain comes first here, since it says
// where the others lie. Before that, a shuffle of the channels becomes one step with the
// concatenation before and the split behind it, which moves every channel once; in the end, a scale
// and a shift of each channel with Relu become part of the pointwise convolution behind them.
class Regions {
 public:
  explicit Regions(Lowering& lowering) : l_(lowering), plan_(lowering.plan) {}

  absl::Status Run() {
    FindUses();
    for (size_t s = 0; s < plan_.steps.size(); ++s) JoinShuffle(s);
    for (size_t s = plan_.steps.size(); s-- > 0;) {
      if (removed_[s] || !IsConcat(s)) continue;
      const int whole = plan_.steps[s].outputs[0];
      if (IsRegion(whole) || SavesBytes(s)) WEFT_RETURN_IF_ERROR(Dissolve(s));
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      if (!removed_[s]) WEFT_RETURN_IF_ERROR(JoinScaleShift(s));
    }
    Assemble();
    return absl::OkStatus();
  }

 private:
  using KernelPtr = std::shared_ptr<const Kernel>;

  PlanValue& ValueAt(int v) { return plan_.values[Index(v)]; }
  bool IsRegion(int v) { return !ValueAt(v).layout.strides().empty(); }

  void FindUses() {
    writers_.assign(plan_.values.size(), -1);
    readers_.resize(plan_.values.size());
    shared_.assign(plan_.values.size(), false);
    removed_.assign(plan_.steps.size(), false);
    copies_.resize(plan_.steps.size());
    std::vector<int> first(plan_.buffers.size(), -1);
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      int& other = first[Index(plan_.values[v].buffer)];
      if (other >= 0) shared_[v] = shared_[Index(other)] = true;
      other = static_cast<int>(v);
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      for (const int v : plan_.steps[s].outputs) writers_[Index(v)] = static_cast<int>(s);
      for (const int v : plan_.steps[s].inputs) {
        if (v >= 0) readers_[Index(v)].push_back(static_cast<int>(s));
      }
    }
    for (const auto& [value, variable] : l_.updates) shared_[Index(value)] = true;
  }

  // Whether the step is `op` along the channels of channels-last images.
  bool IsAlongChannels(size_t s, std::string_view op) {
    const PlanStep& step = plan_.steps[s];
    if (step.node == nullptr || step.op != op) return false;
    const auto channels_last = [this](int v) {
      return v >= 0 && FindPixelStride(ValueAt(v).layout).has_value();
    };
    if (!channels_last(step.inputs[0]) || !std::ranges::all_of(step.outputs, channels_last)) {
      return false;
    }
    const auto axis = NormalizeAxis(GetInt(step.node->attributes(), "axis"),
                                    static_cast<int>(ValueAt(step.inputs[0]).layout.dims().size()));
    return axis.ok() && *axis == kChannelAxis;
  }
  bool IsConcat(size_t s) {
    return IsAlongChannels(s, "Concat") &&
           std::ranges::all_of(plan_.steps[s].inputs, [this](int v) {
             return FindPixelStride(ValueAt(v).layout).has_value();
           });
  }

  // The only reader of a value that nothing else needs; -1 where there is another.
  int OnlyReader(int v) {
    const std::vector<int>& readers = readers_[Index(v)];
    const bool only = readers.size() == 1 && !shared_[Index(v)];
    return only && l_.BufferOf(v).place == Place::kArena ? readers[0] : -1;
  }

  std::vector<Layout> LayoutsOf(const std::vector<int>& values) {
    std::vector<Layout> layouts;
    for (const int v : values) layouts.push_back(ValueAt(v).layout);
    return layouts;
  }

  void JoinShuffle(size_t s) {
    const PlanStep& shuffle = plan_.steps[s];
    if (shuffle.op != "ChannelShuffle" || shuffle.node == nullptr) return;
    const int concat = writers_[Index(shuffle.inputs[0])];
    if (concat < 0 || !IsConcat(Index(concat)) ||
        OnlyReader(shuffle.inputs[0]) != static_cast<int>(s)) {
      return;
    }
    std::vector<int> outputs = shuffle.outputs;
    const int split = OnlyReader(outputs[0]);
    const bool splits = split >= 0 && (IsAlongChannels(Index(split), "Split") ||
                                       IsAlongChannels(Index(split), "SplitLike"));
    if (splits) outputs = plan_.steps[Index(split)].outputs;
    const std::vector<int> inputs = plan_.steps[Index(concat)].inputs;
    KernelPtr kernel = MakeShuffledConcat(LayoutsOf(inputs), LayoutsOf(outputs),
                                          GetInt(shuffle.node->attributes(), "group"));
    if (kernel == nullptr) return;
    Remove(Index(concat));
    if (splits) Remove(Index(split));
    for (const int v : inputs) readers_[Index(v)].push_back(static_cast<int>(s));
    size_t bytes = 0;
    for (const int v : outputs) {
      writers_[Index(v)] = static_cast<int>(s);
      bytes += ValueAt(v).layout.bytes();
    }
    plan_.steps[s] = {.name = shuffle.name,
                      .op = shuffle.op,
                      .kernel = std::move(kernel),
                      .inputs = inputs,
                      .outputs = outputs,
                      .threads = ThreadsToCopy(bytes, plan_.threads)};
  }

  void Remove(size_t s) {
    removed_[s] = true;
    for (const int v : plan_.steps[s].inputs) {
      if (v >= 0) std::erase(readers_[Index(v)], static_cast<int>(s));
    }
  }

  // Whether an input of the concatenation comes to lie in its result without being moved.
  bool SavesBytes(size_t s) {
    return std::ranges::any_of(plan_.steps[s].inputs, [&](int v) {
      const int writer = writers_[Index(v)];
      return writer >= 0 && WritesRegions(Index(writer), StrideIn(s)) &&
             PlanMove(s, v, StrideIn(s)).has_value();
    });
  }
  bool WritesRegions(size_t s, int64_t stride) {
    return IsConcat(s) || IsShuffle(plan_.steps[s]) || Pointwise(plan_.steps[s], stride) != nullptr;
  }
  // Whether it is a step of JoinShuffle's.
  static bool IsShuffle(const PlanStep& step) {
    return step.node == nullptr && step.op == "ChannelShuffle";
  }

  int64_t StrideIn(size_t concat) {
    return *FindPixelStride(ValueAt(plan_.steps[concat].outputs[0]).layout);
  }

  // The kernels that make and read a value where it is a region.
  using Replacements = std::vector<std::pair<size_t, KernelPtr>>;

  // Nothing where input `v` of the concatenation cannot be one.
  std::optional<Replacements> PlanMove(size_t concat, int v, int64_t stride) {
    const int writer = writers_[Index(v)];
    if (writer < 0 || shared_[Index(v)] || IsRegion(v) || l_.BufferOf(v).place != Place::kArena) {
      return std::nullopt;
    }
    const Layout region = ChannelsLastLayout(ValueAt(v).layout.dims(), stride);
    Replacements result;
    if (!IsConcat(Index(writer))) {
      result.emplace_back(Index(writer), Writing(plan_.steps[Index(writer)], v, region, stride));
    }
    for (const int reader : readers_[Index(v)]) {
      if (reader == static_cast<int>(concat)) continue;
      result.emplace_back(Index(reader), Reading(plan_.steps[Index(reader)], v, region));
    }
    const bool possible =
        std::ranges::all_of(result, [](const auto& r) { return r.second != nullptr; });
    return possible && std::ranges::count(plan_.steps[concat].inputs, v) == 1
               ? std::optional(std::move(result))
               : std::nullopt;
  }

  // The step's kernel with its result `v` as a region; null where it cannot.
  KernelPtr Writing(const PlanStep& step, int v, const Layout& region, int64_t stride) {
    if (KernelPtr kernel = Pointwise(step, stride)) return kernel;
    if (step.node != nullptr) return SpreadResult(step.kernel, stride);
    if (!IsShuffle(step)) return nullptr;
    std::vector<Layout> outputs = LayoutsOf(step.outputs);
    outputs[Index(static_cast<int>(std::ranges::find(step.outputs, v) - step.outputs.begin()))] =
        region;
    return MakeShuffledConcat(LayoutsOf(step.inputs), std::move(outputs), 2);
  }

  // Our kernel for a pointwise convolution, whosever it has: the library's write no regions. Null
  // for other steps, and where an operand would have to lie otherwise that is no constant of the
  // step's own.
  KernelPtr Pointwise(const PlanStep& step, int64_t stride) {
    if (!IsConv(step)) return nullptr;
    const RunScope scope(step.threads);
    auto kernel = MakePointwiseConv(RequestOf(step), {.result_stride = stride});
    if (!kernel.ok() || *kernel == nullptr || !CanPack(step.inputs, **kernel)) return nullptr;
    return *std::move(kernel);
  }
  bool CanPack(const std::vector<int>& inputs, const Kernel& kernel) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const int v = inputs[i];
      if (v < 0 || ValueAt(v).layout == kernel.inputs()[i]) continue;
      if (l_.BufferOf(v).place != Place::kConstant || shared_[Index(v)] ||
          readers_[Index(v)].size() > 1) {
        return false;
      }
    }
    return true;
  }

  // Scale, shift and Relu of an image's channels, as batch normalization becomes, whose result a
  // pointwise convolution alone reads, are done while that packs its pixels:
  //
  //   x --FusedElementwise--> y --Conv--> z        x --Conv--> z
  absl::Status JoinScaleShift(size_t s) {
    const PlanStep& chain = plan_.steps[s];
    if (!IsScaleShift(chain)) return absl::OkStatus();
    const int reader = OnlyReader(chain.outputs[0]);
    if (reader < 0 || !IsConv(plan_.steps[Index(reader)])) return absl::OkStatus();
    PlanStep& conv = plan_.steps[Index(reader)];
    const int x = chain.inputs[0];
    if (conv.inputs[0] != chain.outputs[0] || !FindPixelStride(ValueAt(x).layout)) {
      return absl::OkStatus();
    }
    const int scale = chain.inputs[1], shift = chain.inputs[2];
    std::vector<int> inputs = conv.inputs;
    inputs[0] = x;
    inputs.insert(inputs.end(), {scale, shift});
    KernelRequest request = RequestOf(conv);
    request.inputs[0] = ValueAt(x).layout;
    const RunScope scope(conv.threads);
    auto made = MakePointwiseConv(
        request, {.result_stride = FindPixelStride(conv.kernel->outputs()[0]).value_or(0),
                  .scale_and_shift = {ValueAt(scale).layout, ValueAt(shift).layout}});
    if (!made.ok() || *made == nullptr || (*made)->outputs() != conv.kernel->outputs() ||
        !CanPack(inputs, **made)) {
      return absl::OkStatus();
    }
    conv.inputs = inputs;
    SetConstants(conv, **made);
    SetKernel(conv, *std::move(made));
    for (const int v : {x, scale, shift}) readers_[Index(v)].push_back(reader);
    Remove(s);
    return absl::OkStatus();
  }

  // The step's kernel with its operand `v` as a region; null where it cannot. Kernels of ours alone
  // read them: the library has none but its plain loops.
  KernelPtr Reading(const PlanStep& step, int v, const Layout& region) {
    if (step.node == nullptr || step.kernel->name() != "weft" ||
        std::ranges::count(step.inputs, v) != 1 || step.workspace >= 0) {
      return nullptr;
    }
    KernelRequest request = RequestOf(step);
    const RunScope scope(step.threads);
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] == v) request.inputs[i] = region;
    }
    for (const KernelFamily family : FamiliesFor(step.op)) {
      absl::StatusOr<Kernels> kernels = BestOf(family)(request);
      if (!kernels.ok()) continue;
      for (auto& kernel : *kernels) {
        if (kernel->inputs() == request.inputs && kernel->outputs() == step.kernel->outputs()) {
          return std::move(kernel);
        }
      }
    }
    return nullptr;
  }

  // Lays the inputs into the result, or copies them there, instead of the concatenation.
  absl::Status Dissolve(size_t s) {
    const int whole = plan_.steps[s].outputs[0];
    const int64_t stride = StrideIn(s);
    size_t offset = ValueAt(whole).offset;
    std::vector<int> parts;
    for (const int v : std::vector<int>(plan_.steps[s].inputs)) {
      const Layout region = ChannelsLastLayout(ValueAt(v).layout.dims(), stride);
      const std::optional<Replacements> kernels = PlanMove(s, v, stride);
      int part = v;
      if (kernels) {
        for (const auto& [step, kernel] : *kernels) {
          SetConstants(plan_.steps[step], *kernel);
          SetKernel(plan_.steps[step], kernel);
        }
        ValueAt(v).layout = region;
        ValueAt(v).buffer = ValueAt(whole).buffer;
        shared_[Index(v)] = true;  // The result needs it, whoever else reads it.
      } else {
        WEFT_ASSIGN_OR_RETURN(part, AddPart(s, v, region, ValueAt(whole).buffer));
      }
      ValueAt(part).offset = offset;
      parts.push_back(part);
      offset += static_cast<size_t>(region.dims()[kChannelAxis]) * sizeof(float);
    }
    ValueAt(whole).parts = std::move(parts);
    Remove(s);
    return absl::OkStatus();
  }

  // Gives constants the layouts that another kernel wants.
  void SetConstants(const PlanStep& step, const Kernel& kernel) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int v = step.inputs[i];
      if (v < 0 || l_.BufferOf(v).place != Place::kConstant) continue;
      const Layout& wanted = kernel.inputs()[i];
      plan_.constant_bytes += wanted.bytes() - ValueAt(v).layout.bytes();
      l_.BufferOf(v).bytes = wanted.bytes();
      ValueAt(v).layout = wanted;
    }
  }

  void SetKernel(PlanStep& step, KernelPtr kernel) {
    if (const size_t bytes = kernel->scratch_bytes(); bytes == 0) {
      step.scratch = -1;
    } else {
      if (step.scratch < 0) step.scratch = l_.AddBuffer(Place::kArena, bytes);
      plan_.buffers[Index(step.scratch)].bytes = bytes;
    }
    step.kernel = std::move(kernel);
  }

  // A copy of `v` where the concatenation was, as a part of its result.
  absl::StatusOr<int> AddPart(size_t s, int v, const Layout& region, int buffer) {
    const int threads = ThreadsToCopy(ValueAt(v).layout.bytes(), plan_.threads);
    const RunScope scope(threads);  // those that the kernel is made for
    WEFT_ASSIGN_OR_RETURN(KernelPtr kernel, MakeReorder(ValueAt(v).layout, region));
    const std::string name = ValueAt(v).name;
    shared_[Index(v)] = true;  // with a step that reads it as it is
    const int part = l_.AddValue(name, region, buffer);
    PlanStep& copy = copies_[s].emplace_back();
    copy.name = absl::StrCat("copy ", name, " -> ", plan_.steps[s].name);
    copy.op = "Copy";
    SetKernel(copy, std::move(kernel));
    copy.inputs = {v};
    copy.outputs = {part};
    copy.threads = threads;
    return part;
  }

  void Assemble() {
    std::vector<PlanStep> steps;
    for (size_t s = 0; s < removed_.size(); ++s) {
      std::ranges::move(copies_[s], std::back_inserter(steps));
      if (!removed_[s]) steps.push_back(std::move(plan_.steps[s]));
    }
    plan_.steps = std::move(steps);
  }

  Lowering& l_;
  Plan& plan_;
  std::vector<int> writers_;               // by value: the step that writes it, or -1
  std::vector<std::vector<int>> readers_;  // by value
  std::vector<bool> shared_;               // by value: its memory is another's too, or a variable's
  std::vector<bool> removed_;              // by step
  std::vector<std::vector<PlanStep>> copies_;  // by step: those that take its place
};

}  // namespace

absl::Status RegionStage(Lowering& lowering) { return Regions(lowering).Run(); }

}  // namespace weft
