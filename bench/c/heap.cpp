// An object of 64 bytes is had from the heap, used, and given back, so often: three ways, as in the table of the pools. The compiler has
// to take it that the object is seen by somebody else, or it would leave the heap out altogether.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace {

constexpr std::size_t SIZE = 64;

inline void seen(void *object) {
    asm volatile("" : : "r"(object) : "memory");
}

inline std::uint64_t use(void *memory, std::uint64_t value) {
    auto *word = static_cast<std::uint64_t *>(memory);
    *word = value;
    seen(memory);
    return *word;
}

}  // namespace

extern "C" std::uint64_t heap_malloc(std::uint64_t objects) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < objects; i++) {
        void *memory = std::malloc(SIZE);
        if (memory == nullptr) std::abort();
        sum += use(memory, i);
        std::free(memory);
    }
    return sum;
}

extern "C" std::uint64_t heap_new(std::uint64_t objects) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < objects; i++) {
        char *memory = new char[SIZE];
        sum += use(memory, i);
        delete[] memory;
    }
    return sum;
}

extern "C" std::uint64_t heap_unique(std::uint64_t objects) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < objects; i++) {
        auto memory = std::make_unique<char[]>(SIZE);
        sum += use(memory.get(), i);
    }
    return sum;
}
