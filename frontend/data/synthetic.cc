#include "frontend/data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "frontend/data/model_inputs.h"
#include "frontend/data/random.h"
#include "frontend/io/image.h"

namespace weft {
namespace {

using Labels = SyntheticOptions::Labels;

constexpr uint64_t kSeed = 1;
constexpr int64_t kMaxExamples = 1000000;
constexpr int64_t kMaxClasses = 1000000;
constexpr uint64_t kNoise = 10;  // one token in so many is drawn

// One wave for each class and channel: periods over the axes, drawn once for all.
struct Wave {
  std::vector<float> periods;
  float strength;
};

class Synthetic final : public Dataset {
 public:
  Synthetic(DatasetInfo info, const SyntheticOptions& options, Split split)
      : Dataset(std::move(info)),
        options_(options),
        purpose_(split == Split::kTrain ? RandomPurpose::kTrainPatterns
                                        : RandomPurpose::kTestPatterns) {}

 private:
  absl::Status ReadExample(int64_t index, std::span<float> example,
                           std::span<int64_t> labels) const override {
    RandomStream random(kSeed, purpose_, static_cast<uint64_t>(index));
    WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(options_.dims));
    const std::span<float> first = example.first(static_cast<size_t>(size));
    if (options_.labels == Labels::kNextToken) {
      DrawText(random, first, labels);
    } else {
      DrawWaves(index, random, first, labels);
    }
    for (float& x : example.subspan(first.size())) x = random.Uniform();
    return absl::OkStatus();
  }

  void DrawText(RandomStream& random, std::span<float> text, std::span<int64_t> next) const {
    const auto classes = static_cast<uint64_t>(options_.classes);
    uint64_t token = random.Below(classes);
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = static_cast<float>(token);
      token = random.Below(kNoise) == 0 ? random.Below(classes) : (5 * token + 3) % classes;
      if (i < next.size()) next[i] = static_cast<int64_t>(token);
    }
  }

  Wave WaveOf(int64_t label, int64_t channel) const {
    RandomStream random(kSeed, RandomPurpose::kPatterns,
                        static_cast<uint64_t>(label * options_.dims[0] + channel));
    Wave wave;
    for (size_t axis = 1; axis < options_.dims.size(); ++axis) {
      wave.periods.push_back(random.Uniform(-4.0f, 4.0f));
    }
    wave.strength = random.Uniform(0.1f, 0.3f);
    return wave;
  }

  // The box of the positions that have the example's class, begin and end along each axis.
  std::vector<std::pair<int64_t, int64_t>> DrawBox(RandomStream& random) const {
    std::vector<std::pair<int64_t, int64_t>> box;
    for (size_t axis = 1; axis < options_.dims.size(); ++axis) {
      const int64_t extent = options_.dims[axis];
      const int64_t length = (extent + 1) / 2;
      const auto begin =
          static_cast<int64_t>(random.Below(static_cast<uint64_t>(extent - length + 1)));
      box.emplace_back(begin, begin + length);
    }
    return box;
  }

  void DrawWaves(int64_t index, RandomStream& random, std::span<float> image,
                 std::span<int64_t> labels) const {
    const bool positions = options_.labels == Labels::kPositions;
    const int64_t label = index % options_.classes;
    const auto box = DrawBox(random);
    const float phase = random.Uniform();
    const size_t space = image.size() / static_cast<size_t>(options_.dims[0]);
    std::vector<int64_t> position(options_.dims.size() - 1);
    for (int64_t channel = 0; channel < options_.dims[0]; ++channel) {
      const Wave waves[2] = {WaveOf(0, channel), WaveOf(label, channel)};
      for (size_t i = 0; i < space; ++i) {
        const bool inside = PositionOf(i, box, position);
        const Wave& wave = waves[positions && !inside ? 0 : 1];
        float turns = phase;
        for (size_t axis = 0; axis < position.size(); ++axis) {
          turns += wave.periods[axis] * static_cast<float>(position[axis]) /
                   static_cast<float>(options_.dims[axis + 1]);
        }
        const float value = 0.5f + wave.strength * std::sin(2 * std::numbers::pi_v<float> * turns) +
                            random.Uniform(-0.1f, 0.1f);
        image[static_cast<size_t>(channel) * space + i] = std::clamp(value, 0.0f, 1.0f);
        if (positions) labels[i] = inside ? label : 0;
      }
    }
    if (!positions) labels[0] = label;
  }

  // The coordinates of element i of a channel; true inside the box.
  bool PositionOf(size_t i, const std::vector<std::pair<int64_t, int64_t>>& box,
                  std::vector<int64_t>& position) const {
    auto rest = static_cast<int64_t>(i);
    bool inside = true;
    for (size_t axis = position.size(); axis-- > 0;) {
      position[axis] = rest % options_.dims[axis + 1];
      rest /= options_.dims[axis + 1];
      inside &= position[axis] >= box[axis].first && position[axis] < box[axis].second;
    }
    return inside;
  }

  const SyntheticOptions options_;
  const RandomPurpose purpose_;
};

