#include "ops/movement.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/simd/strided_copy.h"

namespace weft {
namespace {

constexpr int64_t kLayerBytes = int64_t{1} << 16;  // of the output at a time: they stay in a cache

MovementFn DescriptionOf(std::string_view op) {
  static const auto& table = *new std::map<std::string_view, MovementFn>{
      {"ChannelShuffle", ChannelShuffleMovement},
      {"Concat", ConcatMovement},
      {"DepthToSpace", DepthToSpaceMovement},
      {"Expand", ExpandMovement},
      {"Pad", PadMovement},
      {"PadGrad", PadGradMovement},
      {"Slice", SliceMovement},
      {"SliceGrad", SliceGradMovement},
      {"SpaceToDepth", SpaceToDepthMovement},
      {"Split", SplitMovement},
      {"SplitLike", SplitMovement},
      {"Tile", TileMovement},
      {"Transpose", TransposeMovement},
  };
  const auto it = table.find(op);
  return it == table.end() ? nullptr : it->second;
}

// Boxes that meet in the output (a fill below a copy, sums): done layer by
// layer along the outermost axis that they share, so that each layer is written
// once while it is in a cache. The threads' layers are apart.
struct Layers {
  int64_t count = 1;  // along the shared axis
  size_t axes = 0;    // the leading axes of all boxes that make it up
  int64_t block = 1;  // layers done at a time
};

// Whether axis `axis` is the same for the output in all boxes, and continues
// the one before it.
bool IsShared(const std::vector<BoxCopy>& boxes, size_t axis) {
  const BoxCopy& first = boxes[0];
  return std::all_of(boxes.begin(), boxes.end(), [&](const BoxCopy& box) {
    if (axis >= box.dims.size() || axis >= first.dims.size()) return false;
    const auto chains = [&](const Dims& strides) {
      return axis == 0 || strides[axis - 1] == strides[axis] * box.dims[axis];
    };
    return box.dims[axis] == first.dims[axis] && box.to_strides[axis] == first.to_strides[axis] &&
           box.to_strides[axis] > 0 && chains(box.from_strides) && chains(box.to_strides);
  });
}

Layers FindLayers(const std::vector<BoxCopy>& boxes, size_t width) {
  Layers layers;
  while (IsShared(boxes, layers.axes)) layers.count *= boxes[0].dims[layers.axes++];
  if (layers.axes == 0) return layers;
  const int64_t bytes = boxes[0].to_strides[layers.axes - 1] * static_cast<int64_t>(width);
  layers.block = std::clamp<int64_t>(kLayerBytes / bytes, 1, layers.count);
  return layers;
}

// `count` layers of the box.
BoxCopy PartOf(BoxCopy box, const Layers& layers, int64_t count) {
  if (layers.axes == 0) return box;
  const auto drop = [&](Dims& list) {
    list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(layers.axes - 1));
  };
  drop(box.dims), drop(box.from_strides), drop(box.to_strides);
  box.dims[0] = count;
  return box;
}

// A movement made ready to run.
class Mover {
 public:
  Mover(Movement movement, size_t width) : adds_(movement.adds), width_(width) {
    std::vector<BoxCopy>& boxes = movement.boxes;
    std::erase_if(boxes, [](const BoxCopy& box) { return box.is_empty(); });
    if (boxes.empty()) return;
    if (movement.interleaved) layers_ = FindLayers(boxes, width);
    in_layers_ = adds_ || layers_.count > 1;
    for (const BoxCopy& box : boxes) boxes_.push_back(Prepare(box));
  }

