#ifndef WEFT_FRONTEND_DATA_SPECTRUM_H_
#define WEFT_FRONTEND_DATA_SPECTRUM_H_

#include <cstdint>
#include <span>
#include <vector>

namespace weft {

// The power |X[k]|^2 of the first size/2+1 frequencies of each frame x[n] w[n], where w is the
// periodic Hann window 1/2 - 1/2 cos(2 pi n / size), and frames begin every `hop` samples as long
// as they fit: [size/2+1, frames]. `size` is a power of two, at most samples.size().
std::vector<float> PowerSpectrum(std::span<const float> samples, int64_t size, int64_t hop);

// Triangles that meet at frequencies evenly spread on the mel scale, 2595 log10(1 + f / 700)
// (O'Shaughnessy, Speech Communication, 1987), from 0 to half the rate; each has height 1:
// [bands, size/2+1].
std::vector<float> MelFilters(int64_t bands, int64_t size, int64_t sample_rate);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_SPECTRUM_H_
