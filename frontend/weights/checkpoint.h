#ifndef WEFT_FRONTEND_WEIGHTS_CHECKPOINT_H_
#define WEFT_FRONTEND_WEIGHTS_CHECKPOINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "frontend/weights/pickle.h"

namespace weft {

// A tensor of a checkpoint (IsTensor) and its name in the state dict.
struct NamedPickle {
  std::string name;
  const PickleObject* tensor = nullptr;
};

// The tensors of one state dict of a checkpoint. State dicts are
//   {"conv.weight": tensor, ...}          a dict, or an object of a class that is filled as one
//   torch.save(model), torch.jit.save     a module: its parameters and buffers, as its state_dict()
// and the others of the pickle hold them somewhere below: {"epoch": 3, "model": {...}}.
//
// `key` is the place where to look: "ema", "model.generator", "0" in a list; empty: the whole
// pickle. Of keys with dots in them ("D.x" beside "D") the longest that leads on is taken. There,
// of the state dicts that lie the least deep, the only one is taken, or the one under "state_dict",
// "model_state_dict", "model" or "net"; what else there is (epochs, hyperparameters, an optimizer's
// state) is skipped. Errors: no such key; no tensors; several state dicts, each with the key that
// picks it; modules nested too deeply or into each other.
absl::StatusOr<std::vector<NamedPickle>> FindTensors(const PickleObject& root,
                                                     std::string_view key);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_CHECKPOINT_H_
