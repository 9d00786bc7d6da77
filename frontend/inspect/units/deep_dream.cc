#include "frontend/inspect/units/deep_dream.h"

#include <array>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "frontend/inspect/planes.h"
#include "frontend/inspect/units/model_of_size.h"
#include "frontend/inspect/units/picture_losses.h"

namespace weft {
namespace {

constexpr int64_t kMostOctaves = 32;
constexpr double kMostOctaveScale = 16;

// [N,1] of a layer's maps.
Value DreamOf(Emitter& e, Value maps, const DeepDreamOptions& o) {
  const TensorType& type = maps.type();
  if (type.rank() != 4) {
    return e.Fail(absl::InvalidArgumentError(absl::StrCat(
        maps.ToString(), ": expected a layer with maps [N,C,H,W], got ", ToString(type))));
  }
  if (!o.channel) return e.Op("Mul", {MeanSquare(e, maps), e.Scalar(0.5, type.dtype)});
  const Dim& channels = type.dim(1);
  if (*o.channel < 0 || (channels.is_static() && *o.channel >= channels.coefficient())) {
    return e.Fail(absl::InvalidArgumentError(absl::StrCat(
        maps.ToString(), ": expected a channel of ", ToString(type), ", got ", *o.channel)));
  }
  const Value one =
      e.Op("Slice", {maps, e.Ints({*o.channel}), e.Ints({*o.channel + 1}), e.Ints({1})});
  return e.Op("ReduceMean", {one}, {{"axes", std::vector<int64_t>{2, 3}}, {"keepdims", 0}});
}

absl::StatusOr<std::shared_ptr<Probe>> DreamProbe(const Model& model, int64_t height, int64_t width,
                                                  const DeepDreamOptions& o) {
  WEFT_ASSIGN_OR_RETURN(const Model sized, ModelOfSize(model, std::array{o.at}, height, width));
  const auto objective = [&](Emitter& e, std::span<const Value> values) {
    return std::vector<Value>{DreamOf(e, values[0], o)};
  };
  WEFT_ASSIGN_OR_RETURN(
      std::unique_ptr<Probe> probe,
      Probe::Create(sized, {.at = {o.at}, .objectives = objective, .session = o.ascent.session}));
  return std::shared_ptr<Probe>(std::move(probe));
}

absl::StatusOr<double> DreamValue(Probe& probe, const Tensor& x) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe.Values(x));
  return values[0].At(0);
}

absl::StatusOr<Tensor> SumOfPlanes(const Tensor& a, const Tensor& b, float sign) {
  Tensor sum = a;
  const std::span<float> to = sum.mutable_values<float>();
  const std::span<const float> from = b.values<float>();
  if (to.size() != from.size()) return absl::InternalError("deepdream: octaves of two sizes");
  for (size_t i = 0; i < to.size(); ++i) to[i] += sign * from[i];
  return sum;
}

absl::Status CheckDream(const DeepDreamOptions& o) {
  if (o.octaves < 1 || o.octaves > kMostOctaves) {
    return absl::InvalidArgumentError(
        absl::StrCat("octaves: expected 1 to ", kMostOctaves, ", got ", o.octaves));
  }
  if (!(o.octave_scale > 1) || o.octave_scale > kMostOctaveScale) {
    return absl::InvalidArgumentError(absl::StrCat("octave scale: expected above 1 and at most ",
                                                   kMostOctaveScale, ", got ", o.octave_scale));
  }
  if (o.ascent.parameters != PictureParameters::kPixels) {
    return absl::InvalidArgumentError("deepdream: expected pixels as parameters");
  }
  return CheckAscent(o.ascent);
}

int64_t OctaveSide(int64_t side, double shrink) {
  return std::max<int64_t>(1, std::lround(static_cast<double>(side) / shrink));
}

// One octave of the picture `whole`, begun with what the last one has added.
struct Octave {
  std::shared_ptr<Probe> probe;
  Tensor x = {};
  Tensor detail = {};  // x less the picture
};

absl::StatusOr<Octave> DreamOctave(const Model& model, const Preprocessing& form,
                                   const Tensor& whole, Tensor detail,
                                   const DeepDreamOptions& options) {
  Octave octave;
  WEFT_ASSIGN_OR_RETURN(octave.probe, DreamProbe(model, form.height, form.width, options));
  WEFT_ASSIGN_OR_RETURN(const Tensor base, ResizedPlanes(whole, form.height, form.width));
  Tensor start = base;
  if (!detail.is_empty()) {
    WEFT_ASSIGN_OR_RETURN(detail, ResizedPlanes(detail, form.height, form.width));
    WEFT_ASSIGN_OR_RETURN(start, SumOfPlanes(base, detail, 1));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor one, Tensor::FromValues<float>({1, 1}, std::array{1.0f}));
  WEFT_ASSIGN_OR_RETURN(
      Ascent ascent, AscendFrom(start, WeightedObjective(octave.probe, one), form, options.ascent));
  octave.x = std::move(ascent.x);
  WEFT_ASSIGN_OR_RETURN(octave.detail, SumOfPlanes(octave.x, base, -1));
  return octave;
}

}  // namespace

absl::StatusOr<DeepDreamResult> DeepDream(const Model& model, const Picture& picture,
                                          const DeepDreamOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckDream(options));
  WEFT_ASSIGN_OR_RETURN(const Preprocessing form, PictureFormOf(model));
  WEFT_ASSIGN_OR_RETURN(const Tensor whole, InputOfPicture(picture, form));
  Octave octave;
  for (int64_t i = options.octaves - 1; i >= 0; --i) {
    const double shrink = std::pow(options.octave_scale, static_cast<double>(i));
    const Preprocessing sized =
        WithSize(form, OctaveSide(picture.height, shrink), OctaveSide(picture.width, shrink));
    WEFT_ASSIGN_OR_RETURN(octave,
                          DreamOctave(model, sized, whole, std::move(octave.detail), options));
  }
  DeepDreamResult result{.x = octave.x};
  WEFT_ASSIGN_OR_RETURN(result.before, DreamValue(*octave.probe, whole));
  WEFT_ASSIGN_OR_RETURN(result.after, DreamValue(*octave.probe, octave.x));
  WEFT_ASSIGN_OR_RETURN(result.picture, PictureAt(result.x, 0, form));
  return result;
}

}  // namespace weft
