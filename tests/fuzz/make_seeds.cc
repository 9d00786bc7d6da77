// Writes the inputs that the fuzzers start from, a folder for each target: ONNX's own test suite,
// the same models in our formats, the golden files, and small files of each format.
#include <google/protobuf/text_format.h>
#include <jpeglib.h>
#include <onnx/defs/schema.h>
#include <png.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "frontend/io/npy.h"
#include "frontend/io/read_file.h"
#include "frontend/onnx/import/import.h"
#include "frontend/onnx/proto.h"
#include "frontend/weights/safetensors.h"
#include "frontend/weights/zip.h"
#include "graph/file/serialize.h"
#include "graph/file/serialize_internal.h"
#include "graph/op.h"
#include "ops/ops.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTargets[] = {"csv",  "http",      "idx",      "image", "npy",
                                         "onnx", "onnx_text", "pickle",   "pth",   "safetensors",
                                         "wav",  "weft",      "weft_text"};
// What the reader of PyTorch's pickles looks for.
const std::set<std::string> kPickleWords = {"collections",
                                            "OrderedDict",
                                            "torch",
                                            "FloatStorage",
                                            "QInt8Storage",
                                            "ComplexFloatStorage",
                                            "torch.storage",
                                            "UntypedStorage",
                                            "uint16",
                                            "Size",
                                            "torch._utils",
                                            "_rebuild_tensor_v2",
                                            "_rebuild_tensor_v3",
                                            "_rebuild_parameter",
                                            "_rebuild_qtensor",
                                            "_rebuild_sparse_tensor",
                                            "torch._tensor",
                                            "_rebuild_from_type_v2",
                                            "__torch__",
                                            "_parameters",
                                            "_buffers",
                                            "_modules",
                                            "_non_persistent_buffers_set",
                                            "state_dict",
                                            "storage",
                                            "module"};
constexpr size_t kMostModelBytes = 4096;
constexpr size_t kMostTensorBytes = 256;

class Seeds {
 public:
  explicit Seeds(fs::path folder) : folder_(std::move(folder)) {}

  absl::Status WriteAll() const {
    for (std::string_view target : kTargets) fs::create_directories(folder_ / target);
    WEFT_RETURN_IF_ERROR(AddOnnxSuite());
    WEFT_RETURN_IF_ERROR(AddPth());
    WEFT_RETURN_IF_ERROR(AddTensors());
    AddIdx();
    AddImages();
    AddTable();
    AddRequests();
    AddSound();
    AddDictionaries();
    return absl::OkStatus();
  }

