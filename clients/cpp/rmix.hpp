// Runs the agents of a folder that `rmix-kit export` wrote. C++17, and onnxruntime's C API alone.
//
//     rmix::Team team("agents");
//     team.check();                                       // repeats the folder's golden steps
//     team.reset();                                       // an episode begins
//     for (std::size_t i = 0; i < team.size(); ++i) {
//         rmix::Agent& agent = team[i];
//         agent.obs<std::int8_t>()[0] = 3;                // write what the environment gives, flat and row-major,
//         agent.avail_actions()[0] = 1;                   // and what is allowed,
//         agent.risk_level()[0] = 0.5f;                   // and turn the dial (0 = the policy's own choice);
//     }
//     team.act();                                         // then let all act
//     std::int64_t action = team.agent("agent_0").action()[0];
//
// Every array is `[batch, ...]` and belongs to the agent: nothing is allocated here between construction and
// destruction but by what reports an error. A team belongs to one thread.

#ifndef RMIX_HPP
#define RMIX_HPP

#include <onnxruntime_c_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rmix {

// Of all errors; what() is one line.
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// A folder that is damaged, foreign or newer than this file.
struct BundleError : Error {
    using Error::Error;
};
// A call that does not fit the agents.
struct InputError : Error {
    using Error::Error;
};
// The policies' guards refused an observation, a mask or a level; no memory has moved.
struct RefusedError : Error {
    using Error::Error;
};

constexpr double TOLERANCE = 1e-4, TIE = 1e-5;

enum class OnInvalid { throws, returns };

namespace detail {

// ---- JSON, as much as a manifest needs -------------------------------------------------------------------------

struct Json {
    enum class Kind { null, boolean, number, text, list, table } kind = Kind::null;
    double number = 0;
    std::string text;
    std::vector<Json> list;
    std::map<std::string, Json> table;

    const Json& at(const std::string& key) const {
        const auto found = table.find(key);
        if (found == table.end()) throw BundleError("manifest.json lacks " + key);
        return found->second;
    }
    bool has(const std::string& key) const { return table.count(key) > 0 && table.at(key).kind != Kind::null; }
    const std::string& string() const { return wanted(Kind::text, "text"), text; }
    const std::vector<Json>& items() const { return wanted(Kind::list, "a list"), list; }
    const std::map<std::string, Json>& entries() const { return wanted(Kind::table, "an object"), table; }
    bool truth() const { return wanted(Kind::boolean, "true or false"), number != 0; }
    std::int64_t whole() const {
        wanted(Kind::number, "a whole number");
        if (!(std::abs(number) < 9e15) || number != std::floor(number)) throw BundleError("manifest.json: a number is not whole");
        return static_cast<std::int64_t>(number);
    }

private:
    void wanted(Kind expected, const char* name) const {
        if (kind != expected) throw BundleError(std::string("manifest.json cannot be understood: expected ") + name);
    }
};

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : text_(text) {}

    Json read() {
        Json value = any(0);
        skip();
        if (place_ != text_.size()) fail();
        return value;
    }

private:
    static constexpr int deepest = 64;
    std::string_view text_;
    std::size_t place_ = 0;

    [[noreturn]] void fail() const {
        throw BundleError("manifest.json is not valid JSON at byte " + std::to_string(place_) + "; the folder is damaged");
    }
    void skip() {
        while (place_ < text_.size() && std::strchr(" \t\r\n", text_[place_]) && text_[place_]) ++place_;
    }
    char next() {
        skip();
        if (place_ >= text_.size()) fail();
        return text_[place_];
    }
    bool take(char wanted) { return next() == wanted ? (++place_, true) : false; }
    void need(char wanted) {
        if (!take(wanted)) fail();
    }
    bool word(std::string_view wanted) {
        if (text_.substr(place_, wanted.size()) != wanted) return false;
        place_ += wanted.size();
        return true;
    }

    Json any(int depth) {
        if (depth > deepest) fail();
        Json value;
        const char first = next();
        if (first == '{') {
            value.kind = Json::Kind::table;
            ++place_;
            if (take('}')) return value;
            do {
                next();
                std::string key = string();
                need(':');
                value.table[std::move(key)] = any(depth + 1);
            } while (take(','));
            need('}');
        } else if (first == '[') {
            value.kind = Json::Kind::list;
            ++place_;
            if (take(']')) return value;
            do value.list.push_back(any(depth + 1));
            while (take(','));
            need(']');
        } else if (first == '"') {
            value.kind = Json::Kind::text;
            value.text = string();
        } else if (word("true")) {
            value.kind = Json::Kind::boolean;
            value.number = 1;
        } else if (word("false")) {
            value.kind = Json::Kind::boolean;
        } else if (!word("null")) {
            value.kind = Json::Kind::number;
            value.number = number();
        }
        return value;
    }

