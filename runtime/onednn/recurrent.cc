#include "ops/recurrent.h"

#include <atomic>
#include <utility>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_kernel.h"
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
  absl::Status status() const override {
    return failed_ ? absl::InternalError("oneDNN: sgemm failed") : absl::OkStatus();
  }

 private:
  std::atomic<bool> failed_ = false;
};

}  // namespace

absl::StatusOr<Kernels> DnnlRecurrent(const KernelRequest& request) {
  if (request.node.type().dtype != DType::kF32) return Kernels();
  const std::string_view op = request.node.op().name;
  for (const CellKind kind : {CellKind::kRnn, CellKind::kLstm, CellKind::kGru}) {
    const std::string_view name = InfoOf(kind).name;
    if (!op.starts_with(name)) continue;
    const bool is_gradient = op != name;
    const RecurrentOperands at(kind, is_gradient);
    WEFT_ASSIGN_OR_RETURN(RecurrentConfig config,
                          ReadRecurrent(kind, request.node.attributes(), request.in(at.x).dims(),
                                        request.in(at.r).dims()));
    const auto loop = std::make_shared<const RecurrentLoop<float>>(std::move(config), is_gradient);
    ScratchPlan scratch(request.threads);
    const auto memory = scratch.Shared<float>(loop->memory());
    const auto run = [loop, memory](const HostContext& c) {
      FastMath math;
      return loop->Run(math, c, memory.In(c.scratch));
    };
    return Single(
        MakeHostKernel(request, "onednn", "sgemm and cells", run, /*in_place=*/false, scratch));
  }
  return Kernels();
}

}  // namespace weft
