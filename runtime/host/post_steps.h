#ifndef WEFT_RUNTIME_HOST_POST_STEPS_H_
#define WEFT_RUNTIME_HOST_POST_STEPS_H_

#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "runtime/host/eltwise.h"
#include "runtime/host/loops.h"
#include "runtime/kernel.h"

namespace weft {

// y[i] = f(y[i], z[i * step]) for i in [0, n).
using PostPairFn = void (*)(int64_t n, const float* z, int64_t step, float* y);

// Post-ops, such as a fused node's, as loops of ours over its f32 result, in place, on the run's
// threads. Each piece of the result goes through all of them while it is in the cache. Ours rather
// than the library's: of its activations some turn NaN into a number, and all compute 16 channels
// where there are 6.
class PostSteps {
 public:
  // How the result lies: its first element along each axis is that many floats from the next; no
  // strides where it lies in blocks. `size`: floats, with padding.
  struct Place {
    Dims strides;
    int64_t size = 0;
  };
  static Place RowMajorPlace(const Dims& dims);

  // `posts`, whose operands are inputs of the node. Unimplemented: an operand that is broadcast
  // over blocks, a post-op that has no vectors.
  static absl::StatusOr<PostSteps> Make(const KernelRequest& request, const Place& place,
                                        std::span<const PostOp> posts);

  bool empty() const { return steps_.empty(); }
  // Whether zeros stay zeros, as padding must.
  bool KeepsZero() const;

  // An input of the node: one of the result's dims lies as the result does, others row-major.
  struct Operand {
    int input = -1;
    bool whole = false;
  };
  std::vector<Operand> operands() const;

  // `operand(i)`: the elements of the node's input `i`.
  void Run(float* y, absl::FunctionRef<const float*(int)> operand) const;
  // The floats [begin, end) of y alone, on the calling thread.
  void RunPart(float* y, int64_t begin, int64_t end,
               absl::FunctionRef<const float*(int)> operand) const;

 private:
  struct Step {
    std::optional<EltwiseCall> activation = {};
    PostPairFn pair = nullptr;  // where there is no activation
    Operand operand = {};
    Loops loops = {};  // of the operand, over the result as it lies
  };
  static absl::StatusOr<Step> MakeStep(const KernelRequest& request, const Place& place,
                                       const PostOp& post);
  static void RunStep(const Step& step, int64_t begin, int64_t end, const float* z, float* y);

  std::vector<Step> steps_;
  int64_t size_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POST_STEPS_H_