    double number() {
        const std::size_t begin = place_;
        while (place_ < text_.size() && (std::isdigit(static_cast<unsigned char>(text_[place_])) || std::strchr("+-.eE", text_[place_])) && text_[place_]) ++place_;
        std::istringstream digits(std::string(text_.substr(begin, place_ - begin)));
        digits.imbue(std::locale::classic());  // the program's own may have a decimal comma
        double value = 0;
        if (!(digits >> value) || digits.peek() != std::istringstream::traits_type::eof()) fail();
        return value;
    }

    unsigned hexadecimal() {
        unsigned value = 0;
        for (int i = 0; i < 4; ++i, ++place_) {
            const char c = place_ < text_.size() ? text_[place_] : '?';
            if (!std::isxdigit(static_cast<unsigned char>(c))) fail();
            value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        return value;
    }

    std::string string() {
        if (text_[place_] != '"') fail();
        ++place_;
        std::string out;
        for (;;) {
            if (place_ >= text_.size() || static_cast<unsigned char>(text_[place_]) < 0x20) fail();
            char c = text_[place_++];
            if (c == '"') return out;
            if (c != '\\') {
                out += c;
                continue;
            }
            if (place_ >= text_.size()) fail();
            c = text_[place_++];
            static constexpr std::string_view names = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
            if (const auto known = names.find(c); known != names.npos) {
                out += meant[known];
            } else if (c == 'u') {
                unsigned point = hexadecimal();
                if (point >= 0xd800 && point < 0xdc00 && word("\\u")) point = 0x10000 + ((point - 0xd800) << 10) + ((hexadecimal() - 0xdc00) & 0x3ff);
                encode(out, point);
            } else {
                fail();
            }
        }
    }

    static void encode(std::string& out, unsigned point) {
        if (point < 0x80) {
            out += static_cast<char>(point);
            return;
        }
        const int more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
        static constexpr unsigned heads[] = {0, 0xc0, 0xe0, 0xf0};
        out += static_cast<char>(heads[more] | (point >> (6 * more)));
        for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3f));
    }
};

// ---- SHA-256 (FIPS 180-4) --------------------------------------------------------------------------------------

inline std::string sha256(const std::string& data) {
    // The first 32 bits of the fractional parts of cube and square roots of the first primes.
    std::array<std::uint32_t, 64> constants{};
    std::array<std::uint32_t, 8> state{};
    for (std::uint32_t candidate = 2, count = 0; count < 64; ++candidate) {
        bool prime = true;
        for (std::uint32_t i = 2; i * i <= candidate; ++i) prime = prime && candidate % i != 0;
        if (!prime) continue;
        const auto bits = [](long double root) { return static_cast<std::uint32_t>((root - std::floor(root)) * 4294967296.0L); };
        constants[count] = bits(std::cbrt(static_cast<long double>(candidate)));
        if (count < 8) state[count] = bits(std::sqrt(static_cast<long double>(candidate)));
        ++count;
    }
    std::string padded = data;
    padded += static_cast<char>(0x80);
    while (padded.size() % 64 != 56) padded += '\0';
    const std::uint64_t length = static_cast<std::uint64_t>(data.size()) * 8;
    for (int shift = 56; shift >= 0; shift -= 8) padded += static_cast<char>(length >> shift);
    const auto turned = [](std::uint32_t x, int n) { return (x >> n) | (x << (32 - n)); };
    for (std::size_t begin = 0; begin < padded.size(); begin += 64) {
        std::array<std::uint32_t, 64> w{};
        for (std::size_t i = 0; i < 64; ++i) w[i / 4] = w[i / 4] << 8 | static_cast<unsigned char>(padded[begin + i]);
        for (std::size_t i = 16; i < 64; ++i) {
            const std::uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ (a >> 3)) + w[i - 7] + (turned(b, 17) ^ turned(b, 19) ^ (b >> 10));
        }
        std::array<std::uint32_t, 8> h = state;
        for (std::size_t i = 0; i < 64; ++i) {
            const std::uint32_t big1 = turned(h[4], 6) ^ turned(h[4], 11) ^ turned(h[4], 25);
            const std::uint32_t first = h[7] + big1 + ((h[4] & h[5]) ^ (~h[4] & h[6])) + constants[i] + w[i];
            const std::uint32_t big0 = turned(h[0], 2) ^ turned(h[0], 13) ^ turned(h[0], 22);
            const std::uint32_t second = big0 + ((h[0] & h[1]) ^ (h[0] & h[2]) ^ (h[1] & h[2]));
            h = {first + second, h[0], h[1], h[2], h[3] + first, h[4], h[5], h[6]};
        }
        for (std::size_t i = 0; i < 8; ++i) state[i] += h[i];
    }
    std::string out;
    for (const std::uint32_t word : state)
        for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[(word >> shift) & 15];
    return out;
}

