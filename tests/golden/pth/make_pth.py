#!/usr/bin/env python3
"""Makes the .pth files of this folder without PyTorch, byte for byte as torch.save lays them out.

  net.pth         the state dict of a small network, in the zip format (PyTorch 1.6 and later):
                  an OrderedDict with _metadata, a batch norm's counter, fc.weight transposed
                  (strides 1, 3), and fc.bias a part of a larger storage
  checkpoint.pth  {"epoch", "state_dict", "optimizer", ...} with the same network in float16 and as
                  parameters (torch._utils._rebuild_parameter)
  legacy.pth      the network's state dict in the format before PyTorch 1.6: pickles, then storages
  dtypes.pth      one tensor of every element type

PyTorch itself wrote these, of one network:
  namespace.pth   {"model": its state dict, "args": an argparse.Namespace}
  module.pth      torch.save(network): the pickled module
  script.pt       torch.jit.script(network).save()

Element i of tensor number k of the network is k + i / 8, which float16 holds exactly.
tests/frontend/weights_golden_test.cc reads them. Only Python's standard library is needed.
"""

import collections
import io
import os
import pickle
import struct
import sys
import types
import zlib

# Modules with the names that pickles of PyTorch mention.
torch = types.ModuleType("torch")
torch._utils = types.ModuleType("torch._utils")
sys.modules["torch"] = torch
sys.modules["torch._utils"] = torch._utils


def define(module, name, value):
    value.__module__, value.__name__, value.__qualname__ = module.__name__, name, name
    setattr(module, name, value)
    return value


# name, struct code of an element
STORAGES = {
    "FloatStorage": "f", "DoubleStorage": "d", "HalfStorage": "e", "BFloat16Storage": "H",
    "LongStorage": "q", "IntStorage": "i", "ShortStorage": "h", "CharStorage": "b",
    "ByteStorage": "B", "BoolStorage": "?",
}
for storage_name in STORAGES:
    define(torch, storage_name, type(storage_name, (), {}))
rebuild_tensor = define(torch._utils, "_rebuild_tensor_v2", lambda: None)
rebuild_parameter = define(torch._utils, "_rebuild_parameter", lambda: None)


class Storage:
    def __init__(self, kind, values):
        self.kind, self.values = kind, list(values)

    def data(self):
        return struct.pack(f"<{len(self.values)}{STORAGES[self.kind]}", *self.values)


class Tensor:
    def __init__(self, storage, size, stride=None, offset=0):
        if stride is None:
            stride, step = [], 1
            for dim in reversed(size):
                stride.insert(0, step)
                step *= dim
        self.args = (storage, offset, tuple(size), tuple(stride), False, collections.OrderedDict())

    def __reduce__(self):
        return rebuild_tensor, self.args


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return rebuild_parameter, (self.tensor, True, collections.OrderedDict())


class Pickler(pickle.Pickler):
    """Puts storages elsewhere; `legacy` ones are called by their address."""

    def __init__(self, file, legacy):
        super().__init__(file, protocol=2)
        self.legacy, self.storages = legacy, {}

    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        if id(obj) not in self.storages:
            number = len(self.storages)
            key = str(94390938502416 + 4096 * number) if self.legacy else str(number)
            self.storages[id(obj)] = (key, obj)
        key = self.storages[id(obj)][0]
        result = ("storage", getattr(torch, obj.kind), key, "cpu", len(obj.values))
        return result + (None,) if self.legacy else result


def save_legacy(obj, path):
    with open(path, "wb") as f:
        pickle.dump(0x1950A86A20F9469CFC6C, f, protocol=2)
        pickle.dump(1001, f, protocol=2)
        sizes = {"short": 2, "int": 4, "long": 4}
        pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}, f,
                    protocol=2)
        pickler = Pickler(f, legacy=True)
        pickler.dump(obj)
        storages = dict(pickler.storages.values())
        pickle.dump(sorted(storages), f, protocol=2)
        for key in sorted(storages):
            f.write(struct.pack("<q", len(storages[key].values)) + storages[key].data())


