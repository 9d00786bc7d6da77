#include "ops/dft.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "ops/arguments.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/simd/fft.h"

// DFT and DFTGrad by the fast transform, in double.

namespace weft {
namespace {

constexpr int64_t kComplexGrain = 1 << 12;  // complex numbers that are worth a thread

// Transforms are made with exp(-..); where exp(+..) is asked for, of conjugates. Where one side is
// real, two lines share a transform.
class Lines {
 public:
  Lines(const EvalContext& c, const DftProblem& p, const Fft& fft)
      : p_(p),
        fft_(fft),
        x_(c.in(0).in<float>().data()),
        y_(c.out().out<float>().data()),
        turn_(-p.sign) {}

  int64_t lines() const { return p_.outer * p_.inner; }
  int64_t together() const { return p_.input_parts + p_.output_parts == 3 ? 2 : 1; }

  // Line `at`, and the next one if there is one to share. `memory`: MemoryOf numbers.
  void Transform(int64_t at, Complex* memory) const {
    Complex* z = memory;
    Complex* second = memory + p_.length;
    Complex* scratch = second + p_.length;
    const bool two = together() == 2 && at + 1 < lines();
    Read(at, z);
    if (two) Read(at + 1, second);
    const bool pair = two && AreAlike(z, second);
    if (pair) {
      for (int64_t n = 0; n < p_.length; ++n) {  // z + i second
        z[n] = {z[n].re - second[n].im, z[n].im + second[n].re};
      }
    }
    fft_.Run(z, scratch);
    if (!pair) {
      Write(at, [z](int64_t k) { return z[k]; });
      if (!two) return;
      fft_.Run(second, scratch);
      Write(at + 1, [second](int64_t k) { return second[k]; });
    } else if (p_.output_parts == 1) {
      Write(at, [z](int64_t k) { return z[k]; });
      Write(at + 1, [z](int64_t k) { return Complex{z[k].im, 0}; });
    } else {
      // The spectrum of a real line equals its mirrored conjugate.
      const auto mirrored = [z, n = p_.length](int64_t k) {
        return Conjugate(z[k == 0 ? 0 : n - k]);
      };
      Write(at, [&](int64_t k) {
        const Complex sum = z[k] + mirrored(k);
        return Complex{sum.re / 2, sum.im / 2};
      });
      Write(at + 1, [&](int64_t k) {
        const Complex difference = z[k] - mirrored(k);
        return Complex{difference.im / 2, -difference.re / 2};
      });
    }
  }

 private:
  // The line with zeros up to the transform's length; if only the real part of its transform is
  // asked for, what has just that: the mean of the line and its mirrored conjugate.
  void Read(int64_t at, Complex* line) const {
    const float* x =
        x_ + (at / p_.inner * p_.input_extent * p_.inner + at % p_.inner) * p_.input_parts;
    for (int64_t n = 0; n < p_.inputs; ++n, x += p_.inner * p_.input_parts) {
      line[n] = {x[0], p_.input_parts == 2 ? turn_ * static_cast<double>(x[1]) : 0};
    }
    std::fill(line + p_.inputs, line + p_.length, Complex{});
    if (p_.output_parts == 2) return;
    line[0].im = 0;
    for (int64_t n = 1; 2 * n <= p_.length; ++n) {
      const Complex sum = line[n] + Conjugate(line[p_.length - n]);
      line[n] = {sum.re / 2, sum.im / 2};
      line[p_.length - n] = Conjugate(line[n]);
    }
  }

  // Whether neither line is lost in the other's rounding errors, or becomes NaN by the other's NaN
  // or infinity.
  bool AreAlike(const Complex* a, const Complex* b) const {
    double squares[2] = {0, 0};
    for (int64_t n = 0; n < p_.length; ++n) {
      squares[0] += a[n].re * a[n].re + a[n].im * a[n].im;
      squares[1] += b[n].re * b[n].re + b[n].im * b[n].im;
    }
    constexpr double kMost = 0x1p40;  // a factor of 2^20
    return std::isfinite(squares[0] + squares[1]) && squares[0] <= kMost * squares[1] &&
           squares[1] <= kMost * squares[0];
  }

  template <typename F>
  void Write(int64_t at, F value) const {
    float* y = y_ + (at / p_.inner * p_.output_extent * p_.inner + at % p_.inner) * p_.output_parts;
    for (int64_t k = 0; k < p_.output_extent; ++k, y += p_.inner * p_.output_parts) {
      const Complex v = k < p_.outputs ? value(k) : Complex{};
      y[0] = static_cast<float>(p_.scale * v.re);
      if (p_.output_parts == 2) y[1] = static_cast<float>(p_.scale * turn_ * v.im);
    }
  }

  const DftProblem& p_;
  const Fft& fft_;
  const float* x_;
  float* y_;
  double turn_;
};

int64_t MemoryOf(const DftProblem& p, const Fft& fft) { return 2 * p.length + fft.scratch(); }

absl::Status Transform(const HostContext& c, const DftProblem& p, const Fft& fft,
                       ScratchArray<Complex> memory) {
  if (c.out().size() == 0) return absl::OkStatus();
  const Lines lines(c, p, fft);
  const int64_t together = lines.together();
  const int64_t groups = (lines.lines() + together - 1) / together;
  ParallelFor(groups, std::max<int64_t>(1, kComplexGrain / p.length),
              [&](int thread, int64_t begin, int64_t end) {
                for (int64_t group = begin; group < end; ++group) {
                  lines.Transform(group * together, memory.In(c.scratch, thread));
                }
              });
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Kernels> HostDft(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool gradient = request.node.op_name() == "DFTGrad";
  const Dims& input = gradient ? request.outputs[0] : request.in(0).dims();
  const Dims& output = gradient ? request.in(0).dims() : request.outputs[0];
  const int rank = static_cast<int>(input.size());
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(request.node.attributes(), "axis", 1), rank));
  int64_t length = input[static_cast<size_t>(axis)];
  if (const int operand = gradient ? 2 : 1; request.has(operand)) {
    const std::optional<Dims> constant = ConstantInts(request.node.input(operand));
    if (!constant) return Kernels();  // the reference reads it in the run
    length = constant->front();
  }
  WEFT_ASSIGN_OR_RETURN(const DftProblem problem,
                        DftProblemOf(request.node.attributes(), input, output, length, gradient));
  const auto fft = std::make_shared<const Fft>(length);
  ScratchPlan scratch(request.threads);
  const auto memory = scratch.PerThread<Complex>(MemoryOf(problem, *fft));
  const auto run = [problem, fft, memory](const HostContext& c) {
    return Transform(c, problem, *fft, memory);
  };
  return Single(
      MakeHostKernel(request, "weft", "fast transform", run, /*in_place=*/false, scratch));
}

}  // namespace weft
