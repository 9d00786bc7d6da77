#include "frontend/inspect/graph/receptive_field_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/probe.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr double kEffectiveShare = 1 - 0.9545;  // Luo et al. 2016, section 3.1
constexpr int64_t kLeastFieldPixels = 224;      // of the longer side of what is drawn
constexpr int64_t kMostFieldPixels = int64_t{1} << 24;
constexpr uint8_t kPaddingLevel = 200;
constexpr Rgb kFieldFrame = {213, 94, 0};

// Where the unit is, of maps [N,K,...]. Errors: one that is not there.
absl::StatusOr<Dims> FieldUnit(const std::string& layer, const Dims& maps,
                               const UnitFieldOptions& options) {
  const Dims extents(maps.begin() + std::min<ptrdiff_t>(2, std::ssize(maps)), maps.end());
  if (options.channel && (maps.size() < 2 || *options.channel < 0 || *options.channel >= maps[1])) {
    return absl::InvalidArgumentError(absl::StrCat(layer, ": expected a channel of ",
                                                   ToString(maps), ", got ", *options.channel));
  }
  if (!options.unit) {
    Dims middle;
    for (const int64_t extent : extents) middle.push_back(extent / 2);
    return middle;
  }
  bool is_there = options.unit->size() == extents.size();
  for (size_t i = 0; is_there && i < extents.size(); ++i) {
    is_there = (*options.unit)[i] >= 0 && (*options.unit)[i] < extents[i];
  }
  if (is_there) return *options.unit;
  return absl::InvalidArgumentError(absl::StrCat(layer, ": expected a unit within ",
                                                 ToString(extents), ", got ",
                                                 absl::StrJoin(*options.unit, ",")));
}

// What the unit sees along each axis of the input.
absl::StatusOr<std::vector<FieldInterval>> FieldBox(const Graph& graph, const Node& node,
                                                    const Dims& unit, const Dims& extent) {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(graph));
  WEFT_ASSIGN_OR_RETURN(const ReceptiveFields fields, ReceptiveFields::Create(graph, *input));
  WEFT_ASSIGN_OR_RETURN(const ReceptiveField field, fields.Of(node));
  auto box = FieldOfUnitAt(field, unit, extent);
  if (!box.ok()) return Annotate(box.status(), node.Describe());
  return box;
}

// 1 at the unit of each of `count` examples.
absl::StatusOr<Tensor> FieldCotangent(DType dtype, Dims dims, int64_t count, const Dims& unit,
                                      std::optional<int64_t> channel) {
  dims[0] = count;
  WEFT_ASSIGN_OR_RETURN(Tensor cotangent, Tensor::Zeros(DType::kF64, dims));
  const std::span<double> elements = cotangent.mutable_values<double>();
  int64_t place = 0, area = 1;
  for (size_t i = 2; i < dims.size(); ++i) {
    place = place * dims[i] + unit[i - 2];
    area *= dims[i];
  }
  const int64_t channels = dims.size() > 1 ? dims[1] : 1;
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t c = channel.value_or(0); c < (channel ? *channel + 1 : channels); ++c) {
      elements[static_cast<size_t>((n * channels + c) * area + place)] = 1;
    }
  }
  return cotangent.Converted(dtype);
}

// Adds up magnitudes over the axes before the map's.
void AddMagnitudes(const Tensor& gradient, std::span<double> sums) {
  for (int64_t i = 0; i < gradient.size(); ++i) {
    sums[static_cast<size_t>(i) % sums.size()] += std::abs(gradient.At(i));
  }
}

// `count` examples from `first` on.
absl::StatusOr<Tensor> FieldExamplesFrom(const Tensor& examples, int64_t first, int64_t count) {
  Dims dims = examples.dims();
  const auto bytes = examples.bytes() / static_cast<size_t>(dims[0]);
  dims[0] = count;
  WEFT_ASSIGN_OR_RETURN(Tensor part, Tensor::Zeros(examples.dtype(), dims));
  std::copy_n(examples.data() + static_cast<size_t>(first) * bytes,
              static_cast<size_t>(count) * bytes, part.mutable_data());
  return part;
}

