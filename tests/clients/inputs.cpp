// `inputs FOLDER`: a line for each call that does not fit the two agents, and whether a good step is as it was without.

#include "../../clients/cpp/rmix.hpp"

#include <cstdio>

namespace {

template <typename Call>
void say(Call call) {
    try {
        call();
        std::puts("nothing");
    } catch (const rmix::InputError& error) {
        std::printf("InputError: %s\n", error.what());
    }
}

std::vector<float> values_after_a_step(rmix::Team& team) {
    std::vector<float> found;
    for (std::size_t i = 0; i < team.size(); ++i) {
        std::fill_n(team[i].obs<float>(), team[i].obs_size(), 0.25f);
        std::fill_n(team[i].avail_actions(), team[i].n_actions(), std::uint8_t{1});
    }
    team.act();
    for (std::size_t i = 0; i < team.size(); ++i)
        found.insert(found.end(), team[i].action_values(), team[i].action_values() + team[i].n_actions());
    return found;
}

}  // namespace

int main(int count, char** given) {
    if (count != 2) return 2;
    rmix::Team team(given[1]), twin(given[1]);
    rmix::Agent &scout = team.agent("scout"), &tank = team.agent("tank");
    values_after_a_step(team);
    values_after_a_step(twin);
    const std::int64_t wrong = 3;
    say([&] { scout.obs<std::int32_t>(); });
    say([&] { scout.obs<double>(); });
    say([&] { team.agent("medic"); });
    say([&] { tank.risk_level(); });
    say([&] { tank.executed(&wrong); });
    say([&] { tank.avail_actions()[2] = 255, team.act(); });
    say([&] { rmix::Team(given[1], 0); });
    std::puts(values_after_a_step(team) == values_after_a_step(twin) ? "same" : "moved");
    return 0;
}
