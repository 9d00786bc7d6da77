#include <utility>

#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int64_t kHidden = 512;
constexpr int64_t kLayers = 2;

// The character-level language models of Karpathy et al. 2015, "Visualizing and understanding
// recurrent networks": x is numbers of characters [N,T], the scores [N,T,vocabulary] are for the
// character that follows each. The loss is their mean cross-entropy.
Value CharacterModel(Builder& b, Value x, const ZooOptions& o, bool lstm) {
  const int64_t hidden = o.Wide(kHidden);
  const Value embedded =
      b.Embedding(x, {.count = o.classes, .features = hidden, .name = "embedding"});
  const RecurrentOptions options{.hidden_size = hidden,
                                 .layers = kLayers,
                                 .batch_first = true,
                                 .dropout = 0.2,
                                 .name = lstm ? "lstm" : "gru"};
  const Value h = lstm ? b.Lstm(embedded, options).output : b.Gru(embedded, options).output;
  const Value scores = b.Linear(h, {.features = o.classes, .name = "decoder"});
  const Value labels = b.Input("labels", {"N", o.input[0]}, {.dtype = DType::kI64});
  b.Loss("loss", b.CrossEntropy(b.Transpose(scores, {0, 2, 1}), labels));
  return scores;
}

ZooEntry CharModelEntry(std::string name, std::string description, bool lstm) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = "Karpathy et al.: Visualizing and understanding recurrent networks",
          .year = 2015,
          .layers = [lstm](Builder& b, Value x,
                           const ZooOptions& o) { return CharacterModel(b, x, o, lstm); },
          .input = {64},
          .classes = 96,
          .input_dtype = DType::kI64,
          .pixels = {},
          .fit = ZooFit(1)};
}

}  // namespace

std::vector<ZooEntry> LanguageModels() {
  return {CharModelEntry("char_lstm", "character-level language model, 2 LSTM layers", true),
          CharModelEntry("char_gru", "character-level language model, 2 GRU layers", false)};
}

}  // namespace weft