absl::Status AddEffectiveField(Probe& probe, const Tensor& examples, const Dims& maps,
                               const UnitFieldOptions& options, UnitField& field) {
  const int64_t rows = field.extent.size() > 1 ? field.extent[0] : 1;
  std::vector<double> sums(static_cast<size_t>(rows * field.extent.back()));
  const int64_t count = examples.dims()[0];
  for (int64_t first = 0; first < count; first += options.batch_size) {
    const int64_t size = std::min(options.batch_size, count - first);
    WEFT_ASSIGN_OR_RETURN(const Tensor batch, FieldExamplesFrom(examples, first, size));
    WEFT_ASSIGN_OR_RETURN(const Tensor cotangent, FieldCotangent(probe.type().dtype, maps, size,
                                                                 field.unit, field.channel));
    WEFT_ASSIGN_OR_RETURN(const Probe::Result result, probe.Backward(batch, std::array{cotangent}));
    AddMagnitudes(result.gradients[0], sums);
  }
  WEFT_ASSIGN_OR_RETURN(field.effective, Tensor::Zeros(DType::kF32, {rows, field.extent.back()}));
  const std::span<float> effective = field.effective.mutable_values<float>();
  std::ranges::transform(sums, effective.begin(), [&](double sum) {
    return static_cast<float>(sum / static_cast<double>(count));
  });
  const double least = kEffectiveShare * std::ranges::max(effective);
  field.effective_pixels =
      std::ranges::count_if(effective, [&](float value) { return value > least; });
  return absl::OkStatus();
}

// A picture on a larger ground, in colors.
struct FieldCanvas {
  Picture picture;
  int64_t scale = 1;
  int64_t top = 0, left = 0;  // elements that the ground goes beyond the picture there

  void Put(int64_t y, int64_t x, const Rgb& color) {
    if (y < 0 || y >= picture.height || x < 0 || x >= picture.width) return;
    std::ranges::copy(color, &picture.pixels[static_cast<size_t>((y * picture.width + x) * 3)]);
  }
  // Draws a picture of three channels from its top left corner on.
  void Place(const Picture& from) {
    for (int64_t y = 0; y < from.height; ++y) {
      for (int64_t x = 0; x < from.width; ++x) {
        const uint8_t* pixel = &from.pixels[static_cast<size_t>((y * from.width + x) * 3)];
        Put(top * scale + y, left * scale + x, {pixel[0], pixel[1], pixel[2]});
      }
    }
  }
  // A frame of two pixels around elements, outside of them where there is room.
  void Frame(const FieldInterval& rows, const FieldInterval& columns) {
    const int64_t y0 = (rows.begin + top) * scale, y1 = (rows.end + top) * scale - 1;
    const int64_t x0 = (columns.begin + left) * scale, x1 = (columns.end + left) * scale - 1;
    for (int64_t width = 1; width <= 2; ++width) {
      for (int64_t x = x0 - width; x <= x1 + width; ++x) {
        Put(y0 - width, x, kFieldFrame);
        Put(y1 + width, x, kFieldFrame);
      }
      for (int64_t y = y0 - width; y <= y1 + width; ++y) {
        Put(y, x0 - width, kFieldFrame);
        Put(y, x1 + width, kFieldFrame);
      }
    }
  }
};

// Ground for a picture of `rows` x `columns` elements with all of the box, a step around it.
absl::StatusOr<FieldCanvas> CanvasFor(const FieldInterval& rows, const FieldInterval& columns,
                                      int64_t height, int64_t width, int64_t scale) {
  FieldCanvas canvas;
  canvas.top = std::max<int64_t>(0, -rows.begin) + 1;
  canvas.left = std::max<int64_t>(0, -columns.begin) + 1;
  const int64_t all_rows = canvas.top + std::max(height, rows.end) + 1;
  const int64_t all_columns = canvas.left + std::max(width, columns.end) + 1;
  const int64_t longer = std::max(all_rows, all_columns);
  // Frames need two pixels beside an element.
  canvas.scale =
      scale > 0 ? scale : std::max<int64_t>(2, (kLeastFieldPixels + longer - 1) / longer);
  if (all_rows > kMostFieldPixels / canvas.scale ||
      all_columns > kMostFieldPixels / canvas.scale / (all_rows * canvas.scale)) {
    return absl::InvalidArgumentError(
        absl::StrCat("receptive field: ", all_rows, "x", all_columns, " elements of ", canvas.scale,
                     " pixels are over the limit of ", kMostFieldPixels, " pixels"));
  }
  canvas.picture = {
      .height = all_rows * canvas.scale, .width = all_columns * canvas.scale, .channels = 3};
  canvas.picture.pixels.assign(
      static_cast<size_t>(canvas.picture.height * canvas.picture.width * 3), kPaddingLevel);
  return canvas;
}

}  // namespace

