#include "runtime/host/simd/random_simd.h"

#include <array>
#include <numbers>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/simd/random_simd.cc"
#include "runtime/host/simd/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Du = hn::RebindToUnsigned<Df>;
using Vu = hn::Vec<Du>;

#if HWY_TARGET != HWY_SCALAR

// As many blocks at a time as there are 64-bit lanes: each lane has one 32-bit word of its block's
// counter, with what the products leave above it. Lane 2j is block j and lane 2j + 1 block J + j of
// the 2J blocks, so that interleaving within 128 bits puts the blocks in order.
int64_t DrawWholeVectors(const PhiloxKey& key, const PhiloxCounter& first, int64_t blocks,
                         uint32_t* words) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  HWY_ALIGN uint64_t order[HWY_MAX_BYTES / sizeof(uint64_t)];
  for (int64_t i = 0; i < lanes; ++i) {
    order[i] = static_cast<uint64_t>(i / 2 + i % 2 * (lanes / 2));
  }
  const auto places = hn::Load(d, order);
  const auto m0 = hn::BitCast(d32, hn::Set(d, 0xD2511F53));
  const auto m1 = hn::BitCast(d32, hn::Set(d, 0xCD9E8D57));
  const auto low = hn::Set(d, 0xFFFFFFFF);
  std::array<PhiloxKey, 10> keys = {key};  // of the rounds
  for (size_t round = 1; round < keys.size(); ++round) {
    keys[round] = {keys[round - 1][0] + 0x9E3779B9, keys[round - 1][1] + 0xBB67AE85};
  }
  int64_t b = 0;
  for (; b + lanes <= blocks; b += lanes) {
    auto c0 = hn::Add(places, hn::Set(d, uint64_t{first[0]} + static_cast<uint64_t>(b)));
    auto c1 = hn::Set(d, first[1]), c2 = hn::Set(d, first[2]), c3 = hn::Set(d, first[3]);
    for (const auto& [k0, k1] : keys) {
      const auto a = hn::MulEven(hn::BitCast(d32, c0), m0);
      const auto e = hn::MulEven(hn::BitCast(d32, c2), m1);
      c0 = hn::Xor3(hn::ShiftRight<32>(e), c1, hn::Set(d, k0));
      c2 = hn::Xor3(hn::ShiftRight<32>(a), c3, hn::Set(d, k1));
      c1 = e;
      c3 = a;
    }
    const auto p01 = hn::Or(hn::And(c0, low), hn::ShiftLeft<32>(c1));
    const auto p23 = hn::Or(hn::And(c2, low), hn::ShiftLeft<32>(c3));
    const auto lower = hn::BitCast(d32, hn::InterleaveLower(d, p01, p23));
    const auto upper = hn::BitCast(d32, hn::InterleaveUpper(d, p01, p23));
    hn::StoreU(lower, d32, words + 4 * b);
    hn::StoreU(upper, d32, words + 4 * b + 2 * lanes);
  }
  return b;
}

#else

int64_t DrawWholeVectors(const PhiloxKey&, const PhiloxCounter&, int64_t, uint32_t*) { return 0; }

#endif

void Words(const PhiloxKey& key, uint64_t step, uint64_t example, int64_t first_block,
           int64_t blocks, uint32_t* words) {
  int64_t done = 0;
  // The vectors keep the block number's upper part.
  const auto first = static_cast<uint64_t>(first_block);
  if ((first ^ (first + static_cast<uint64_t>(blocks))) >> 32 == 0) {
    done = DrawWholeVectors(key, StreamCounter(step, example, first), blocks, words);
  }
  for (; done < blocks; ++done) {
    const PhiloxCounter block =
        Philox4x32(StreamCounter(step, example, first + static_cast<uint64_t>(done)), key);
    std::memcpy(words + 4 * done, block.data(), sizeof block);
  }
}

// Words travel as floats, whose bits nothing touches on the way.
HWY_INLINE Vu Bits(Vf words) { return hn::BitCast(Du(), words); }
HWY_INLINE const float* AsFloats(const uint32_t* words) {
  return reinterpret_cast<const float*>(words);
}

// In [0, 1), a multiple of 2^-24.
HWY_INLINE Vf UniformOfBits(Vu bits) {
  const hn::RebindToSigned<Df> di;
  return hn::Mul(hn::ConvertTo(Df(), hn::BitCast(di, hn::ShiftRight<8>(bits))), Fill(0x1p-24f));
}

struct ToUniform {
  float low, span, most;
  HWY_INLINE Vf operator()(Vf words) const {
    return hn::Min(hn::MulAdd(UniformOfBits(Bits(words)), Fill(span), Fill(low)), Fill(most));
  }
};

struct ToBernoulli {
  HWY_INLINE Vf operator()(Vf p, Vf words) const {
    return hn::IfThenElseZero(hn::Lt(UniformOfBits(Bits(words)), p), Fill(1));
  }
};

// sin(2 pi t) for t in [-1/2, 1/2], to 1e-7.
HWY_INLINE Vf SinOfTurns(Vf t) {
  const Vf half = hn::CopySign(Fill(0.5f), t);
  const Vf s = hn::IfThenElse(hn::Gt(hn::Abs(t), Fill(0.25f)), hn::Sub(half, t), t);
  const Vf x = hn::Mul(s, Fill(static_cast<float>(2 * std::numbers::pi)));
  return hn::Mul(x, Polynomial(hn::Mul(x, x), -1.0f / 39916800, 1.0f / 362880, -1.0f / 5040,
                               1.0f / 120, -1.0f / 6, 1.0f));
}

