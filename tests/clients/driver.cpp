// `driver FOLDER check|play BATCH throw|return`; see tests/clients/scenario.py.

#include "../../clients/cpp/rmix.hpp"

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace {

template <typename T>
bool take(T* begin, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        std::string word;
        if (!(std::cin >> word)) return false;
        begin[i] = static_cast<T>(std::strtod(word.c_str(), nullptr));
    }
    return true;
}

void take_obs(rmix::Agent& agent) {
    const std::size_t count = agent.batch() * agent.obs_size();
    if (agent.obs_type() == "float32") take(agent.obs<float>(), count);
    else take(agent.obs<std::int8_t>(), count);
}

void play(rmix::Team& team, std::size_t batch) {
    std::vector<std::vector<std::int64_t>> done(team.size(), std::vector<std::int64_t>(batch));
    std::vector<std::uint8_t> ended(batch);
    std::vector<float> unused(batch);
    while (std::cin >> std::ws && !std::cin.eof()) {
        for (std::size_t i = 0; i < team.size(); ++i) {
            rmix::Agent& agent = team[i];
            take_obs(agent);
            take(agent.avail_actions(), batch * agent.n_actions());
            take(agent.has_dial() ? agent.risk_level() : unused.data(), batch);
            take(done[i].data(), batch);
        }
        take(ended.data(), batch);
        try {
            team.act();
        } catch (const rmix::RefusedError&) {
            std::puts("RefusedError");
            continue;
        }
        for (std::size_t i = 0; i < team.size(); ++i) {
            rmix::Agent& agent = team[i];
            for (std::size_t row = 0; row < batch; ++row) std::printf("%lld ", static_cast<long long>(agent.action()[row]));
            for (std::size_t row = 0; row < batch; ++row) std::printf("%d ", agent.valid()[row]);
            for (std::size_t k = 0; k < batch * agent.n_actions(); ++k) std::printf("%.9g ", static_cast<double>(agent.action_values()[k]));
            if (agent.has_dial())
                for (std::size_t row = 0; row < batch; ++row) std::printf("%.9g ", static_cast<double>(agent.risk_level_used()[row]));
            std::puts("");
            if (agent.remembers_actions()) agent.executed(done[i].data());
        }
        team.reset(ended.data());
    }
}

}  // namespace

int main(int count, char** given) {
    if (count != 5) return 2;
    const std::string mode = given[2];
    const auto batch = static_cast<std::size_t>(std::atoi(given[3]));
    const auto on_invalid = std::string(given[4]) == "throw" ? rmix::OnInvalid::throws : rmix::OnInvalid::returns;
    if (mode == "check") std::setlocale(LC_ALL, "");  // as a program with windows does
    try {
        rmix::Team team(given[1], batch, on_invalid);
        if (mode == "check")
            for (const auto& [agent, checked] : team.check()) std::printf("%s %zu\n", agent.c_str(), checked.steps);
        else play(team, batch);
    } catch (const rmix::BundleError& error) {
        std::printf("BundleError: %s\n", error.what());
    } catch (const rmix::InputError& error) {
        std::printf("InputError: %s\n", error.what());
    }
    return 0;
}