class ZipWriter:
    """As PyTorchStreamWriter over miniz: stored, sizes behind the data too, data 64-aligned by an
    extra field FB, zip64's end records always."""

    def __init__(self, folder):
        self.folder, self.out, self.directory, self.count = folder, b"", b"", 0

    def add(self, name, data):
        path = f"{self.folder}/{name}".encode()
        offset = len(self.out)
        start = offset + 30 + len(path) + 4
        padding = -start % 64
        extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
        crc = zlib.crc32(data)
        # version, flags (sizes behind the data, UTF-8), stored, no time
        common = struct.pack("<HHHHH", 0, 0x808, 0, 0, 0)
        self.out += b"PK\3\4" + common + struct.pack("<IIIHH", 0, 0, 0, len(path), len(extra))
        self.out += path + extra + data
        self.out += b"PK\7\10" + struct.pack("<III", crc, len(data), len(data))
        self.directory += b"PK\1\2" + struct.pack("<H", 0) + common
        self.directory += struct.pack("<IIIHHHHHII", crc, len(data), len(data), len(path), 0, 0, 0,
                                      0, 0, offset) + path
        self.count += 1

    def finish(self):
        size, offset, n = len(self.directory), len(self.out), self.count
        out = self.out + self.directory
        out += b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 0x31E, 45, 0, 0, n, n, size, offset)
        out += b"PK\6\7" + struct.pack("<IQI", 0, offset + size, 1)
        return out + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, n, n, size, offset, 0)


def save(obj, path, folder="archive"):
    data = io.BytesIO()
    pickler = Pickler(data, legacy=False)
    pickler.dump(obj)
    writer = ZipWriter(folder)
    writer.add("data.pkl", data.getvalue())
    writer.add(".format_version", b"1")
    writer.add(".storage_alignment", b"64")
    writer.add("byteorder", b"little")
    for key, storage in pickler.storages.values():
        writer.add(f"data/{key}", storage.data())
    writer.add("version", b"3\n")
    writer.add(".data/serialization_id", b"1234567890123456789012345678901234567890")
    with open(path, "wb") as f:
        f.write(writer.finish())


def elements(k, count):
    return [k + i / 8 for i in range(count)]


def network(kind, wrap=lambda tensor: tensor):
    state = collections.OrderedDict()

    def plain(name, k, size, is_parameter=True):
        count = 1
        for dim in size:
            count *= dim
        tensor = Tensor(Storage(kind, elements(k, count)), size)
        state[name] = wrap(tensor) if is_parameter else tensor

    plain("conv.weight", 0, [2, 1, 3, 3])
    plain("conv.bias", 1, [2])
    plain("bn.weight", 2, [2])
    plain("bn.bias", 3, [2])
    plain("bn.running_mean", 4, [2], False)
    plain("bn.running_var", 5, [2], False)
    state["bn.num_batches_tracked"] = Tensor(Storage("LongStorage", [7]), [])
    # [3, 2], kept as its transpose.
    weight = elements(6, 6)
    by_column = [weight[0], weight[2], weight[4], weight[1], weight[3], weight[5]]
    state["fc.weight"] = wrap(Tensor(Storage(kind, by_column), [3, 2], [1, 3]))
    state["fc.bias"] = wrap(Tensor(Storage(kind, [99, 99] + elements(7, 3) + [99]), [3], offset=2))
    versions = collections.OrderedDict((name, {"version": 1}) for name in ("", "conv", "fc"))
    versions["bn"] = {"version": 2}
    state._metadata = versions
    return state


def dtypes():
    values = {"FloatStorage": [1.5, -2], "DoubleStorage": [1.5, -2], "HalfStorage": [1.5, -2],
              "BFloat16Storage": [0x3FC0, 0xC000], "LongStorage": [1 << 40, -2],
              "IntStorage": [1, -2], "ShortStorage": [1, -2], "CharStorage": [1, -2],
              "ByteStorage": [1, 254], "BoolStorage": [True, False]}
    return {kind: Tensor(Storage(kind, v), [2]) for kind, v in values.items()}


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    save(network("FloatStorage"), f"{folder}/net.pth", folder="net")
    optimizer = {"state": {0: {"momentum_buffer": Tensor(Storage("FloatStorage", [1.0]), [1])}},
                 "param_groups": [{"lr": 0.1, "nesterov": False, "params": [0]}]}
    save({"epoch": 3, "arch": "net", "best": 0.5, "scheduler": None,
          "state_dict": network("HalfStorage", Parameter), "optimizer": optimizer},
         f"{folder}/checkpoint.pth")
    save_legacy(network("FloatStorage"), f"{folder}/legacy.pth")
    save(dtypes(), f"{folder}/dtypes.pth")


if __name__ == "__main__":
    main()