// ---- Files -----------------------------------------------------------------------------------------------------

constexpr std::uintmax_t LARGEST_FILE = std::uintmax_t{512} << 20;  // a policy is a small network

inline std::string read_bytes(const std::filesystem::path& path) {
    std::error_code failed;  // a folder, a pipe or a device is no regular file
    const bool is_file = std::filesystem::is_regular_file(path, failed);
    const std::uintmax_t size = is_file ? std::filesystem::file_size(path, failed) : 0;
    if (!is_file || failed || size > LARGEST_FILE) throw BundleError(path.string() + " is missing, no plain file or larger than 512 MiB");
    std::ifstream file(path, std::ios::binary);
    std::string data(static_cast<std::size_t>(size), '\0');
    if (!file.read(data.data(), static_cast<std::streamsize>(size)) || file.peek() != std::ifstream::traits_type::eof()) throw BundleError(path.string() + " cannot be read");
    return data;
}

// Letters, digits, "_", "." and "-", no "." or "-" in front: what an export writes, and nothing that leads elsewhere.
inline bool is_plain(std::string_view name) {
    constexpr std::string_view known = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    return !name.empty() && name[0] != '.' && name[0] != '-' && name.find_first_not_of(known) == name.npos;
}

// Read a file that the manifest lists, and compare its size and sum; its name may not lead out of the folder.
inline std::string read_member(const std::filesystem::path& folder, const Json& manifest, const std::string& name) {
    if (!is_plain(name)) {
        std::string shown = name;  // on one line
        std::replace_if(shown.begin(), shown.end(), [](unsigned char c) { return c < 0x20; }, '?');
        throw BundleError("manifest.json names \"" + shown + "\", which is no plain file name; the folder is foreign");
    }
    const auto& files = manifest.at("files").entries();
    const auto entry = files.find(name);
    if (entry == files.end()) throw BundleError(name + " is not listed in manifest.json; was it renamed or added?");
    std::string data = read_bytes(folder / name);
    if (static_cast<std::int64_t>(data.size()) != entry->second.at("size").whole() || sha256(data) != entry->second.at("sha256").string())
        throw BundleError(name + " is not the file that was exported; it was changed or swapped");
    return data;
}

// ---- Tensors ---------------------------------------------------------------------------------------------------

struct Type {
    std::string_view name, npy;
    ONNXTensorElementDataType onnx;
    std::size_t bytes;
};

inline const Type& type_of(std::string_view name) {
    static constexpr Type known[] = {
        {"bool", "|b1", ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL, 1},     {"int8", "|i1", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8, 1},
        {"uint8", "|u1", ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, 1},   {"int16", "<i2", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16, 2},
        {"int32", "<i4", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32, 4},   {"int64", "<i8", ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, 8},
        {"float32", "<f4", ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, 4},
    };
    for (const Type& type : known)
        if (type.name == name) return type;
    throw BundleError("manifest.json names the type " + std::string(name) + ", which is not known here");
}

// Whether T is what a program holds an element in; bool is one byte, 0 or 1.
template <typename T>
bool is_held_by(const Type& type) {
    const std::string_view name = type.name;
    if constexpr (std::is_same_v<T, std::uint8_t>) return name == "uint8" || name == "bool";
    else if constexpr (std::is_same_v<T, std::int8_t>) return name == "int8";
    else if constexpr (std::is_same_v<T, std::int16_t>) return name == "int16";
    else if constexpr (std::is_same_v<T, std::int32_t>) return name == "int32";
    else if constexpr (std::is_same_v<T, std::int64_t>) return name == "int64";
    else return std::is_same_v<T, float> && name == "float32";
}

inline const OrtApi& api() {
    static const OrtApi* const found = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (!found) throw Error(std::string("onnxruntime ") + OrtGetApiBase()->GetVersionString() + " is older than the header this was built with");
    return *found;
}

