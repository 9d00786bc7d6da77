#include "frontend/inspect/units/style_transfer.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "frontend/inspect/op_kind.h"
#include "frontend/inspect/planes.h"
#include "frontend/inspect/units/model_of_size.h"
#include "frontend/inspect/units/picture_losses.h"
#include "frontend/session/session.h"
#include "graph/bind.h"

namespace weft {
namespace {

constexpr size_t kMostStyleLayers = 5;

// What is read of a picture: activations of the content layers, Gram matrices of the style layers.
Objectives FeaturesOf(const std::vector<StyleTerm>& terms) {
  return [&terms](Emitter& e, std::span<const Value> values) {
    std::vector<Value> features;
    for (size_t i = 0; i < terms.size(); ++i) {
      features.push_back(terms[i].is_style ? GramMatrix(e, values[i]) : values[i]);
    }
    return features;
  };
}

std::vector<std::string> LayersOf(const std::vector<StyleTerm>& terms) {
  std::vector<std::string> layers;
  for (const StyleTerm& term : terms) layers.push_back(term.layer);
  return layers;
}

// A picture's features, of every term.
absl::StatusOr<std::vector<Tensor>> StyleFeatures(const Model& model, const Picture& picture,
                                                  const Preprocessing& form,
                                                  const std::vector<StyleTerm>& terms,
                                                  const SessionOptions& session) {
  const std::vector<std::string> layers = LayersOf(terms);
  WEFT_ASSIGN_OR_RETURN(const Model sized,
                        ModelOfSize(model, layers, picture.height, picture.width));
  WEFT_ASSIGN_OR_RETURN(const auto probe, Probe::Create(sized, {.at = layers,
                                                                .towards = {},
                                                                .objectives = FeaturesOf(terms),
                                                                .session = session}));
  WEFT_ASSIGN_OR_RETURN(const Tensor x, InputOfPicture(picture, form));
  return probe->Values(x);
}

// A probe of the distances [N,K] from targets, one a term.
absl::StatusOr<std::shared_ptr<Probe>> StyleProbe(const Model& model, const Preprocessing& form,
                                                  const std::vector<StyleTerm>& terms,
                                                  const std::vector<Tensor>& targets,
                                                  const SessionOptions& session) {
  const std::vector<std::string> layers = LayersOf(terms);
  WEFT_ASSIGN_OR_RETURN(const Model sized, ModelOfSize(model, layers, form.height, form.width));
  const auto distances = [&](Emitter& e, std::span<const Value> values) {
    std::vector<Value> features = FeaturesOf(terms)(e, values);
    for (size_t i = 0; i < features.size(); ++i) {
      features[i] = RelativeDistance(e, features[i], targets[i]);
    }
    return std::vector<Value>{JoinTerms(e, std::move(features))};
  };
  WEFT_ASSIGN_OR_RETURN(
      std::unique_ptr<Probe> probe,
      Probe::Create(sized, {.at = layers, .objectives = distances, .session = session}));
  return std::shared_ptr<Probe>(std::move(probe));
}

absl::Status CheckStyle(const StyleOptions& o) {
  const bool fits = o.content_weight >= 0 && o.style_weight >= 0 &&
                    o.content_weight + o.style_weight > 0 &&
                    std::isfinite(o.content_weight + o.style_weight);
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("style: expected weights of 0 or more, one above 0, got ", o.content_weight,
                     " of content and ", o.style_weight, " of style"));
  }
  return CheckAscent(o.ascent);
}

// Terms of weight 0 are none: their layers need not be there, nor be anything but zeros.
absl::StatusOr<std::vector<StyleTerm>> TermsOf(const Model& model, const StyleOptions& o) {
  std::vector<std::string> content = o.content_layers, style = o.style_layers;
  if (content.empty() || style.empty()) {
    WEFT_ASSIGN_OR_RETURN(const StyleLayers usual, DefaultStyleLayers(model));
    if (content.empty()) content = {usual.content};
    if (style.empty()) style = usual.style;
  }
  std::vector<StyleTerm> terms;
  if (o.content_weight > 0) {
    for (const std::string& layer : content) terms.push_back({.layer = layer});
  }
  if (o.style_weight > 0) {
    for (const std::string& layer : style) terms.push_back({.layer = layer, .is_style = true});
  }
  return terms;
}

