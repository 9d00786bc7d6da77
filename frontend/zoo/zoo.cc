#include "frontend/zoo/zoo.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "frontend/io/names.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

std::vector<ZooEntry> AllNetworks() {
  std::vector<ZooEntry> all;
#define WEFT_ZOO_APPEND(NAME) \
  for (ZooEntry & entry : NAME()) all.push_back(std::move(entry));
  WEFT_ZOO_FAMILIES(WEFT_ZOO_APPEND)
#undef WEFT_ZOO_APPEND
  return all;
}

// How many of the last axes of an example may have any extent: all but an image's channels.
size_t SpaceOf(const ZooEntry& entry) {
  return entry.input.size() == 1 ? 1 : entry.input.size() - 1;
}

absl::Status CheckOptions(const ZooEntry& entry, const ZooOptions& o) {
  if (!(o.width > 0 && o.width <= 64)) {
    return absl::InvalidArgumentError(absl::StrCat("expected a width in (0,64], got ", o.width));
  }
  if (entry.classes == 0 && o.classes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected no number of classes, which it has not, got ", o.classes));
  }
  if (entry.classes != 0 && (o.classes < 1 || o.classes > 1000000)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 1 to 1,000,000 classes, got ", o.classes));
  }
  const bool positive =
      std::all_of(o.input.begin(), o.input.end(), [](int64_t n) { return n > 0; });
  if (o.input.size() != entry.input.size() || !positive) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input such as ", SizeText(entry.input), ", got ",
                     o.input.empty() ? "nothing" : SizeText(o.input)));
  }
  for (size_t i = o.input.size() - SpaceOf(entry); i < o.input.size(); ++i) {
    if (o.input[i] % entry.input_multiple == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected an input with multiples of ", entry.input_multiple, ", such as ",
                     SizeText(entry.input), ", got ", SizeText(o.input)));
  }
  return absl::OkStatus();
}

// `options` with what they leave open.
ZooOptions Complete(const ZooEntry& entry, ZooOptions options) {
  if (options.input.empty()) options.input = entry.input;
  if (options.classes == 0) options.classes = entry.classes;
  return options;
}

absl::StatusOr<Model> Build(const ZooEntry& entry, const ZooOptions& o) {
  Builder b({.seed = o.seed, .dtype = o.dtype, .draw = o.draw});
  std::vector<Axis> shape = {"N"};
  for (const int64_t n : o.input) shape.emplace_back(n);
  const DType dtype = entry.input_dtype == DType::kF32 ? o.dtype : entry.input_dtype;
  const Value x = b.Input("x", shape, {.dtype = dtype});
  if (const Value scores = entry.layers(b, x, o)) b.Output("logits", scores);
  return b.Build();
}

bool Builds(const ZooEntry& entry, ZooOptions options, size_t axis, int64_t extent) {
  options.input[axis] = extent;
  options.draw = false;
  return Build(entry, options).ok();
}

// The least extents with which the network builds, each found with the network's own on the other
// axes; nothing where its own do not, or where those that were asked for are not too small.
std::string LeastInput(const ZooEntry& entry, ZooOptions options) {
  const Dims asked = std::exchange(options.input, entry.input);
  Dims least = asked;
  for (size_t i = asked.size() - SpaceOf(entry); i < asked.size(); ++i) {
    int64_t low = 0, high = entry.input[i] / entry.input_multiple;
    if (!Builds(entry, options, i, entry.input[i])) return "";
    while (high - low > 1) {
      const int64_t middle = low + (high - low) / 2;
      (Builds(entry, options, i, middle * entry.input_multiple) ? high : low) = middle;
    }
    least[i] = high * entry.input_multiple;
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] < least[i]) return SizeText(least);
  }
  return "";
}

// What a data set's images become, where that is known.
std::optional<Preprocessing> PreprocessingOf(const ZooEntry& entry, const Dims& input) {
  if (input.size() != 3 || (input[0] != 1 && input[0] != 3)) return std::nullopt;
  const auto channels = static_cast<size_t>(input[0]);
  auto [mean, std] = entry.pixels;
  if (mean.size() == 1) {
    mean.resize(channels, mean[0]);
    std.resize(channels, std[0]);
  }
  if (mean.size() != channels) return std::nullopt;
  return Preprocessing{.channels = input[0],
                       .height = input[1],
                       .width = input[2],
                       .channel_order = channels == 3 ? "rgb" : "gray",
                       .mean = std::move(mean),
                       .std = std::move(std)};
}

}  // namespace

Normalization ImageNetPixels() { return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}}; }

Normalization InceptionPixels() { return {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}}; }

FitOptions ZooFit(double learning_rate) {
  return {.epochs = 10, .batch_size = 32, .learning_rate = learning_rate, .schedule = {"cosine"}};
}

std::string SizeText(const Dims& dims) {
  std::string text;
  for (const int64_t n : dims) absl::StrAppend(&text, text.empty() ? "" : "x", n);
  return text;
}

int64_t ZooOptions::Wide(int64_t channels, int64_t divisor) const {
  if (width == 1) return channels;
  const double exact = static_cast<double>(channels) * width;
  const auto half = static_cast<double>(divisor) / 2;
  int64_t wide = std::max(divisor, static_cast<int64_t>(exact + half) / divisor * divisor);
  if (static_cast<double>(wide) < 0.9 * exact) wide += divisor;
  return wide;
}

std::span<const ZooEntry> Zoo() {
  static const auto& all = *new std::vector<ZooEntry>(AllNetworks());
  return all;
}

absl::StatusOr<const ZooEntry*> FindNetwork(std::string_view name) {
  std::vector<std::string_view> names;
  std::vector<std::string> meant;  // those that begin so, or else the nearest
  for (const ZooEntry& entry : Zoo()) {
    if (entry.name == name) return &entry;
    names.push_back(entry.name);
    if (!name.empty() && entry.name.starts_with(name)) meant.push_back(entry.name);
  }
  if (meant.empty()) meant.emplace_back(NearestName(name, names));
  const std::string nearest = absl::StrJoin(meant, ", ");
  return absl::NotFoundError(
      absl::StrCat("unknown model ", Absl(name),
                   nearest.empty() ? std::string() : absl::StrCat(", did you mean ", nearest, "?"),
                   " (`weft zoo` lists all ", names.size(), ")"));
}

absl::StatusOr<Model> BuildNetwork(const ZooEntry& entry, const ZooOptions& options) {
  const ZooOptions complete = Complete(entry, options);
  WEFT_RETURN_IF_ERROR(Annotate(CheckOptions(entry, complete), entry.name));
  auto model = Build(entry, complete);
  if (!model.ok()) {
    const std::string least = LeastInput(entry, complete);
    const std::string fits =
        least.empty() ? "" : absl::StrCat("; the least input that fits is ", least);
    return Annotate(absl::Status(model.status().code(),
                                 absl::StrCat(std::string(model.status().message()), fits)),
                    entry.name);
  }
  model->preprocessing = PreprocessingOf(entry, complete.input);
  model->metadata["name"] = entry.name;
  return model;
}

}  // namespace weft