inline void check(OrtStatus* status) {
    if (!status) return;
    std::string said = api().GetErrorMessage(status);
    api().ReleaseStatus(status);
    throw BundleError("onnxruntime: " + said.substr(0, said.find('\n')));
}

#define RMIX_OWNER(name, type, release)                                              \
    struct name##Deleter {                                                           \
        void operator()(type* thing) const { api().release(thing); }                 \
    };                                                                               \
    using name = std::unique_ptr<type, name##Deleter>;
RMIX_OWNER(Environment, OrtEnv, ReleaseEnv)
RMIX_OWNER(SessionOptions, OrtSessionOptions, ReleaseSessionOptions)
RMIX_OWNER(Session, OrtSession, ReleaseSession)
RMIX_OWNER(MemoryInfo, OrtMemoryInfo, ReleaseMemoryInfo)
RMIX_OWNER(Value, OrtValue, ReleaseValue)
RMIX_OWNER(Binding, OrtIoBinding, ReleaseIoBinding)
RMIX_OWNER(RunOptions, OrtRunOptions, ReleaseRunOptions)
#undef RMIX_OWNER

// One array of a step and the same memory as onnxruntime sees it.
struct Tensor {
    std::string name;
    const Type* type;
    std::size_t row;  // elements in one row
    std::vector<std::uint8_t> data;
    Value value;

    Tensor(std::string tensor, const Type& kind, const std::vector<std::int64_t>& shape, std::size_t batch, const OrtMemoryInfo* memory)
        : name(std::move(tensor)), type(&kind), row(1) {
        std::vector<std::int64_t> whole{static_cast<std::int64_t>(batch)};
        for (const std::int64_t length : shape) {
            if (length < 0 || length > (1 << 24)) throw BundleError("manifest.json: " + name + " has an impossible shape");
            whole.push_back(length);
            row *= static_cast<std::size_t>(length);
        }
        if (row > (1u << 28)) throw BundleError("manifest.json: " + name + " has an impossible shape");
        data.resize(std::max<std::size_t>(batch * row * kind.bytes, 1));
        OrtValue* made = nullptr;
        rmix::detail::check(api().CreateTensorWithDataAsOrtValue(memory, data.data(), batch * row * kind.bytes, whole.data(), whole.size(), kind.onnx, &made));
        value.reset(made);
    }
    template <typename T>
    T* as() { return reinterpret_cast<T*>(data.data()); }
    template <typename T>
    const T* as() const { return reinterpret_cast<const T*>(data.data()); }
    double number(std::size_t element) const {
        const std::uint8_t* at = data.data() + element * type->bytes;
        return number_at(at, type->onnx);
    }
    static double number_at(const std::uint8_t* at, ONNXTensorElementDataType type) {
        const auto get = [at](auto kind) {
            std::memcpy(&kind, at, sizeof kind);
            return static_cast<double>(kind);
        };
        switch (type) {
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8: return get(std::int8_t{});
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16: return get(std::int16_t{});
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32: return get(std::int32_t{});
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64: return get(std::int64_t{});
            case ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT: return get(float{});
            default: return get(std::uint8_t{});
        }
    }
};

// What an agent shares with the others of its folder.
struct Runtime {
    Environment environment;
    SessionOptions options;
    MemoryInfo memory;
    RunOptions run;

    Runtime() {
        OrtEnv* env = nullptr;
        rmix::detail::check(api().CreateEnv(ORT_LOGGING_LEVEL_ERROR, "rmix", &env));
        environment.reset(env);
        OrtSessionOptions* made = nullptr;
        rmix::detail::check(api().CreateSessionOptions(&made));
        options.reset(made);
        rmix::detail::check(api().SetIntraOpNumThreads(made, 1));
        rmix::detail::check(api().SetInterOpNumThreads(made, 1));
        OrtMemoryInfo* info = nullptr;
        rmix::detail::check(api().CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &info));
        memory.reset(info);
        OrtRunOptions* running = nullptr;
        rmix::detail::check(api().CreateRunOptions(&running));
        run.reset(running);
    }
};

// The arrays of an .npz file whose members are stored, as `numpy.savez` writes them.
class Npz {
public:
    struct Array {
        std::string_view npy;
        std::vector<std::int64_t> shape;
        std::string_view data;
    };