// An even element's word gives the radius of its pair, an odd one's the angle; the even element is
// the cosine, which is the sine of a quarter of a turn more.
struct ToNormal {
  float mean, scale;
  HWY_INLINE Vf operator()(Vf words) const {
    const Vf u = UniformOfBits(Bits(words));
#if HWY_TARGET == HWY_SCALAR
    return u;  // one lane has no pairs; see Normal
#else
    const Vf radius = hn::Sqrt(hn::Mul(Fill(-2), Log(hn::Add(hn::DupEven(u), Fill(0x1p-24f)))));
    const Vf turns = hn::DupOdd(u);
    const Vf quarter = hn::OddEven(turns, hn::Add(turns, Fill(0.25f)));
    const Vf z = hn::Mul(radius, SinOfTurns(hn::Sub(quarter, hn::Round(quarter))));
    return hn::MulAdd(z, Fill(scale), Fill(mean));
#endif
  }
};

void DropAll(int64_t n, const float* x, const uint32_t* words, uint16_t threshold, float scale,
             bool stream, float* y) {
  const Df d;
  const hn::RebindToSigned<Df> di;
  const hn::Rebind<uint16_t, Df> d16;
  const int64_t lanes = Lanes();
  const auto least = hn::Set(di, threshold);
  // On a little-endian CPU the lower half of a word comes first.
  const auto* halves = reinterpret_cast<const uint16_t*>(words);
  const auto dropped = [&](Vf v, int64_t i) HWY_ATTR {
    const auto goes = hn::Lt(hn::PromoteTo(di, hn::LoadU(d16, halves + i)), least);
    return hn::IfThenZeroElse(hn::RebindMask(d, goes), hn::Mul(v, Fill(scale)));
  };
  int64_t i = 0;
  if (stream && reinterpret_cast<uintptr_t>(y) % (hn::Lanes(d) * sizeof(float)) == 0) {
    for (; i + lanes <= n; i += lanes) hn::Stream(dropped(hn::LoadU(d, x + i), i), d, y + i);
    hwy::FlushStream();
  }
  for (; i + lanes <= n; i += lanes) hn::StoreU(dropped(hn::LoadU(d, x + i), i), d, y + i);
  if (i < n) StoreFirst(dropped(LoadFirst(x + i, n - i), i), y + i, n - i);
}

void Uniform(int64_t n, const uint32_t* words, float low, float span, float most, bool stream,
             float* y) {
  MapRange(n, y, stream, ToUniform{low, span, most}, AsFloats(words));
}

void Bernoulli(int64_t n, const float* p, const uint32_t* words, bool stream, float* y) {
  MapRange(n, y, stream, ToBernoulli{}, p, AsFloats(words));
}

void Normal(int64_t n, const uint32_t* words, float mean, float scale, bool stream, float* y) {
#if HWY_TARGET == HWY_SCALAR
  (void)stream;
  for (int64_t i = 0; i < n; ++i) {
    const auto u = [words](int64_t k) { return static_cast<float>(words[k] >> 8) * 0x1p-24f; };
    const float radius = std::sqrt(-2 * std::log(u(i / 2 * 2) + 0x1p-24f));
    const float angle = 2 * static_cast<float>(std::numbers::pi) * u(i / 2 * 2 + 1);
    y[i] = mean + scale * radius * (i % 2 == 0 ? std::cos(angle) : std::sin(angle));
  }
#else
  // Vectors begin at even elements: none before the first whole one. An odd element at the end
  // takes its pair's other word along.
  const int64_t whole = n - n % Lanes();
  const bool aligned = reinterpret_cast<uintptr_t>(y) % (hn::Lanes(Df()) * sizeof(float)) == 0;
  MapRange(whole, y, stream && aligned, ToNormal{mean, scale}, AsFloats(words));
  if (whole == n) return;
  const Vf last = ToNormal{mean, scale}(LoadFirst(AsFloats(words) + whole, n - whole + (n % 2)));
  StoreFirst(last, y + whole, n - whole);
#endif
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(Words);
HWY_EXPORT(DropAll);
HWY_EXPORT(Uniform);
HWY_EXPORT(Bernoulli);
HWY_EXPORT(Normal);

void DrawWords(const PhiloxKey& key, uint64_t step, uint64_t example, int64_t first_block,
               int64_t blocks, uint32_t* words) {
  HWY_DYNAMIC_DISPATCH(Words)(key, step, example, first_block, blocks, words);
}

void DropByHalves(int64_t n, const float* x, const uint32_t* words, uint16_t threshold, float scale,
                  bool stream, float* y) {
  HWY_DYNAMIC_DISPATCH(DropAll)(n, x, words, threshold, scale, stream, y);
}

void UniformByWords(int64_t n, const uint32_t* words, float low, float span, float most,
                    bool stream, float* y) {
  HWY_DYNAMIC_DISPATCH(Uniform)(n, words, low, span, most, stream, y);
}

void NormalByWords(int64_t n, const uint32_t* words, float mean, float scale, bool stream,
                   float* y) {
  HWY_DYNAMIC_DISPATCH(Normal)(n, words, mean, scale, stream, y);
}

void BernoulliByWords(int64_t n, const float* p, const uint32_t* words, bool stream, float* y) {
  HWY_DYNAMIC_DISPATCH(Bernoulli)(n, p, words, stream, y);
}

}  // namespace weft
#endif
