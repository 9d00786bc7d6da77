// The readers of images and of masks: PNG, JPEG, BMP, PPM and PGM.
#include "frontend/io/image.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const weft::Preprocessing gray = {.channels = 1,
                                    .height = 8,
                                    .width = 8,
                                    .channel_order = "gray",
                                    .mean = {0.0f},
                                    .std = {1.0f}};
  (void)weft::DecodeImage(weft::AsBytes(data, size), "fuzz", gray,
                          {.resize = true, .max_pixels = 1 << 16});
  (void)weft::DecodeMask(weft::AsBytes(data, size), "fuzz", {.max_pixels = 1 << 16});
  // A JPEG at an eighth of its size.
  (void)weft::DecodePicture(weft::AsBytes(data, size), "fuzz",
                            {.max_pixels = 1 << 16, .min_height = 1, .min_width = 1});
  return 0;
}