    explicit Npz(std::string bytes) : bytes_(std::move(bytes)) {
        std::size_t end = bytes_.rfind("PK\x05\x06");
        if (end == bytes_.npos || end + 22 > bytes_.size()) fail("is not a zip file");
        std::size_t place = number(end + 16, 4);
        for (std::size_t left = number(end + 10, 2); left > 0; --left) {
            if (number(place + 10, 2) != 0) fail("is compressed; expected stored members");
            const std::size_t size = number(place + 20, 4), length = number(place + 28, 2), local = number(place + 42, 4);
            std::string name = part(place + 46, length);
            if (name.size() > 4 && name.substr(name.size() - 4) == ".npy") name.resize(name.size() - 4);
            const std::size_t begin = local + 30 + number(local + 26, 2) + number(local + 28, 2);
            arrays_[name] = array(view(begin, size));
            place += 46 + length + number(place + 30, 2) + number(place + 32, 2);
        }
    }

    const Array& at(const std::string& name) const {
        const auto found = arrays_.find(name);
        if (found == arrays_.end()) throw BundleError("golden.npz lacks " + name);
        return found->second;
    }

private:
    std::string bytes_;
    std::map<std::string, Array> arrays_;

    [[noreturn]] static void fail(const std::string& why) { throw BundleError("golden.npz " + why); }
    std::string_view view(std::size_t begin, std::size_t size) const {
        if (begin > bytes_.size() || size > bytes_.size() - begin) fail("is cut off");
        return std::string_view(bytes_).substr(begin, size);
    }
    std::string part(std::size_t begin, std::size_t size) const { return std::string(view(begin, size)); }
    std::size_t number(std::size_t begin, std::size_t size) const {
        std::size_t value = 0;
        const std::string_view found = view(begin, size);
        for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(found[i]);
        return value;
    }
    static Array array(std::string_view npy) {
        if (npy.size() < 12) fail("is cut off");
        const bool is_long = npy[6] > 1;
        std::size_t length = 0;
        for (int i = is_long ? 3 : 1; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(npy[8 + static_cast<std::size_t>(i)]);
        const std::size_t begin = (is_long ? 12 : 10) + length;
        if (begin > npy.size()) fail("is cut off");
        const std::string_view header = npy.substr(0, begin);
        const auto after = [header](std::string_view key, char until) {
            const std::size_t at = header.find(key);
            if (at == header.npos) fail("has a header that is not known here");
            const std::size_t from = at + key.size();
            return header.substr(from, header.find(until, from) - from);
        };
        if (header.find("'fortran_order': False") == header.npos) fail("has a header that is not known here");
        Array found{after("'descr': '", '\''), {}, npy.substr(begin)};
        std::int64_t count = 0;
        bool has_digit = false;
        for (const char c : after("'shape': (", ')')) {
            if (std::isdigit(static_cast<unsigned char>(c))) {
                if (count > (1 << 28)) fail("has an impossible shape");
                count = count * 10 + (c - '0');
                has_digit = true;
            } else if (has_digit) {
                found.shape.push_back(count);
                count = 0;
                has_digit = false;
            }
        }
        if (has_digit) found.shape.push_back(count);
        return found;
    }
};

}  // namespace detail

// One agent in `batch` episodes side by side; each row has its own memory, all zero at the start of an episode.
class Agent {
public:
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    const std::string& id() const { return id_; }
    std::int64_t index() const { return index_; }
    std::size_t n_actions() const { return mask().row; }
    std::size_t obs_size() const { return inputs_[0].row; }
    std::string_view obs_type() const { return inputs_[0].type->name; }
    bool has_dial() const { return dial_.has_value(); }
    bool remembers_actions() const { return last_action_.has_value(); }
    std::size_t batch() const { return batch_; }

    // Whether it takes part in the next act(); one that is gone keeps its memory.
    bool is_present = true;

    // `[batch, ...]`, to be written before act(); T is the type that the manifest names, bool as std::uint8_t.
    template <typename T>
    T* obs() {
        if (!detail::is_held_by<T>(*inputs_[0].type)) throw InputError(id_ + "'s observations are " + std::string(obs_type()) + ", not of the type that was asked for");
        return inputs_[0].as<T>();
    }
    // `[batch, action]`, 1 = allowed, 0 = not.
    std::uint8_t* avail_actions() { return inputs_[1].as<std::uint8_t>(); }
    // `[batch]`, in (0, 1], 1 = risk-neutral; 0 = the policy's own choice.
    float* risk_level() {
        if (!dial_) throw InputError(id_ + " has no risk dial");
        return inputs_[*dial_].as<float>();
    }

