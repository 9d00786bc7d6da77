#!/usr/bin/env python3
"""Makes the pictures of this folder: crops of photographs, and what Pillow 9.4.0 makes of them at
other sizes, called SOURCE-FILTER-HEIGHTxWIDTH.png. tests/frontend/resample_test.cc reads them.

  make.py FOLDER   FOLDER has test/CLASS/*.jpg, pictures of 32x32 (CIFAR-10 as JPEG)
"""

import glob
import os
import sys

from PIL import Image

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# Halves and thirds, odd ratios, one axis alone, up, both ways at once; 24 to 36 has middles of new
# pixels on the borders of old ones.
SIZES = {
    "rgb": [(16, 20), (11, 13), (32, 15), (9, 40), (41, 47), (7, 52), (1, 1)],
    "gray": [(9, 8), (13, 11), (54, 24), (27, 31), (40, 36), (80, 5), (2, 1)],
}


def mosaic(folder, classes):
  """Two by two pictures, so that a crop has edges and textures."""
  sheet = Image.new("RGB", (64, 64))
  for i, name in enumerate(classes):
    path = sorted(glob.glob(os.path.join(folder, "test", name, "*.jpg")))[0]
    sheet.paste(Image.open(path).convert("RGB"), (i % 2 * 32, i // 2 * 32))
  return sheet


def main(folder):
  out = os.path.dirname(os.path.abspath(__file__))
  sources = {
      "rgb": mosaic(folder, ["dog", "ship", "frog", "truck"]).crop((10, 14, 50, 46)),
      "gray": mosaic(folder, ["cat", "bird", "horse", "deer"]).convert("L").crop((17, 20, 41, 47)),
  }
  for name, source in sources.items():
    source.save(os.path.join(out, f"{name}.png"), optimize=True)
    for filter_name, resampling in FILTERS.items():
      for height, width in SIZES[name]:
        path = os.path.join(out, f"{name}-{filter_name}-{height}x{width}.png")
        source.resize((width, height), resampling).save(path, optimize=True)


main(sys.argv[1])