 private:
  void Add(std::string_view target, const std::string& name, std::string_view bytes) const {
    std::ofstream(folder_ / target / name, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  static absl::StatusOr<std::string> Read(const fs::path& path) {
    WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path.string()));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  absl::Status AddOnnxSuite() const {
    for (const auto& entry : fs::recursive_directory_iterator(WEFT_ONNX_TEST_DATA)) {
      const fs::path& path = entry.path();
      const bool is_model = path.filename() == "model.onnx";
      if (!is_model && path.extension() != ".pb") continue;
      WEFT_ASSIGN_OR_RETURN(const std::string bytes, Read(path));
      if (bytes.size() > (is_model ? kMostModelBytes : kMostTensorBytes)) continue;
      const std::string test = path.parent_path().filename().string();
      if (is_model) {
        AddOnnxModel(test, bytes);
      } else if (path.filename() == "output_0.pb") {  // enough of them
        Add("onnx", path.parent_path().parent_path().filename().string() + ".pb", bytes);
      }
    }
    return absl::OkStatus();
  }

  void AddOnnxModel(const std::string& name, const std::string& bytes) const {
    Add("onnx", name, bytes);
    onnx::ModelProto message;
    std::string text;
    if (message.ParseFromString(bytes) &&
        google::protobuf::TextFormat::PrintToString(message, &text)) {
      Add("onnx_text", name, text);
    }
    auto model = ImportOnnxBytes(BytesOf(bytes), name);
    if (!model.ok()) return;
    model->class_names = {"cat"};
    model->preprocessing = {.height = 1, .width = 1, .mean = {0}, .std = {1}};
    model->training = {.step = 1, .config = {{"lr", "1"}}, .slots = {{"w", Tensor::FromInts({})}}};
    const std::string file = SerializeModel(*model);
    proto::Model weft_message;
    if (UnframeFile(BytesOf(file), weft_message).ok()) {
      Add("weft", name, weft_message.SerializeAsString());
    }
    Add("weft_text", name, ModelToProtoText(*model));
    if (name.ends_with("_example")) Add("weft", name + ".weft", file);
  }

  absl::Status AddPth() const {
    for (const auto& entry : fs::directory_iterator(WEFT_SOURCE_DIR "/tests/golden/pth")) {
      if (!entry.path().extension().string().starts_with(".pt")) continue;
      const std::string name = entry.path().filename().string();
      WEFT_ASSIGN_OR_RETURN(const std::string bytes, Read(entry.path()));
      Add("pth", name, bytes);
      const auto zip = ZipArchive::Open({BytesOf(bytes), nullptr});
      if (!zip.ok()) continue;  // of the older format
      for (const ZipEntry& file : zip->entries()) {
        if (!file.name.ends_with("data.pkl")) continue;
        WEFT_ASSIGN_OR_RETURN(const SharedBytes pickle, zip->Read(file));
        Add("pickle", name,
            {reinterpret_cast<const char*>(pickle.bytes.data()), pickle.bytes.size()});
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddTensors() const {
    TensorMap tensors;
    for (DType dtype :
         {DType::kF32, DType::kF64, DType::kI32, DType::kI64, DType::kU8, DType::kBool}) {
      const std::string name(ToString(dtype));
      WEFT_ASSIGN_OR_RETURN(tensors[name], Tensor::Zeros(dtype, {2, 3}));
      WEFT_RETURN_IF_ERROR(WriteNpy((folder_ / "npy" / name).string(), tensors[name]));
    }
    const std::string path = (folder_ / "safetensors" / "all").string();
    return WriteSafetensors(path, tensors, {{"format", "pt"}});
  }

  void AddIdx() const {
    const std::string raw("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03 pixels here", 28);
    Add("idx", "raw", raw);
    const std::string path = (folder_ / "idx" / "gzip").string();
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, raw.data(), static_cast<unsigned>(raw.size()));
    gzclose(file);
  }

  void AddRequests() const {
    Add("http", "get", "GET /api/model?x=%20 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Add("http", "post",
        "POST /api/predict HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n"
        "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
    Add("http", "chunked",
        "POST http://localhost/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n");
  }

  void AddTable() const { Add("csv", "table", "a,\"b,c\"\r\n1,\"x \"\"y\"\"\nz\"\n\n,2\n"); }

  // Two channels of 16 bits.
  void AddSound() const {
    const std::string format("\1\0\2\0\x40\x1f\0\0\0\x7d\0\0\4\0\x10\0", 16);
    Add("wav", "stereo",
        std::string("RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0", 20) + format +
            std::string("data\x08\0\0\0abcdefgh", 16));
  }

  // Gray squares: a PNG, and a JPEG that is baseline and one that is progressive; a PGM and a PPM,
  // a BMP of 24 bits, one with a palette and one of runs.
  void AddImages() const {
    Add("image", "pgm", "P5 2 2 255\nabcd");
    Add("image", "ppm", "P3 # text\n1 2 9\n1 2 3 4 5 6\n");
    const std::string sizes("\x28\0\0\0\2\0\0\0\1\0\0\0\1\0", 14);  // 2x1, one plane
    const std::string rest(20, '\0');
    Add("image", "bmp24",
        "BM" + std::string("\x3e\0\0\0\0\0\0\0\x36\0\0\0", 12) + sizes +
            std::string("\x18\0\0\0\0\0", 6) + rest + "abcdefgh");
    Add("image", "bmp1",
        "BM" + std::string("\x42\0\0\0\0\0\0\0\x3e\0\0\0", 12) + sizes +
            std::string("\1\0\0\0\0\0", 6) + rest + "abc.def.\x40...");
    Add("image", "bmp_runs",
        "BM" + std::string("\x7a\0\0\0\0\0\0\0\x76\0\0\0", 12) + sizes +
            std::string("\4\0\2\0\0\0", 6) + rest + std::string(64, 'c') +
            std::string("\2\x12\0\1", 4));
    constexpr unsigned kSize = 9;
    std::string pixels(kSize * kSize, '\x60');
    png_image png = {};
    png.version = PNG_IMAGE_VERSION;
    png.width = png.height = kSize;
    png.format = PNG_FORMAT_GRAY;
    png_image_write_to_file(&png, (folder_ / "image" / "png").c_str(), 0, pixels.data(), 0,
                            nullptr);
    for (const bool progressive : {false, true}) {
      jpeg_compress_struct jpeg = {};
      jpeg_error_mgr errors;
      jpeg.err = jpeg_std_error(&errors);
      jpeg_create_compress(&jpeg);
      unsigned char* bytes = nullptr;
      unsigned long size = 0;
      jpeg_mem_dest(&jpeg, &bytes, &size);
      jpeg.image_width = jpeg.image_height = kSize;
      jpeg.input_components = 1;
      jpeg.in_color_space = JCS_GRAYSCALE;
      jpeg_set_defaults(&jpeg);
      if (progressive) jpeg_simple_progression(&jpeg);
      jpeg_start_compress(&jpeg, TRUE);
      JSAMPROW row = reinterpret_cast<JSAMPROW>(pixels.data());
      for (unsigned y = 0; y < kSize; ++y) jpeg_write_scanlines(&jpeg, &row, 1);
      jpeg_finish_compress(&jpeg);
      jpeg_destroy_compress(&jpeg);
      Add("image", progressive ? "progressive" : "baseline",
          {reinterpret_cast<const char*>(bytes), size});
      std::free(bytes);
    }
  }

  // The words that no comparison of whole strings tells the fuzzer.
  void AddDictionaries() const {
    std::set<std::string> onnx_words, our_words;
    for (const onnx::OpSchema& schema : onnx::OpSchemaRegistry::get_all_schemas()) {
      onnx_words.insert(schema.Name());
      for (const auto& [name, attribute] : schema.attributes()) onnx_words.insert(name);
    }
    for (const OpDef* op : StandardOps().All()) {
      our_words.emplace(op->name);
      for (const AttributeSpec& attribute : op->attributes) our_words.emplace(attribute.name);
    }
    AddDictionary("onnx", onnx_words);
    AddDictionary("onnx_text", onnx_words);
    AddDictionary("weft", our_words);
    AddDictionary("weft_text", our_words);
    AddDictionary("pickle", kPickleWords);
  }

  void AddDictionary(const std::string& target, const std::set<std::string>& words) const {
    std::ofstream file(folder_ / (target + ".dict"));
    for (const std::string& word : words) file << '"' << word << "\"\n";
  }

  fs::path folder_;
};

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "make_seeds: expected a folder to write into\n";
    return 2;
  }
  const absl::Status status = weft::Seeds(argv[1]).WriteAll();
  if (!status.ok()) std::cerr << "make_seeds: " << status << "\n";
  return status.ok() ? 0 : 1;
}
