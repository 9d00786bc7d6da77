#include <algorithm>
#include <vector>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

constexpr int kScalars = 2;  // R and T come first

struct MomentumFactors {
  float rate, alpha, beta, decay;
};

// Elements of one weight: x its values, g its gradient, v its momentum. x may be new_x, v new_v.
template <bool nesterov>
void Update(const MomentumFactors& f, const float* x, const float* g, const float* v, float* new_x,
            float* new_v, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const float value = x[i];
    const float regularized = f.decay * value + g[i];
    const float velocity = f.alpha * v[i] + f.beta * regularized;
    new_v[i] = velocity;
    new_x[i] = value - f.rate * (nesterov ? regularized + f.alpha * velocity : velocity);
  }
}

// ends[i]: the elements of weights 0 to i, with the padding of their layouts.
void ComputeMomentum(const EvalContext& c, const std::vector<int64_t>& ends) {
  const float rate = static_cast<float>(c.in(0).At(0));
  const bool first = c.in(1).in<int64_t>()[0] == 0;
  const MomentumFactors factors{rate, static_cast<float>(GetFloat(c.attributes, "alpha")),
                                first ? 1.0f : static_cast<float>(GetFloat(c.attributes, "beta")),
                                static_cast<float>(GetFloat(c.attributes, "norm_coefficient"))};
  const auto update = GetString(c.attributes, "mode") == "nesterov" ? Update<true> : Update<false>;
  const int n = static_cast<int>(ends.size());
  // One parallel region over the elements of all weights.
  ParallelFor(ends.back(), kGrain, [&](int64_t begin, int64_t end) {
    size_t w =
        static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin());
    for (; begin < end; ++w) {
      const int64_t start = w == 0 ? 0 : ends[w - 1], stop = std::min(end, ends[w]);
      const int i = static_cast<int>(w);
      const auto in = [&](int k) { return c.in(k).in<float>().data() + (begin - start); };
      const auto out = [&](int k) { return c.out(k).out<float>().data() + (begin - start); };
      update(factors, in(kScalars + i), in(kScalars + n + i), in(kScalars + 2 * n + i), out(i),
             out(n + i), stop - begin);
      begin = stop;
    }
  });
}

}  // namespace

// Each weight, its gradient and its momentum lie as the weight comes; zeros of the padding stay
// zeros.
absl::StatusOr<Kernels> HostMomentum(const KernelRequest& request) {
  std::vector<int64_t> ends;
  std::vector<Layout> weights;
  const size_t n = request.outputs.size() / 2;
  for (size_t i = 0; i < n; ++i) {
    const Layout& weight = request.inputs[kScalars + i];
    if (weight.dtype() != DType::kF32) return Kernels();
    weights.push_back(weight.is_elementwise() ? weight
                                              : Layout::Plain(weight.dtype(), weight.dims()));
    const auto elements = static_cast<int64_t>(weights.back().bytes() / sizeof(float));
    ends.push_back(elements + (ends.empty() ? 0 : ends.back()));
  }
  auto kernel = MakeHostKernel(
      request, "weft", "fused momentum",
      [ends = std::move(ends)](const EvalContext& c) { ComputeMomentum(c, ends); },
      /*in_place=*/true);
  std::vector<Layout> inputs = {kernel->inputs()[0], kernel->inputs()[1]}, outputs;
  for (int k = 0; k < 3; ++k) inputs.insert(inputs.end(), weights.begin(), weights.end());
  for (int k = 0; k < 2; ++k) outputs.insert(outputs.end(), weights.begin(), weights.end());
  kernel->SetLayouts(std::move(inputs), std::move(outputs));
  return Single(std::move(kernel));
}

}  // namespace weft