    // `[batch]`; -1 where not valid.
    const std::int64_t* action() const { return outputs_[0].as<std::int64_t>(); }
    // `[batch, action]`, of actions that are not allowed too.
    const float* action_values() const { return outputs_[1].as<float>(); }
    // `[batch]`.
    const float* risk_level_used() const {
        if (!dial_) throw InputError(id_ + " has no risk dial");
        return outputs_[2].as<float>();
    }
    // `[batch]`; 0 where the policy refused the inputs and the memory stayed as it was.
    const std::uint8_t* valid() const { return outputs_.back().as<std::uint8_t>(); }

    // Begin an episode everywhere, or in the rows where `rows[row]` is not 0.
    void reset(const std::uint8_t* rows = nullptr) {
        for (detail::Tensor& tensor : carry_[now_])
            for (std::size_t row = 0; row < batch_; ++row)
                if (!rows || rows[row]) std::memset(tensor.data.data() + row * tensor.row * tensor.type->bytes, 0, tensor.row * tensor.type->bytes);
    }

    // Tell what was done `[batch]` where it was not the proposed action; -1 leaves a row as it is.
    void executed(const std::int64_t* actions) {
        if (!last_action_) throw InputError(id_ + " does not remember actions; executed() has no effect on it");
        for (std::size_t row = 0; row < batch_; ++row)
            if (actions[row] < -1 || actions[row] >= static_cast<std::int64_t>(n_actions()))
                throw InputError(id_ + " was told of an action that it does not have");
        detail::Tensor& memory = carry_[now_][*last_action_];
        for (std::size_t row = 0; row < batch_; ++row) {
            if (actions[row] < 0) continue;
            std::memset(memory.as<float>() + row * memory.row, 0, memory.row * sizeof(float));
            memory.as<float>()[row * memory.row + static_cast<std::size_t>(actions[row])] = 1.0f;
        }
    }

private:
    friend class Team;
    std::string id_;
    std::int64_t index_;
    std::size_t batch_, now_ = 0;
    std::optional<std::size_t> dial_, last_action_;
    OrtSession* session_;
    const detail::Runtime* runtime_;
    std::vector<detail::Tensor> inputs_, outputs_;          // without the memory
    std::array<std::vector<detail::Tensor>, 2> carry_;      // take turns as input and output
    std::array<detail::Binding, 2> steps_;

    Agent(const detail::Json& spec, OrtSession* session, const std::string& agent_input, std::size_t batch, const detail::Runtime& runtime)
        : id_(spec.at("agent_id").string()), index_(spec.at("agent_index").whole()), batch_(batch), session_(session), runtime_(&runtime) {
        const OrtMemoryInfo* memory = runtime.memory.get();
        const auto shape_of = [](const detail::Json& tensor) {
            std::vector<std::int64_t> shape;
            for (const detail::Json& length : tensor.at("shape").items()) shape.push_back(length.whole());
            return shape;
        };
        const detail::Json& obs = spec.at("obs");
        const std::int64_t actions = spec.at("n_actions").whole();
        const auto input = [&](const char* name, const char* type, const std::vector<std::int64_t>& shape) {
            inputs_.emplace_back(name, detail::type_of(type), shape, batch, memory);
        };
        const auto output = [&](const char* name, const char* type, const std::vector<std::int64_t>& shape) {
            outputs_.emplace_back(name, detail::type_of(type), shape, batch, memory);
        };
        input("obs", obs.at("dtype").string().c_str(), shape_of(obs));
        input("avail_actions", "bool", {actions});
        output("action", "int64", {});
        output("action_values", "float32", {actions});
        if (spec.at("is_risk_aware").truth()) {
            dial_ = inputs_.size();
            input("risk_level", "float32", {});
            output("risk_level_used", "float32", {});
        }
        output("valid", "bool", {});
        for (const detail::Json& tensor : spec.at("carry").items()) {
            const std::string& name = tensor.at("name").string();
            if (name == "last_action" && tensor.at("dtype").string() == "float32") last_action_ = carry_[0].size();
            for (auto& copy : carry_) copy.emplace_back(name, detail::type_of(tensor.at("dtype").string()), shape_of(tensor), batch, memory);
        }
        if (!agent_input.empty()) {
            input(agent_input.c_str(), "int64", {});
            std::fill_n(inputs_.back().as<std::int64_t>(), batch, index_);
        }
        for (std::size_t source : {0, 1}) bind(source);
    }

    const detail::Tensor& mask() const { return inputs_[1]; }

    void check_mask() const {
        const std::uint8_t* allowed = mask().as<std::uint8_t>();
        if (std::any_of(allowed, allowed + batch_ * n_actions(), [](std::uint8_t one) { return one > 1; }))
            throw InputError(id_ + "'s mask has other numbers than 0 and 1");
    }

