#ifndef WEFT_FRONTEND_BUILD_LAYERS_RECURRENT_H_
#define WEFT_FRONTEND_BUILD_LAYERS_RECURRENT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "frontend/build/init.h"
#include "frontend/build/layers/family.h"

namespace weft {

// PyTorch's, but for the inputs that are given here by name.
struct RecurrentOptions {
  int64_t hidden_size = 0;  // required
  int64_t layers = 1;
  bool bidirectional = false;
  bool batch_first = false;  // x and the output are [N,T,...] instead of [T,N,...]
  bool bias = true;
  double dropout = 0;                 // of what goes from layer to layer, while training
  std::string nonlinearity = "tanh";  // or "relu"; of Rnn only
  Value lengths = {};                 // valid steps of each example, i32 [N]; none: all
  // States before the first step, [layers*directions,N,hidden]; none: zeros.
  Value initial_h = {}, initial_c = {};
  // Of all parameters; PyTorch's is uniform in +-1/sqrt(hidden_size).
  std::optional<Initializer> init = {};
  std::string name = {};
};

// Null values after a mistake.
struct RecurrentResult {
  Value output = {};  // of the last layer, [T,N,directions*hidden]
  Value h_n = {};     // after the last step, [layers*directions,N,hidden]
  Value c_n = {};     // of Lstm only
};

// Recurrent layers. x is [T,N,C]. Parameters are called as PyTorch's and have its shapes and order
// of gates: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, the backward direction's with
// _reverse after it.
class RecurrentLayers : public LayerFamily<RecurrentLayers> {
 public:
  RecurrentResult Rnn(Value x, const RecurrentOptions& o, Where where = Where::current());
  RecurrentResult Lstm(Value x, const RecurrentOptions& o, Where where = Where::current());
  RecurrentResult Gru(Value x, const RecurrentOptions& o, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_RECURRENT_H_
