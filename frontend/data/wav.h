#ifndef WEFT_FRONTEND_DATA_WAV_H_
#define WEFT_FRONTEND_DATA_WAV_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/data/data_options.h"
#include "frontend/data/dataset.h"

namespace weft {

// One channel of sound, in [-1, 1].
struct Sound {
  int64_t sample_rate = 0;
  std::vector<float> samples = {};
};

// Decodes a WAV file (RIFF) of 8, 16, 24 or 32-bit integers or 32-bit floating point, plain or
// "extensible"; channels are averaged. Errors begin with `name`: another format, cut off before its
// samples begin, no sample, a sample that is no finite number. Samples that a cut file lacks are
// left out.
absl::StatusOr<Sound> DecodeWav(std::span<const std::byte> bytes, const std::string& name);

// Sound at another rate: band-limited interpolation by a sinc of 6 zero crossings in a Hann window,
// cut off at 0.99 of the lower rate's half (J. O. Smith, Digital Audio Resampling; torchaudio's
// functional.resample has the same default). At most the first `most` samples of it: a header may
// claim a rate that makes hours of a few bytes.
std::vector<float> Resampled(std::span<const float> samples, int64_t from, int64_t to,
                             int64_t most = int64_t{1} << 28);

// Sounds in a folder for each class, laid out as in ListClassFiles. What they become, by
// options.audio_features (options.clip_seconds long at options.sample_rate):
//   waveform [1,samples]
//   stft     [1,fft_size/2+1,frames]: log of the power of frames in a Hann window, one every
//   fft_hop
//            samples, as many as fit
//   log_mel  [1,mel_bands,frames]: the same over triangles on the mel scale (see MelFilters)
// Errors: those of ListClassFiles, options out of range; when reading, of DecodeWav.
absl::StatusOr<std::shared_ptr<const Dataset>> OpenWav(const std::string& folder, Split split,
                                                       const DataOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_WAV_H_
