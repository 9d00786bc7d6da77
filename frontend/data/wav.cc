#include "frontend/data/wav.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string_view>

namespace weft {
namespace {

constexpr uint32_t kPcm = 1, kIeeeFloat = 3, kExtensible = 0xfffe;
constexpr int64_t kMostRate = 1000000;

uint32_t WavNumber(std::span<const std::byte> bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint32_t>(bytes[at + i]);
  return value;
}

bool WavHas(std::span<const std::byte> bytes, size_t at, std::string_view id) {
  return bytes.size() >= at + id.size() &&
         std::memcmp(bytes.data() + at, id.data(), id.size()) == 0;
}

struct WavForm {
  uint32_t kind = 0, channels = 0, rate = 0, bits = 0;
};

absl::StatusOr<WavForm> ReadWavForm(std::span<const std::byte> chunk) {
  if (chunk.size() < 16) return absl::DataLossError("the WAV format ends early");
  WavForm f = {.kind = WavNumber(chunk, 0, 2),
               .channels = WavNumber(chunk, 2, 2),
               .rate = WavNumber(chunk, 4, 4),
               .bits = WavNumber(chunk, 14, 2)};
  if (f.kind == kExtensible && chunk.size() >= 26) f.kind = WavNumber(chunk, 24, 2);
  const bool pcm = f.kind == kPcm && (f.bits == 8 || f.bits == 16 || f.bits == 24 || f.bits == 32);
  if (!pcm && !(f.kind == kIeeeFloat && f.bits == 32)) {
    return absl::UnimplementedError(absl::StrCat(
        "expected a WAV of 8, 16, 24 or 32-bit integers or 32-bit floats, it has format ", f.kind,
        " of ", f.bits, " bits"));
  }
  if (f.channels < 1 || f.rate < 1 || f.rate > kMostRate) {
    return absl::InvalidArgumentError(absl::StrCat("expected channels and a rate of at most ",
                                                   kMostRate, ", the WAV has ", f.channels, " and ",
                                                   f.rate));
  }
  return f;
}

float WavSample(std::span<const std::byte> data, size_t at, const WavForm& f) {
  const uint32_t bits = WavNumber(data, at, f.bits / 8);
  if (f.kind == kIeeeFloat) {
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  if (f.bits == 8) return (static_cast<float>(bits) - 128.0f) / 128.0f;  // the only unsigned ones
  const auto value = static_cast<int32_t>(bits << (32 - f.bits));
  return static_cast<float>(value) * 0x1p-31f;
}

absl::StatusOr<Sound> ReadWavSamples(std::span<const std::byte> data, const WavForm& f) {
  const size_t sample_bytes = f.bits / 8, frame = sample_bytes * f.channels;
  Sound sound = {.sample_rate = f.rate};
  sound.samples.resize(data.size() / frame);
  for (size_t i = 0; i < sound.samples.size(); ++i) {
    float sum = 0;
    for (size_t c = 0; c < f.channels; ++c) {
      sum += WavSample(data, i * frame + c * sample_bytes, f);
    }
    sound.samples[i] = sum / static_cast<float>(f.channels);
    if (!std::isfinite(sum)) {
      return absl::DataLossError(absl::StrCat("the WAV's sample ", i, " is ", sum));
    }
  }
  if (sound.samples.empty()) return absl::DataLossError("the WAV has no samples");
  return sound;
}

absl::StatusOr<Sound> DecodeChunks(std::span<const std::byte> bytes) {
  if (!WavHas(bytes, 0, "RIFF") || !WavHas(bytes, 8, "WAVE")) {
    return absl::InvalidArgumentError("expected a WAV file, the file has another signature");
  }
  WavForm form;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t length = WavNumber(bytes, at + 4, 4);
    const auto chunk = bytes.subspan(at + 8, std::min(length, bytes.size() - at - 8));
    if (WavHas(bytes, at, "fmt ")) {
      WEFT_ASSIGN_OR_RETURN(form, ReadWavForm(chunk));
    } else if (WavHas(bytes, at, "data")) {
      if (form.channels == 0) return absl::DataLossError("the WAV has no format before its data");
      return ReadWavSamples(chunk, form);
    }
    at += 8 + length + length % 2;  // chunks are padded to an even length
  }
  return absl::DataLossError("the WAV data end early: there are no samples");
}

}  // namespace

absl::StatusOr<Sound> DecodeWav(std::span<const std::byte> bytes, const std::string& name) {
  absl::StatusOr<Sound> sound = DecodeChunks(bytes);
  if (!sound.ok()) return Annotate(sound.status(), name);
  return sound;
}

std::vector<float> Resampled(std::span<const float> samples, int64_t from, int64_t to,
                             int64_t most) {
  if (from == to) {
    samples = samples.first(std::min(samples.size(), static_cast<size_t>(most)));
    return {samples.begin(), samples.end()};
  }
  constexpr double kZeroCrossings = 6, kRolloff = 0.99;
  const double in = static_cast<double>(from), out = static_cast<double>(to);
  const double band = std::min(in, out) * kRolloff;  // twice the highest frequency kept
  const double reach = kZeroCrossings / band;        // seconds to either side
  const auto count = static_cast<int64_t>(samples.size());
  std::vector<float> result(static_cast<size_t>(std::min(most, (count * to + from - 1) / from)));
  for (size_t n = 0; n < result.size(); ++n) {
    const double time = static_cast<double>(n) / out;
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(std::ceil((time - reach) * in)));
    const auto last = std::min(count - 1, static_cast<int64_t>(std::floor((time + reach) * in)));
    double sum = 0;
    for (int64_t k = first; k <= last; ++k) {
      const double x = (static_cast<double>(k) / in - time) * band;
      const double window = std::cos(x * std::numbers::pi / (2 * kZeroCrossings));
      const double turn = x * std::numbers::pi;
      const double sinc = turn == 0 ? 1 : std::sin(turn) / turn;
      sum += window * window * sinc * samples[static_cast<size_t>(k)];
    }
    result[n] = static_cast<float>(sum * band / in);
  }
  return result;
}

}  // namespace weft