absl::StatusOr<UnitField> FieldOfUnit(const Model& model, const Tensor& examples,
                                      const UnitFieldOptions& options) {
  if (options.batch_size < 1) {
    return absl::InvalidArgumentError("receptive field: expected a batch size above 0");
  }
  if (examples.is_empty() || (examples.rank() != 3 && examples.rank() != 4) ||
      examples.size() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("receptive field: expected examples [N,C,H,W] or [N,C,L], got ",
                     examples.is_empty() ? "nothing" : ToString(examples.type())));
  }
  const Graph graph = WithoutLosses(model.graph);
  WEFT_ASSIGN_OR_RETURN(const Value value,
                        options.at.empty() ? ScoresOf(graph) : NamedValueOf(graph, options.at));
  const Node& node = *value.node;
  WEFT_ASSIGN_OR_RETURN(const auto probe,
                        Probe::Create(model, {.at = {options.at}, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(const Tensor one, FieldExamplesFrom(examples, 0, 1));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe->Values(one));
  const Dims& maps = values[0].dims();
  if (maps.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(node.name(), ": expected units [N,K,...], got ", ToString(values[0].type())));
  }
  UnitField field{.node = node.name(),
                  .channel = options.channel,
                  .extent = Dims(examples.dims().begin() + 2, examples.dims().end())};
  WEFT_ASSIGN_OR_RETURN(field.unit, FieldUnit(node.name(), maps, options));
  WEFT_ASSIGN_OR_RETURN(field.box, FieldBox(graph, node, field.unit, field.extent));
  WEFT_RETURN_IF_ERROR(AddEffectiveField(*probe, examples, maps, options, field));
  return field;
}

absl::StatusOr<Picture> FieldPicture(const UnitField& field, const Picture& picture,
                                     int64_t scale) {
  const int64_t height = field.effective.dims()[0], width = field.effective.dims()[1];
  if (picture.height != height || picture.width != width) {
    return absl::InvalidArgumentError(absl::StrCat("receptive field: expected a picture of ",
                                                   height, "x", width,
                                                   ", which the model sees, "
                                                   "got ",
                                                   picture.height, "x", picture.width));
  }
  const FieldInterval rows = field.box.size() > 1 ? field.box[0] : FieldInterval{0, 1};
  const FieldInterval columns = field.box.back();
  WEFT_ASSIGN_OR_RETURN(FieldCanvas canvas, CanvasFor(rows, columns, height, width, scale));
  const Picture shown = Enlarged(picture, canvas.scale);
  const std::array pair = {shown};
  WEFT_ASSIGN_OR_RETURN(const Picture overlay, OverlayPicture(shown, field.effective));
  FieldCanvas effective = canvas;
  canvas.Place(SideBySide(pair));  // in colors
  effective.Place(overlay);
  canvas.Frame(rows, columns);
  effective.Frame(rows, columns);
  return SideBySide(std::array{std::move(canvas.picture), std::move(effective.picture)});
}

std::string ToString(const UnitField& field) {
  std::string text = field.node;
  if (field.channel) absl::StrAppend(&text, ", channel ", *field.channel);
  if (!field.unit.empty()) absl::StrAppend(&text, ", unit ", absl::StrJoin(field.unit, ","));
  text += ": sees ";
  int64_t box = 1, inside = 1;
  for (size_t i = 0; i < field.box.size(); ++i) {
    const FieldInterval& b = field.box[i];
    absl::StrAppend(&text, i == 0 ? "" : " x ", b.begin, "..", b.end - 1);
    box *= b.size();
    inside *=
        std::max<int64_t>(0, std::min(b.end, field.extent[i]) - std::max<int64_t>(0, b.begin));
  }
  absl::StrAppend(&text, " of ", absl::StrJoin(field.extent, "x"));
  if (inside < box) {
    absl::StrAppendFormat(&text, ", %.1f %% of it padding",
                          100 * static_cast<double>(box - inside) / static_cast<double>(box));
  }
  absl::StrAppendFormat(&text, "\neffective receptive field: %d of %d elements, as %.1f squared\n",
                        field.effective_pixels, inside,
                        std::sqrt(static_cast<double>(field.effective_pixels)));
  return text;
}

}  // namespace weft