    void bind(std::size_t source) {
        OrtIoBinding* made = nullptr;
        detail::check(detail::api().CreateIoBinding(session_, &made));
        steps_[source].reset(made);
        for (const detail::Tensor& tensor : inputs_) detail::check(detail::api().BindInput(made, tensor.name.c_str(), tensor.value.get()));
        for (const detail::Tensor& tensor : carry_[source]) detail::check(detail::api().BindInput(made, tensor.name.c_str(), tensor.value.get()));
        for (const detail::Tensor& tensor : outputs_) detail::check(detail::api().BindOutput(made, tensor.name.c_str(), tensor.value.get()));
        for (const detail::Tensor& tensor : carry_[1 - source]) detail::check(detail::api().BindOutput(made, ("next_" + tensor.name).c_str(), tensor.value.get()));
    }

    void propose() { detail::check(detail::api().RunWithBinding(session_, runtime_->run.get(), steps_[now_].get())); }
    void commit() { now_ = 1 - now_; }
    bool is_refused() const {
        for (std::size_t row = 0; row < batch_; ++row)
            if (!valid()[row]) return true;
        return false;
    }
};

// The agents of an exported folder. A step is all or nothing: with OnInvalid::throws no memory moves if a row is refused.
class Team {
public:
    explicit Team(const std::filesystem::path& folder, std::size_t batch = 1, OnInvalid on_invalid = OnInvalid::throws)
        : folder_(folder), on_invalid_(on_invalid) {
        if (batch < 1) throw InputError("batch is 0; expected at least 1");
        manifest_ = detail::JsonReader(detail::read_bytes(folder / "manifest.json")).read();
        if (!manifest_.has("format") || manifest_.at("format").string() != "rmix-kit-policy") throw BundleError("manifest.json does not describe an exported policy");
        const std::int64_t version = manifest_.at("format_version").whole();
        if (version != 1 && version != 2) throw BundleError("manifest.json has format number " + std::to_string(version) + "; this client reads 1 and 2");
        if (manifest_.has("agent_input")) agent_input_ = manifest_.at("agent_input").string();
        for (const detail::Json& entry : manifest_.at("agents").items()) {
            const auto& files = entry.at("files").entries();
            if (!files.count("onnx")) throw BundleError("an agent has no ONNX file; export with the format onnx");
            const std::string& name = files.at("onnx").string();
            if (!sessions_.count(name)) {
                const std::string data = detail::read_member(folder, manifest_, name);
                OrtSession* made = nullptr;
                detail::check(detail::api().CreateSessionFromArray(runtime_.environment.get(), data.data(), data.size(), runtime_.options.get(), &made));
                sessions_[name].reset(made);
            }
            for (const auto& other : agents_)
                if (other->id() == entry.at("spec").at("agent_id").string()) throw BundleError("manifest.json has two agents of the name " + other->id());
            agents_.emplace_back(new Agent(entry.at("spec"), sessions_[name].get(), agent_input_, batch, runtime_));
        }
        if (agents_.empty()) throw BundleError("manifest.json lists no agent");
    }

    std::size_t size() const { return agents_.size(); }
    Agent& operator[](std::size_t place) { return *agents_.at(place); }
    Agent& agent(std::string_view id) {
        for (const auto& agent : agents_)
            if (agent->id() == id) return *agent;
        throw InputError("there is no agent " + std::string(id));
    }

    // Let every agent that is present act on what was written into its arrays.
    void act() {
        for (const auto& agent : agents_)
            if (agent->is_present) agent->check_mask();
        for (const auto& agent : agents_)
            if (agent->is_present) agent->propose();
        if (on_invalid_ == OnInvalid::throws)
            for (const auto& agent : agents_)
                if (agent->is_present && agent->is_refused())
                    throw RefusedError(agent->id() + " refuses a row: a bad observation, an empty mask or a bad risk level; no memory has moved");
        for (const auto& agent : agents_)
            if (agent->is_present) agent->commit();
    }

    void reset(const std::uint8_t* rows = nullptr) {
        for (const auto& agent : agents_) agent->reset(rows);
    }

    struct Checked {
        std::size_t steps = 0;
        double largest = 0;
    };

