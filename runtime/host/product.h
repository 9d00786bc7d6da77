#ifndef WEFT_RUNTIME_HOST_PRODUCT_H_
#define WEFT_RUNTIME_HOST_PRODUCT_H_

#include <cstdint>

// How the factors of our matrix products lie: of rows (tiles, pixels) x channels, `v`, in panels of
// as many rows as one product takes, each of them [chunk of channels][row][channel]; of channels x
// filters, `u`, in blocks of filters, each of them [channel][filter], the last one padded with
// zeros. The products are in simd/product-inl.h.

namespace weft {

inline constexpr int64_t kFilterBlock = 32;
inline constexpr int64_t kChannelChunk = 16;  // channels of a row that lie side by side in v

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_PRODUCT_H_
