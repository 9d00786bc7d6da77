#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "ops/random_words.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/simd/random_simd.h"

// Dropout, RandomUniform, RandomNormal, their Like forms and Bernoulli: random words of a piece of
// an example (ops/random_words.h), and at once what is made of them.

namespace weft {
namespace {

constexpr int64_t kPiece = 2048;                       // elements; a multiple of 8
constexpr int64_t kStreamElements = int64_t{1} << 22;  // from here on y goes past the caches

// f(first element, count, words) for all pieces, on the run's threads; a block of four words serves
// `most` elements. There are 64 bytes more after the words.
template <typename F>
void ForEachPiece(const RandomWords& random, int64_t most, F f) {
  const int64_t pieces = (random.size + kPiece - 1) / kPiece;  // of an example
  const int64_t grain = std::max<int64_t>(1, 2 * kPiece / std::max<int64_t>(random.size, 1));
  ParallelFor(random.examples * pieces, grain, [&](int64_t begin, int64_t end) {
    std::array<uint32_t, kPiece + 16> words;
    for (int64_t at = begin; at < end; ++at) {
      const int64_t example = at / pieces, first = at % pieces * kPiece;
      const int64_t count = std::min(kPiece, random.size - first);
      DrawWords(random.key, random.step, random.first_example + static_cast<uint64_t>(example),
                first / most, (count + most - 1) / most, words.data());
      f(example * random.size + first, count, words.data());
    }
  });
}

RandomWords WordsOf(const EvalContext& c) {
  return c.inputs.empty() ? RandomWords::OfWhole(c) : RandomWords::OfExamples(c, c.out());
}

bool Streams(const EvalContext& c) {
  const bool in_place = !c.inputs.empty() && c.in(0).data == c.out().data;
  return !in_place && c.out().size() >= kStreamElements;
}

// The mask of ops/dropout.cc, bit for bit.
void DropSome(const EvalContext& c) {
  const double ratio = GetFloat(c.attributes, "ratio");
  const float scale = static_cast<float>(1 / (1 - ratio));
  const uint16_t threshold = DropThreshold(ratio);
  const float* x = c.in(0).in<float>().data();
  float* y = c.out().out<float>().data();
  bool* mask = c.outputs.size() > 1 ? static_cast<bool*>(c.out(1).data) : nullptr;
  const bool stream = Streams(c);
  ForEachPiece(WordsOf(c), 8, [&](int64_t first, int64_t count, const uint32_t* words) {
    DropByHalves(count, x + first, words, threshold, scale, stream, y + first);
    for (int64_t i = 0; mask != nullptr && i < count; ++i) {
      mask[first + i] = (words[i / 2] >> (i % 2 * 16) & 0xFFFF) >= threshold;
    }
  });
}

void DropNothing(const EvalContext& c) {
  const auto* x = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  auto* mask = c.outputs.size() > 1 ? static_cast<bool*>(c.out(1).data) : nullptr;
  ParallelFor(c.out().size(), 2 * kPiece, [&](int64_t begin, int64_t end) {
    const size_t from = static_cast<size_t>(begin) * sizeof(float);
    const size_t bytes = static_cast<size_t>(end - begin) * sizeof(float);
    if (x != y) std::memcpy(y + from, x + from, bytes);
    if (mask != nullptr) std::fill(mask + begin, mask + end, true);
  });
}

void DrawUniform(const EvalContext& c) {
  const auto low = static_cast<float>(GetFloat(c.attributes, "low"));
  const auto high = static_cast<float>(GetFloat(c.attributes, "high"));
  const float most = std::max(low, std::nextafter(high, std::numeric_limits<float>::lowest()));
  float* y = c.out().out<float>().data();
  const bool stream = Streams(c);
  ForEachPiece(WordsOf(c), 4, [&](int64_t first, int64_t count, const uint32_t* words) {
    UniformByWords(count, words, low, high - low, most, stream, y + first);
  });
}

void DrawNormal(const EvalContext& c) {
  const auto mean = static_cast<float>(GetFloat(c.attributes, "mean"));
  const auto scale = static_cast<float>(GetFloat(c.attributes, "scale"));
  float* y = c.out().out<float>().data();
  const bool stream = Streams(c);
  ForEachPiece(WordsOf(c), 4, [&](int64_t first, int64_t count, const uint32_t* words) {
    NormalByWords(count, words, mean, scale, stream, y + first);
  });
}

absl::Status DrawBernoulli(const EvalContext& c) {
  const float* p = c.in(0).in<float>().data();
  if (c.out().dtype == DType::kF32) {
    float* y = c.out().out<float>().data();
    const bool stream = Streams(c);
    ForEachPiece(WordsOf(c), 4, [&](int64_t first, int64_t count, const uint32_t* words) {
      BernoulliByWords(count, p + first, words, stream, y + first);
    });
    return absl::OkStatus();
  }
  return VisitDType<kComputeTypes>(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    T* y = c.out().out<T>().data();
    ForEachPiece(WordsOf(c), 4, [&](int64_t first, int64_t count, const uint32_t* words) {
      for (int64_t i = 0; i < count; ++i) {
        const bool drawn = UniformOf(words[i]) < static_cast<double>(p[first + i]);
        y[first + i] = static_cast<T>(drawn ? 1 : 0);
      }
    });
  });
}

template <typename F>
Kernels Single(const KernelRequest& request, std::string implementation, F* function,
               bool in_place = false) {
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", std::move(implementation), function, in_place));
  return kernels;
}

}  // namespace

absl::StatusOr<Kernels> HostDropout(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  const bool drops = request.node.op_name() == "DropoutGrad" ||
                     GetString(request.node.attributes(), "mode") == "training";
  return Single(request, drops ? "philox loops" : "copy", drops ? DropSome : DropNothing,
                /*in_place=*/true);
}

absl::StatusOr<Kernels> HostRandom(const KernelRequest& request) {
  if (request.node.type().dtype != DType::kF32) return Kernels();
  const bool normal = request.node.op_name().starts_with("RandomNormal");
  return Single(request, "philox loops", normal ? DrawNormal : DrawUniform);
}

absl::StatusOr<Kernels> HostBernoulli(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  return Single(request, "philox loops", DrawBernoulli);
}

}  // namespace weft