    // Repeat the folder's golden steps with agents of their own; throws at the first difference.
    std::map<std::string, Checked> check() const {
        const detail::Npz golden(detail::read_member(folder_, manifest_, "golden.npz"));
        std::map<std::string, Checked> found;
        for (const detail::Json& entry : manifest_.at("agents").items()) {
            const std::string& file = entry.at("files").at("onnx").string();
            Agent agent(entry.at("spec"), sessions_.at(file).get(), agent_input_, 1, runtime_);
            found[agent.id()] = golden_steps(agent, golden, limits_of(agent.id()));
        }
        return found;
    }

private:
    std::filesystem::path folder_;
    OnInvalid on_invalid_;
    detail::Json manifest_;
    std::string agent_input_;
    detail::Runtime runtime_;
    std::map<std::string, detail::Session> sessions_;
    std::vector<std::unique_ptr<Agent>> agents_;

    struct Limits {
        double tolerance, tie;
    };

    // How far an agent's numbers may be off: the manifest says more of quantised files.
    Limits limits_of(const std::string& id) const {
        const auto get = [](const detail::Json& table, const char* key, double otherwise) { return table.has(key) ? table.at(key).number : otherwise; };
        const detail::Json none;
        const detail::Json& parity = manifest_.has("parity") ? manifest_.at("parity") : none;
        const detail::Json& agent = parity.has(id) ? parity.at(id) : none;
        const detail::Json& figures = agent.has("onnx") ? agent.at("onnx") : none;
        return {get(figures, "tolerance", TOLERANCE), get(figures, "tie", TIE)};
    }

    static Checked golden_steps(Agent& agent, const detail::Npz& golden, Limits limits) {
        const std::string key = "agent_" + std::to_string(agent.index_);
        Checked checked;
        const auto& recorded = golden.at(key + ".input.obs").shape;
        if (recorded.empty()) throw BundleError("golden.npz has no steps of " + agent.id_);
        checked.steps = static_cast<std::size_t>(recorded[0]);
        for (std::size_t step = 0; step < checked.steps; ++step) {
            const auto row = [&](const std::string& side, const detail::Tensor& tensor, const std::string& prefix) {
                const detail::Npz::Array& array = golden.at(key + "." + side + "." + prefix + tensor.name);
                const std::size_t size = tensor.row * tensor.type->bytes;
                if (array.npy != tensor.type->npy || (step + 1) * size > array.data.size()) throw BundleError("golden.npz does not fit " + agent.id_);
                return array.data.substr(step * size, size);
            };
            for (detail::Tensor& tensor : agent.inputs_) {
                const std::string_view given = row("input", tensor, "");
                std::copy(given.begin(), given.end(), tensor.data.begin());
            }
            agent.propose();
            agent.commit();
            const std::string where = agent.id_ + ", step " + std::to_string(step) + ": ";
            std::int64_t expected = 0;
            std::memcpy(&expected, row("output", agent.outputs_[0], "").data(), sizeof expected);
            const bool is_tied = agent.action()[0] != expected;
            if (is_tied) {
                check_tie(agent, row("output", agent.outputs_[1], ""), limits.tie, where);
                if (agent.last_action_) agent.executed(&expected);
            }
            const auto compare = [&](const detail::Tensor& tensor, const std::string& prefix) {
                const std::string_view wanted = row("output", tensor, prefix);
                for (std::size_t i = 0; i < tensor.row; ++i) {
                    const auto* at = reinterpret_cast<const std::uint8_t*>(wanted.data()) + i * tensor.type->bytes;
                    const double gap = std::abs(tensor.number(i) - detail::Tensor::number_at(at, tensor.type->onnx));
                    if (!(gap <= limits.tolerance)) throw BundleError(where + prefix + tensor.name + " is off by " + std::to_string(gap));  // NaN fails too
                    checked.largest = std::max(checked.largest, gap);
                }
            };
            for (std::size_t i = 1; i < agent.outputs_.size(); ++i) compare(agent.outputs_[i], "");
            for (const detail::Tensor& tensor : agent.carry_[agent.now_])
                if (!is_tied || tensor.name != "last_action") compare(tensor, "next_");
        }
        return checked;
    }

    // Allow another action where the two best allowed ones are worth the same up to `tie`.
    static void check_tie(Agent& agent, std::string_view values, double tie, const std::string& where) {
        double best = -INFINITY, second = -INFINITY;
        for (std::size_t action = 0; action < agent.n_actions(); ++action) {
            if (!agent.avail_actions()[action]) continue;
            float value = 0;
            std::memcpy(&value, values.data() + action * sizeof value, sizeof value);
            if (value > best) std::swap(best, second), best = value;
            else if (value > second) second = value;
        }
        if (agent.action()[0] < 0 || !(best - second < tie)) throw BundleError(where + "action is " + std::to_string(agent.action()[0]) + ", not the recorded one");
    }
};

}  // namespace rmix

#endif
