// `counting FOLDER BATCH`: how often a step and a reset ask for memory, 1,000 of them, after one.
//
// Built with counting.map, so that the counts are of this program with the header in it; onnxruntime's library keeps to
// its own `new`.

#include "../../clients/cpp/rmix.hpp"

#include <cstdio>
#include <cstdlib>
#include <new>

namespace {
std::size_t allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* found = std::malloc(size ? size : 1)) return found;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* thing) noexcept { std::free(thing); }
[[gnu::noinline]] void operator delete(void* thing, std::size_t) noexcept { std::free(thing); }

int main(int count, char** given) {
    if (count != 3) return 2;
    rmix::Team team(given[1], static_cast<std::size_t>(std::atoi(given[2])), rmix::OnInvalid::returns);
    if (!allocations) return 3;  // nothing is counted
    for (std::size_t i = 0; i < team.size(); ++i)
        std::fill_n(team[i].avail_actions(), team[i].batch() * team[i].n_actions(), std::uint8_t{1});
    team.act();
    const std::size_t before = allocations;
    for (int step = 0; step < 1000; ++step) {
        team.act();
        team.reset();
    }
    std::printf("%zu\n", allocations - before);
    return 0;
}
