// The reader of WAV files, and the change of their rate.
#include "frontend/data/wav.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto sound = weft::DecodeWav(weft::AsBytes(data, size), "fuzz");
  if (sound.ok()) (void)weft::Resampled(sound->samples, sound->sample_rate, 8000, 1000);
  return 0;
}
