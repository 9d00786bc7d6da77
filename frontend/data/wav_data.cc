#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "frontend/data/class_folders.h"
#include "frontend/data/spectrum.h"
#include "frontend/data/split.h"
#include "frontend/data/statistics.h"
#include "frontend/data/wav.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

constexpr size_t kSampledSounds = 128;
constexpr float kLeastPower = 1e-10f;  // below it there is silence, whose logarithm is -23

bool IsWavName(std::string_view path) {
  return absl::AsciiStrToLower(Absl(path)).ends_with(".wav");
}

absl::StatusOr<Sound> LoadWav(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return DecodeWav(bytes, path);
}

// How many were left out.
absl::StatusOr<int64_t> LeaveOutUnreadable(std::vector<LabelledFile>& files) {
  const auto read = [&](int64_t i) { return LoadWav(files[static_cast<size_t>(i)].path).status(); };
  WEFT_ASSIGN_OR_RETURN(const auto indices,
                        ReadableIndices(static_cast<int64_t>(files.size()), read));
  std::vector<LabelledFile> readable;
  for (const int64_t i : indices) readable.push_back(files[static_cast<size_t>(i)]);
  const auto left_out = static_cast<int64_t>(files.size() - readable.size());
  files = std::move(readable);
  return left_out;
}

int64_t ClipSamples(const DataOptions& o) {
  return std::llround(o.clip_seconds * static_cast<double>(o.sample_rate));
}

absl::Status CheckSoundOptions(const DataOptions& o) {
  constexpr int64_t kMostSamples = int64_t{1} << 28;
  if (o.sample_rate < 1 || o.sample_rate > 1000000 || !(o.clip_seconds > 0) ||
      o.clip_seconds * static_cast<double>(o.sample_rate) > kMostSamples || ClipSamples(o) < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("sample_rate, clip_seconds: expected a rate of 1 to 1000000 and a length "
                     "above 0, got ",
                     o.sample_rate, " and ", o.clip_seconds));
  }
  if (o.audio_features == "waveform") return absl::OkStatus();
  if (o.audio_features != "stft" && o.audio_features != "log_mel") {
    return absl::InvalidArgumentError(absl::StrCat(
        "audio_features: expected log_mel, stft or waveform, got \"", o.audio_features, "\""));
  }
  if (o.fft_size < 2 || !std::has_single_bit(static_cast<uint64_t>(o.fft_size)) ||
      o.fft_size > ClipSamples(o)) {
    return absl::InvalidArgumentError(
        absl::StrCat("fft_size: expected a power of two of at most the ", ClipSamples(o),
                     " samples of a clip, got ", o.fft_size));
  }
  if (o.fft_hop < 1 || o.mel_bands < 1 || o.mel_bands > o.fft_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("fft_hop, mel_bands: expected at least 1, and bands of at most fft_size, got ",
                     o.fft_hop, " and ", o.mel_bands));
  }
  return absl::OkStatus();
}

Dims SoundDims(const DataOptions& o) {
  if (o.audio_features == "waveform") return {1, ClipSamples(o)};
  const int64_t frames = (ClipSamples(o) - o.fft_size) / o.fft_hop + 1;
  return {1, o.audio_features == "stft" ? o.fft_size / 2 + 1 : o.mel_bands, frames};
}

class WavDataset final : public Dataset {
 public:
  WavDataset(DatasetInfo info, std::vector<LabelledFile> files, const DataOptions& options)
      : Dataset(std::move(info)), files_(std::move(files)), options_(options) {
    if (options.audio_features == "log_mel") {
      filters_ = MelFilters(options.mel_bands, options.fft_size, options.sample_rate);
    }
  }

 private:
  absl::Status ReadExample(int64_t index, std::span<float> values,
                           std::span<int64_t> labels) const override {
    const LabelledFile& file = files_[static_cast<size_t>(index)];
    WEFT_ASSIGN_OR_RETURN(const Sound sound, LoadWav(file.path));
    const int64_t clip = ClipSamples(options_);
    std::vector<float> samples =
        Resampled(sound.samples, sound.sample_rate, options_.sample_rate, clip);
    samples.resize(static_cast<size_t>(clip));
    labels[0] = file.label;
    if (options_.audio_features == "waveform") {
      std::ranges::copy(samples, values.begin());
      return absl::OkStatus();
    }
    std::vector<float> power = PowerSpectrum(samples, options_.fft_size, options_.fft_hop);
    if (!filters_.empty()) power = Filtered(power);
    std::ranges::transform(power, values.begin(),
                           [](float p) { return std::log(std::max(p, kLeastPower)); });
    return absl::OkStatus();
  }

  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    labels.classes[0] = files_[static_cast<size_t>(index)].label;
    return absl::OkStatus();
  }

  // The matrix product of filters [bands, bins] and power [bins, frames].
  std::vector<float> Filtered(const std::vector<float>& power) const {
    const auto bins = static_cast<size_t>(options_.fft_size / 2 + 1);
    const size_t frames = power.size() / bins, bands = filters_.size() / bins;
    std::vector<float> result(bands * frames);
    for (size_t i = 0; i < filters_.size(); ++i) {
      if (filters_[i] == 0) continue;
      float* to = &result[i / bins * frames];
      const float* from = &power[i % bins * frames];
      for (size_t f = 0; f < frames; ++f) to[f] += filters_[i] * from[f];
    }
    return result;
  }

  const std::vector<LabelledFile> files_;
  const DataOptions options_;
  std::vector<float> filters_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> OpenWav(const std::string& folder, Split split,
                                                       const DataOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckSoundOptions(options));
  WEFT_ASSIGN_OR_RETURN(ClassFiles listed,
                        ListClassFiles(folder, split, options, "WAV files", &IsWavName));
  int64_t unreadable = 0;
  if (options.skip_unreadable) {
    WEFT_ASSIGN_OR_RETURN(unreadable, LeaveOutUnreadable(listed.train));
    if (split == Split::kTrain) {
      listed.files = listed.train;
    } else {
      WEFT_ASSIGN_OR_RETURN(unreadable, LeaveOutUnreadable(listed.files));
    }
  }
  DatasetInfo info = {
      .name = SplitName("wav:" + folder, split, LeftOutNote(listed.ignored, unreadable)),
      .size = static_cast<int64_t>(listed.train.size()),
      .class_names = listed.class_names,
      .dims = SoundDims(options)};
  info.preprocessing = {
      .channels = 1, .height = 1, .width = 1, .channel_order = "gray", .mean = {0}, .std = {1}};
  for (const int64_t n : info.dims) info.preprocessing.width *= n;
  const WavDataset train(info, listed.train, options);
  WEFT_RETURN_IF_ERROR(SetMeanAndDeviation(train, {}, info.preprocessing, kSampledSounds));
  info.size = static_cast<int64_t>(listed.files.size());
  return std::make_shared<WavDataset>(std::move(info), std::move(listed.files), options);
}

}  // namespace weft
