// `check FOLDER [STEPS]` repeats the golden steps of an exported folder and, with STEPS, times steps of the whole team.

#include "rmix.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

double median_step(rmix::Team& team, int steps) {
    for (std::size_t i = 0; i < team.size(); ++i)
        std::fill_n(team[i].avail_actions(), team[i].n_actions(), std::uint8_t{1});
    std::vector<double> seconds(static_cast<std::size_t>(steps));
    for (double& second : seconds) {
        const auto begin = std::chrono::steady_clock::now();
        team.act();
        second = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    std::nth_element(seconds.begin(), seconds.begin() + steps / 2, seconds.end());
    return seconds[static_cast<std::size_t>(steps / 2)];
}

}  // namespace

int main(int count, char** given) {
    if (count < 2) return std::fprintf(stderr, "usage: check FOLDER [STEPS]\n"), 2;
    try {
        rmix::Team team(given[1], 1, rmix::OnInvalid::returns);
        for (const auto& [agent, checked] : team.check()) std::printf("%s: %zu golden steps, at most %.1e off\n", agent.c_str(), checked.steps, checked.largest);
        if (count > 2) std::printf("median step: %.9f s\n", median_step(team, std::max(1, std::atoi(given[2]))));
    } catch (const rmix::Error& error) {
        return std::fprintf(stderr, "%s\n", error.what()), 1;
    }
    return 0;
}