absl::Status CheckOptions(const SyntheticOptions& o) {
  if (o.size < 1 || o.size > kMaxExamples) {
    return absl::InvalidArgumentError(
        absl::StrCat("synthetic: expected 1 to ", kMaxExamples, " examples, got ", o.size));
  }
  if (o.classes < 1 || o.classes > kMaxClasses) {
    return absl::InvalidArgumentError(
        absl::StrCat("synthetic: expected 1 to ", kMaxClasses, " classes, got ", o.classes));
  }
  const bool text = o.labels == Labels::kNextToken;
  const bool positive = std::all_of(o.dims.begin(), o.dims.end(), [](int64_t n) { return n > 0; });
  if ((text ? o.dims.size() != 1 : o.dims.empty()) || !positive) {
    return absl::InvalidArgumentError(absl::StrCat("synthetic: expected the dims of ",
                                                   text ? "a text [T]" : "an example [C,...]",
                                                   ", got ", ToString(o.dims)));
  }
  return Annotate(CountElements(o.dims).status(), "synthetic");
}

bool IsImage(const Dims& dims) { return dims.size() == 3 && (dims[0] == 1 || dims[0] == 3); }

// What makes values around 0.5 into values around 0. Examples that are no images are one row.
Preprocessing PreprocessingFor(const Dims& dims) {
  int64_t elements = 1;
  for (const int64_t n : dims) elements *= n;
  Preprocessing p;
  p.height = 1;
  p.width = elements;
  if (IsImage(dims)) {
    p.channels = dims[0];
    p.height = dims[1];
    p.width = dims[2];
    if (p.channels == 3) p.channel_order = "rgb";
  }
  p.mean.resize(static_cast<size_t>(p.channels), 0.5f);
  p.std.resize(static_cast<size_t>(p.channels), 0.25f);
  return p;
}

// The number of classes: the axis of the scores that has one entry a class.
int64_t ClassesOf(const Graph& graph, Labels labels) {
  constexpr int64_t kDefault = 10;
  for (const NamedValue& output : graph.outputs()) {
    const Shape& shape = output.value.type().shape;
    if (shape.size() < 2 || !kFloatTypes.contains(output.value.type().dtype)) continue;
    const Dim& classes = labels == Labels::kNextToken ? shape.back() : shape[1];
    return classes.is_static() ? classes.coefficient() : kDefault;
  }
  return kDefault;
}

// What an input has of one example.
absl::StatusOr<Dims> ExampleDims(const Node& input) {
  const TensorType& type = input.type();
  if (type.rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("synthetic: expected inputs [N,...], ", input.name(), " is ", ToString(type)));
  }
  auto dims = StaticDims(Shape(type.shape.begin() + 1, type.shape.end()));
  return dims.ok() ? dims : Annotate(dims.status(), "synthetic: input " + input.name());
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Dataset>> MakeSynthetic(Split split,
                                                             const SyntheticOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckOptions(options));
  DatasetInfo info;
  info.name = split == Split::kTrain ? "synthetic (train)" : "synthetic (test)";
  info.size = options.size;
  info.preprocessing = PreprocessingFor(options.dims);
  if (!IsImage(options.dims)) info.dims = options.dims;
  if (!options.others.empty()) {
    info.parts = options.others;
    info.parts.insert(info.parts.begin(), {.name = options.name, .dims = std::move(info.dims)});
    info.dims = {};
  }
  info.tokens = options.labels == Labels::kNextToken;
  if (options.labels == Labels::kNextToken) info.label_dims = options.dims;
  if (options.labels == Labels::kPositions) {
    info.label_dims.assign(options.dims.begin() + 1, options.dims.end());
  }
  for (int64_t c = 0; c < options.classes; ++c) info.class_names.push_back(absl::StrCat(c));
  return std::make_shared<Synthetic>(std::move(info), options, split);
}

absl::StatusOr<SyntheticOptions> SyntheticFor(const Model& model) {
  const std::vector<const Node*> inputs = InputsForExamples(model.graph);
  if (inputs.empty()) {
    return absl::InvalidArgumentError(
        "synthetic: expected a model with an input [N,...], it has none");
  }
  SyntheticOptions options = {.name = inputs[0]->name()};
  WEFT_ASSIGN_OR_RETURN(options.dims, ExampleDims(*inputs[0]));
  for (size_t i = 1; i < inputs.size(); ++i) {
    ExamplePart& other = options.others.emplace_back();
    other.name = inputs[i]->name();
    WEFT_ASSIGN_OR_RETURN(other.dims, ExampleDims(*inputs[i]));
  }
  const Node* labels = model.graph.Find(kLabelsInput);
  if (kIndexTypes.contains(inputs[0]->type().dtype)) {
    options.labels = Labels::kNextToken;
  } else if (labels != nullptr && labels->op_name() == kInput && labels->type().rank() > 1) {
    options.labels = Labels::kPositions;
  }
  const bool unsupervised = labels == nullptr && !model.graph.losses().empty();
  if (!unsupervised) options.classes = ClassesOf(model.graph, options.labels);
  return options;
}

}  // namespace weft