  void Run(const EvalContext& c) const {
    if (!in_layers_) {
      for (const Prepared& box : boxes_) {
        box.whole.RunOnThreads(From(c, box),
                               static_cast<std::byte*>(c.out(box.output).data) + box.to);
      }
      return;
    }
    const int64_t blocks = (layers_.count - 1) / layers_.block + 1;
    ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) RunLayers(c, i * layers_.block);
    });
  }

 private:
  struct Prepared {
    StridedCopy whole;  // a block of layers
    StridedCopy last;   // the block that is left
    int input = 0;
    int output = 0;
    int64_t from = 0;  // bytes
    int64_t to = 0;
    int64_t from_step = 0;  // bytes a layer
    int64_t to_step = 0;
  };

  Prepared Prepare(const BoxCopy& box) const {
    const auto mode = adds_ ? StridedCopy::Mode::kAdd : StridedCopy::Mode::kCopy;
    const int64_t width = static_cast<int64_t>(width_), left = layers_.count % layers_.block;
    const bool has_axis = layers_.axes > 0;
    const size_t axis = has_axis ? layers_.axes - 1 : 0;
    return {.whole = StridedCopy(PartOf(box, layers_, layers_.block), width_, mode),
            .last = StridedCopy(PartOf(box, layers_, left), width_, mode),
            .input = box.input,
            .output = box.output,
            .from = box.from * width,
            .to = box.to * width,
            .from_step = has_axis ? box.from_strides[axis] * width : 0,
            .to_step = has_axis ? box.to_strides[axis] * width : 0};
  }

  static const std::byte* From(const EvalContext& c, const Prepared& box) {
    if (box.input == BoxCopy::kZeros) return nullptr;
    return static_cast<const std::byte*>(c.in(box.input).data) + box.from;
  }

  void RunLayers(const EvalContext& c, int64_t first) const {
    const bool whole = first + layers_.block <= layers_.count;
    auto* const y = static_cast<std::byte*>(c.out().data);
    if (adds_) {
      const int64_t all = c.out().size() * static_cast<int64_t>(width_);
      const int64_t step = layers_.axes > 0 ? boxes_[0].to_step : all;
      const int64_t count = std::min(layers_.block, layers_.count - first);
      std::memset(y + first * step, 0, static_cast<size_t>(count * step));
    }
    for (const Prepared& box : boxes_) {
      const std::byte* from = From(c, box);
      if (from != nullptr) from += first * box.from_step;
      (whole ? box.whole : box.last).Run(from, y + box.to + first * box.to_step);
    }
  }

  bool adds_;
  size_t width_;
  Layers layers_;
  bool in_layers_ = false;
  std::vector<Prepared> boxes_;
};

// The operands' dims, and the elements of constants.
struct Operands {
  explicit Operands(const KernelRequest& request) {
    for (int i = 0; i < request.node.num_inputs(); ++i) {
      TensorView view{DType::kF32, {}, nullptr, request.has(i)};
      if (view.present) {
        view.dtype = request.in(i).dtype();
        view.dims = request.in(i).dims();
        const Tensor* constant = ConstantValue(request.node.input(i));
        if (constant != nullptr) view.data = const_cast<std::byte*>(constant->data());
      }
      inputs.push_back(view);
    }
    for (size_t i = 0; i < request.outputs.size(); ++i) {
      outputs.push_back(
          {request.node.type(static_cast<int>(i)).dtype, request.outputs[i], nullptr, true});
    }
  }
  std::vector<TensorView> inputs;
  std::vector<TensorView> outputs;
};

// Whether elements that are not f32 are to be added.
bool NeedsReference(const KernelRequest& request, const Movement& movement) {
  return movement.adds && request.in(0).dtype() != DType::kF32;
}

// Whether an integer argument (starts, pads) is only known to the run.
bool HasComputedArgument(const KernelRequest& request) {
  const std::string_view op = request.node.op_name();
  const bool reads = op.substr(0, 5) == "Slice" || op.substr(0, 3) == "Pad";
  for (int i = 1; reads && i < request.node.num_inputs(); ++i) {
    const InputSpec& spec = request.node.op().inputs[static_cast<size_t>(i)];
    const bool argument = request.has(i) && !spec.shape_only && !spec.dtypes.contains(DType::kF32);
    if (argument && ConstantValue(request.node.input(i)) == nullptr) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Kernels> HostMovement(const KernelRequest& request) {
  const MovementFn describe = DescriptionOf(request.node.op_name());
  Kernels kernels;
  if (describe == nullptr || HasComputedArgument(request)) return kernels;
  const Operands operands(request);
  WEFT_ASSIGN_OR_RETURN(Movement movement, describe({request.node.attributes(), operands.inputs,
                                                     operands.outputs, RandomKey()}));
  if (NeedsReference(request, movement)) return kernels;
  const auto mover =
      std::make_shared<const Mover>(std::move(movement), SizeOf(request.node.type().dtype));
  kernels.push_back(MakeHostKernel(request, "weft", "strided copies",
                                   [mover](const EvalContext& c) { mover->Run(c); }));
  return kernels;
}

}  // namespace weft
