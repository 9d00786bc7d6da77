#ifndef WEFT_FRONTEND_INSPECT_UNITS_TOP_PATCHES_H_
#define WEFT_FRONTEND_INSPECT_UNITS_TOP_PATCHES_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/io/picture.h"
#include "frontend/io/resample.h"
#include "frontend/session/session.h"
#include "graph/model.h"

namespace weft {

// Where an example excites a unit most, and what the unit sees there.
struct Patch {
  int64_t example = 0;
  double activation = 0;
  int64_t row = 0, column = 0;  // the place in the layer's map; 0 of a layer without places
  // The receptive field in the example's pixels; part of it may lie outside, which is padding. Of a
  // layer without places: the whole picture.
  PictureRegion field = {};
  Picture picture = {};  // the field, gray where it is outside
};

struct UnitPatches {
  int64_t channel = 0;
  std::vector<Patch> patches = {};  // the highest activation first; of equals the first example
};

struct TopPatchOptions {
  int64_t count = 9;  // patches a unit
  int64_t batch_size = 64;
  SessionOptions session = {};
};

// The examples that excite units most (Zeiler and Fergus 2014), each at its best place, cut out to
// the receptive field: of each channel (or class) of the layer `at`, "" for the scores. One pass
// over the data; kept are `count` places a unit and one batch. Errors: options or channels out of
// range, a layer that is neither [N,C] nor [N,C,H,W], a receptive field that is not understood
// (ReceptiveFields), data that are no pictures, an activation that is not finite.
absl::StatusOr<std::vector<UnitPatches>> TopPatches(const Model& model,
                                                    const std::shared_ptr<const Dataset>& dataset,
                                                    const std::string& at,
                                                    std::span<const int64_t> channels,
                                                    const TopPatchOptions& options = {});

// A row for each unit, its patches with their activations.
absl::StatusOr<Picture> PatchSheet(std::span<const UnitPatches> units);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_TOP_PATCHES_H_