// Minus each term's weight, [1,K].
absl::StatusOr<Tensor> StyleWeights(const std::vector<StyleTerm>& terms, const StyleOptions& o) {
  const auto styles = std::ranges::count(terms, true, &StyleTerm::is_style);
  const auto contents = static_cast<std::ptrdiff_t>(terms.size()) - styles;
  std::vector<float> weights;
  for (const StyleTerm& term : terms) {
    const double all = term.is_style ? o.style_weight : o.content_weight;
    const std::ptrdiff_t among = term.is_style ? styles : contents;
    weights.push_back(static_cast<float>(-all / static_cast<double>(among)));
  }
  return Tensor::FromValues<float>({1, static_cast<int64_t>(weights.size())}, weights);
}

}  // namespace

absl::StatusOr<StyleLayers> DefaultStyleLayers(const Model& model) {
  WEFT_ASSIGN_OR_RETURN(const Preprocessing form, PictureFormOf(model));
  const Graph graph = WithoutLosses(model.graph);
  struct Last {
    std::vector<Dim> extents;
    std::string layer;
  };
  std::vector<Last> sizes;
  for (const Node& node : graph.nodes()) {
    const TensorType& type = node.type();
    const bool has_maps = type.rank() == 4 && type.dim(2) != Dim(1) && type.dim(3) != Dim(1);
    if (!has_maps || !IsActivation(node)) continue;
    const std::vector<Dim> extents = {type.dim(2), type.dim(3)};
    auto size = std::ranges::find(sizes, extents, &Last::extents);
    if (size == sizes.end()) size = sizes.insert(size, {extents, {}});
    size->layer = node.name();
  }
  if (sizes.empty()) {
    return absl::NotFoundError(
        "style: expected activations with maps [N,C,H,W] in the model; name the layers");
  }
  StyleLayers layers;
  for (size_t i = 0; i < std::min(sizes.size(), kMostStyleLayers); ++i) {
    layers.style.push_back(sizes[i].layer);
  }
  layers.content = layers.style[layers.style.size() > 1 ? layers.style.size() - 2 : 0];
  return layers;
}

absl::StatusOr<StyleResult> TransferStyle(const Model& model, const Picture& content,
                                          const Picture& style, const StyleOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckStyle(options));
  WEFT_ASSIGN_OR_RETURN(const Preprocessing any, PictureFormOf(model));
  const Preprocessing form = WithSize(any, content.height, content.width);
  StyleResult result;
  WEFT_ASSIGN_OR_RETURN(result.terms, TermsOf(model, options));
  const SessionOptions& session = options.ascent.session;
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> targets,
                        StyleFeatures(model, content, any, result.terms, session));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> of_style,
                        StyleFeatures(model, style, any, result.terms, session));
  for (size_t i = 0; i < targets.size(); ++i) {
    if (result.terms[i].is_style) targets[i] = of_style[i];
  }
  WEFT_ASSIGN_OR_RETURN(const auto probe, StyleProbe(model, form, result.terms, targets, session));
  WEFT_ASSIGN_OR_RETURN(const Tensor weights, StyleWeights(result.terms, options));
  WEFT_ASSIGN_OR_RETURN(const Tensor x, InputOfPicture(content, form));
  const PictureObjective objective = WeightedObjective(probe, weights);
  WEFT_ASSIGN_OR_RETURN(const Ascent ascent,
                        options.from_noise ? AscendFromNoise(objective, form, 1, options.ascent)
                                           : AscendFrom(x, objective, form, options.ascent));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> before, probe->Values(x));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> after, probe->Values(ascent.x));
  for (size_t i = 0; i < result.terms.size(); ++i) {
    result.terms[i].before = before[0].At(static_cast<int64_t>(i));
    result.terms[i].after = after[0].At(static_cast<int64_t>(i));
  }
  result.x = ascent.x;
  WEFT_ASSIGN_OR_RETURN(result.picture, PictureAt(result.x, 0, form));
  return result;
}

}  // namespace weft
