#include "ops/recurrent.h"

#include <atomic>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/scratch.h"
#include "runtime/host/simd/cell_activation.h"
#include "runtime/onednn/batched_gemm.h"
#include "runtime/onednn/families.h"

// The loop of ops/recurrent.h on the library's matrix product and vectorised activations. The
// library's own RNN primitives know neither sequence lengths nor peepholes of ONNX's kind, clip or
// other activations, nor its order of gates.

namespace weft {
namespace {

class FastMath : public RecurrentMath<float> {
 public:
  void Multiply(int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float beta,
                float* y, int64_t y_step) override {
    const SgemmOptions options{a.transposed, b.transposed, beta};
    if (!Sgemm(options, m, n, k, a.data, a.step, b.data, b.step, y, y_step).ok()) failed_ = true;
  }
  void Activate(const CellActivation& f, int64_t n, const float* x, float* y, float* d) override {
    ActivateCell(f, n, x, y, d);
  }
  void ForEach(int64_t count, absl::FunctionRef<void(int64_t, int64_t)> body) override {
    ParallelFor(count, 1, body);
  }
  float* Memory(int64_t n) override {
    thread_local FloatScratch memory;
    return memory.Get(n);
  }
  absl::Status status() const override {
    return failed_ ? absl::InternalError("oneDNN: sgemm failed") : absl::OkStatus();
  }

 private:
  std::atomic<bool> failed_ = false;
};

}  // namespace

absl::StatusOr<Kernels> DnnlRecurrent(const KernelRequest& request) {
  Kernels kernels;
  if (request.node.type().dtype != DType::kF32) return kernels;
  const std::string_view op = request.node.op().name;
  for (const CellKind kind : {CellKind::kRnn, CellKind::kLstm, CellKind::kGru}) {
    const std::string_view name = InfoOf(kind).name;
    if (!op.starts_with(name)) continue;
    const bool is_gradient = op != name;
    const auto run = [=](const EvalContext& c) {
      FastMath math;
      return EvaluateRecurrent<float>(kind, is_gradient, math, c);
    };
    kernels.push_back(MakeHostKernel(request, "onednn", "sgemm and cells", run));
  }
  return kernels;
}

}  // namespace weft
