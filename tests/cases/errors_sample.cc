#include "tests/cases/errors.h"
#include "tests/cases/table.h"

namespace weft {

std::vector<OpError> SampleErrors() {
  const CaseInput x = Uniform({2, 3, 4, 5}), grid = Uniform({2, 3, 3, 2});
  const CaseInput rois = Values({1, 4}, {0, 0, 2, 2});
  const auto images = [](double image) { return Values({1}, {image}, DType::kI64); };
  return {
      {"Det", "rank", {}, {Uniform({3})}, {"square", "f32[3]"}},
      {"Det", "square", {}, {Uniform({2, 3})}, {"square", "f32[2,3]"}},
      {"Unique", "axis", {{"axis", 2}}, {Uniform({2, 3})}, {"axis", "2"}},
      {"GridSample", "mode", {{"mode", "bilinear"}}, {x, grid}, {"linear", "bilinear"}},
      {"GridSample", "padding", {{"padding_mode", "wrap"}}, {x, grid}, {"border", "wrap"}},
      {"GridSample", "rank", {}, {x, Uniform({2, 3, 2})}, {"same rank", "[2,3,2]"}},
      {"GridSample", "axes", {}, {x, Uniform({2, 3, 3, 3})}, {"number of", "[2,3,3,3]"}},
      {"GridSample", "plain", {}, {Uniform({2, 3}), Uniform({2, 0})}, {"1 to 3", "[2,3]"}},
      {"GridSample", "batch", {}, {x, Uniform({3, 3, 3, 2})}, {"each image", "[3,3,3,2]"}},
      {"GridSampleGradInput", "dy", {}, {x, grid, x}, {"dY [2,3,3,3]", "[2,3,4,5]"}},
      {"GridSampleGradGrid", "dy", {}, {x, x, grid}, {"dY [2,3,3,3]", "[2,3,4,5]"}},
      {"NonMaxSuppression",
       "boxes",
       {},
       {Values({1, 5}, {0, 0, 1, 1, 1}, DType::kF32), Values({1, 1, 1}, {1}, DType::kF32)},
       {"[N,boxes,4]", "[1,5]"}},
      {"NonMaxSuppression",
       "scores",
       {},
       {Values({1, 1, 4}, {0, 0, 1, 1}, DType::kF32), Values({1, 1, 2}, {1, 1}, DType::kF32)},
       {"[N,classes,boxes]", "[1,1,2]"}},
      {"NonMaxSuppression",
       "limit",
       {},
       {Values({1, 1, 4}, {0, 0, 1, 1}, DType::kF32), Values({1, 1, 1}, {1}, DType::kF32),
        ConstantInts({1, 2})},
       {"scalar as input 2", "i64[2]"}},
      {"RoiAlign", "bins", {{"output_height", 0}}, {x, rois, images(0)}, {"1 to", "got 0"}},
      {"RoiAlign", "ratio", {{"sampling_ratio", -1}}, {x, rois, images(0)}, {"0 to", "got -1"}},
      {"RoiAlign", "scale", {{"spatial_scale", -1.0}}, {x, rois, images(0)}, {"scale", "-1"}},
      {"RoiAlign",
       "coordinates",
       {{"coordinate_transformation_mode", "asymmetric"}},
       {x, rois, images(0)},
       {"half_pixel", "asymmetric"}},
      {"RoiAlign", "rois", {}, {x, Uniform({1, 5}), images(0)}, {"[R,4]", "[1,5]"}},
      {"RoiAlign", "count", {}, {x, Uniform({2, 4}), images(0)}, {"[R,4]", "[2,4]"}},
      Row("RoiAlign", "image", {}, {x, rois, images(2)}, {"[0,2)", "got 2"}, true),
      Row("RoiAlign", "negative", {}, {x, rois, images(-1)}, {"[0,2)", "got -1"}, true),
      Row("RoiAlign", "huge", {}, {x, Values({1, 4}, {0, 0, 1e30, 2}), images(0)}, {"at most"},
          true),
      {"RoiAlignGrad", "dy", {}, {x, rois, images(0), x}, {"dY [1,3,1,1]", "[2,3,4,5]"}},
  };
}

}  // namespace weft
