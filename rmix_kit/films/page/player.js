// Where the film stands: episode and step, moved by hand, by the clock, by the keyboard and by the address.
function makePlayer(film, draw) {
  const at = { episode: 0, step: 0, agent: 0, ranges: false };
  let timer = null;
  let speed = 4;

  const episode = () => film.episodes[at.episode];
  const player = {
    at,
    get isPlaying() { return timer !== null; },
    seek(step) {
      at.step = Math.max(0, Math.min(episode().length, Math.round(step)));
      draw(false);
    },
    by(steps) { player.seek(at.step + steps); },
    open(number, step = 0) {
      at.episode = Math.max(0, Math.min(film.episodes.length - 1, number));
      at.step = Math.max(0, Math.min(episode().length, step));
      draw(true);
    },
    select(agent) {
      at.agent = agent;
      draw(false);
    },
    setSpeed(perSecond) {
      speed = perSecond;
      if (timer !== null) start();
    },
    pause() {
      clearInterval(timer);
      timer = null;
      draw(false);
    },
    toggle() {
      if (timer !== null) {
        player.pause();
        return;
      }
      if (at.step === episode().length) at.step = 0;
      start();
      draw(false);
    },
  };

  function start() {
    clearInterval(timer);
    timer = setInterval(() => {
      if (at.step >= episode().length) player.pause();
      else player.by(1);
    }, 1000 / speed);
  }
  return player;
}

// #episode=2&step=37, both as they stand on the page: episodes count from 1, step 0 is the start.
function addressOf({ episode, step }) {
  return `#episode=${episode + 1}&step=${step}`;
}

function followAddress(player) {
  const wanted = new URLSearchParams(window.location.hash.slice(1));
  const number = (key, otherwise) => {
    const value = Number.parseInt(wanted.get(key) ?? "", 10);
    return Number.isNaN(value) ? otherwise : value;
  };
  player.open(number("episode", 1) - 1, number("step", 0));
}

const KEYS = {
  ArrowLeft: (player, isFar) => player.by(isFar ? -10 : -1),
  ArrowRight: (player, isFar) => player.by(isFar ? 10 : 1),
  Home: (player) => player.seek(0),
  End: (player) => player.seek(Infinity),
  "[": (player) => player.open(player.at.episode - 1),
  "]": (player) => player.open(player.at.episode + 1),
  " ": (player) => player.toggle(),
};

function listenToKeys(player) {
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const isMenu = target instanceof HTMLSelectElement;
    const isPressable = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement || target.type === "checkbox";
    if (event.ctrlKey || event.metaKey || event.altKey || isMenu || (event.key === " " && isPressable)) return;
    const act = KEYS[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act(player, event.shiftKey);
  });
}
