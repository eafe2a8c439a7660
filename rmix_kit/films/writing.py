"""A film as a file: a page, a GIF or a film, by the file's ending. Nothing is left half written."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from exporters.aside import folder_aside
from rmix_kit.errors import ConfigError, MissingExtraError
from rmix_kit.files.writing import write_file, writing
from rmix_kit.films.film import Film
from rmix_kit.films.page_file import page_of

FRAMES_PER_SECOND = MappingProxyType({"macn": 4, "battle": 8, "table": 4, "frames": 4})
"""By the kind of stage."""
LAST_SECONDS = 1.5  # the end of an episode stands for so long
COLOURS = 64  # of a GIF
LARGEST_MEBIBYTES = 512
"""Of the pictures of a GIF, which are in memory together."""


def check_target(path: Path) -> None:
    """Refuse a file that could not be written, before anything is played.

    Raises:
        ConfigError: Its ending names no format, or it has no folder to lie in.
        MissingExtraError: What writes the format is not installed.
    """
    if path.suffix.lower() not in WRITERS:
        raise ConfigError(f"{path} ends with {path.suffix!r}; expected one of {', '.join(WRITERS)}")
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigError(f"{path} cannot be written: {_obstacle(path)}")
    for name in _NEEDS.get(path.suffix.lower(), ()):
        _import(name, path.suffix.lower())


def write(film: Film, path: Path) -> int:
    """Write a film; an existing file is replaced once the new one is whole.

    Args:
        path: Where to; its ending is one of `WRITERS`.

    Returns:
        The file's size in bytes.

    Raises:
        ConfigError: The ending is another, there is no such folder, or a GIF would be too large.
        MissingExtraError: What writes the format is not installed.
        RunFolderError: The file system refuses.
    """
    check_target(path)
    with writing(str(path), "nothing was changed; write it elsewhere"):
        WRITERS[path.suffix.lower()](film, path)
    return path.stat().st_size


def _write_page(film: Film, path: Path) -> None:
    write_file(path, page_of(film).encode("utf-8"))


def _write_gif(film: Film, path: Path) -> None:
    from PIL.Image import Quantize

    from rmix_kit.films.frames import HEIGHT, WIDTH, frames_of

    count = film.steps + len(film.episodes)
    if (size := count * WIDTH * HEIGHT / 2**20) > LARGEST_MEBIBYTES:
        raise ConfigError(
            f"a GIF of {count} pictures takes {size:.0f} MiB; play fewer episodes, or write .html or .mp4"
        )
    pictures = [frame.quantize(COLOURS, method=Quantize.FASTOCTREE) for frame in frames_of(film)]
    buffer = io.BytesIO()
    durations = [1000 * repeats // _rate(film) for repeats in _repeats(film)]  # milliseconds
    pictures[0].save(
        buffer, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
    )
    write_file(path, buffer.getvalue())


def _write_video(film: Film, path: Path) -> None:
    import imageio_ffmpeg

    from rmix_kit.films.frames import HEIGHT, WIDTH, frames_of

    # A folder: where this process is stopped while ffmpeg starts, nothing of ffmpeg's can come back.
    with folder_aside(path) as folder:
        video = folder / "film.mp4"
        writer = imageio_ffmpeg.write_frames(
            str(video),
            (WIDTH, HEIGHT),
            fps=_rate(film),
            codec="libx264",
            quality=7,
            macro_block_size=4,
            ffmpeg_log_level="error",
        )
        with closing(writer):
            writer.send(None)
            for frame, repeats in zip(frames_of(film), _repeats(film), strict=True):
                for _ in range(repeats):
                    writer.send(frame.tobytes())
        os.replace(video, path)


def _rate(film: Film) -> int:
    return FRAMES_PER_SECOND[film.stage["kind"]]


def _repeats(film: Film) -> list[int]:
    """Return for how many pictures' time each picture stands."""
    last = max(1, round(LAST_SECONDS * _rate(film)))
    return [count for episode in film.episodes for count in [*[1] * episode.length, last]]


def _import(name: str, suffix: str) -> None:
    import importlib

    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        library = {"PIL": "pillow", "imageio_ffmpeg": "imageio-ffmpeg"}[name]
        raise MissingExtraError(
            f"{suffix} files need {library}; install it with: pip install 'rmix-kit[render]', or write .html"
        ) from error


def _obstacle(path: Path) -> str:
    return "it is a folder" if path.is_dir() else f"there is no folder {path.parent}"


WRITERS: Mapping[str, Callable[[Film, Path], None]] = MappingProxyType(
    {".html": _write_page, ".gif": _write_gif, ".mp4": _write_video}
)
"""By the file's ending."""
_NEEDS = MappingProxyType({".gif": ("PIL",), ".mp4": ("PIL", "imageio_ffmpeg")})
