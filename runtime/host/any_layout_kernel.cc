#include "runtime/host/any_layout_kernel.h"

#include <utility>
#include <vector>

namespace weft {
namespace {

class BoundAnyLayoutKernel : public BoundKernel {
 public:
  BoundAnyLayoutKernel(const PlaceFunction& function, int64_t n, const Bindings& bindings)
      : function_(function), n_(n), output_(Floats(bindings.outputs[0])) {
    for (std::byte* input : bindings.inputs) inputs_.push_back(Floats(input));
  }

  absl::Status Run(const RandomKey&) override {
    function_(n_, inputs_, output_);
    return absl::OkStatus();
  }
  void SetInput(int i, std::byte* data) override { inputs_[static_cast<size_t>(i)] = Floats(data); }
  void SetOutput(int, std::byte* data) override { output_ = Floats(data); }

 private:
  static float* Floats(std::byte* data) { return reinterpret_cast<float*>(data); }

  const PlaceFunction& function_;
  int64_t n_;
  std::vector<const float*> inputs_;
  float* output_;
};

class AnyLayoutKernel : public Kernel {
 public:
  AnyLayoutKernel(const KernelRequest& request, const Layout& layout, std::string implementation,
                  PlaceFunction function)
      : implementation_(std::move(implementation)), function_(std::move(function)) {
    for (int i = 0; i < request.node.num_inputs(); ++i) {
      const Layout& in = request.in(i);
      inputs_.push_back(!request.has(i)              ? Layout()
                        : in.dims() == layout.dims() ? layout
                                                     : Layout::Plain(in.dtype(), in.dims()));
    }
    outputs_ = {layout};
  }

  std::string name() const override { return "weft"; }
  std::string implementation() const override { return implementation_; }
  bool AllowsInPlace(int, int) const override { return true; }
  std::optional<std::vector<int>> CheckedInputs() const override { return std::vector<int>(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    return std::make_unique<BoundAnyLayoutKernel>(
        function_, static_cast<int64_t>(outputs_[0].bytes() / sizeof(float)), bindings);
  }

 private:
  std::string implementation_;
  PlaceFunction function_;
};

}  // namespace

std::unique_ptr<Kernel> MakeAnyLayoutKernel(const KernelRequest& request, const Layout& layout,
                                            std::string implementation, PlaceFunction function) {
  return std::make_unique<AnyLayoutKernel>(request, layout, std::move(implementation),
                                           std::move(function));
}

bool IsPadded(const Layout& layout) {
  size_t elements = 1;
  for (int64_t d : layout.dims()) elements *= static_cast<size_t>(d);
  return layout.bytes() != elements * SizeOf(layout.dtype());
}

const Layout& LayoutOfPair(const KernelRequest& request) {
  return request.in(1).is_plain() ? request.in(0) : request.in(1);
}

}  // namespace weft
