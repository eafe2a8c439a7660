"""The packages that StarCraft needs, as smac's interpreter has them."""

from __future__ import annotations

import re
import shlex
from typing import Any

from rmix_kit.doctor.finding import Finding

SMAC_SOURCE = "git+https://github.com/oxwhirl/smac.git"
SMACV2_SOURCE = "git+https://github.com/oxwhirl/smacv2.git"
PYSC2 = "pysc2==4.0.0"
SUPPORT = {"absl": "absl-py", "portpicker": "portpicker", "websocket": "websocket-client", "numpy": "numpy"}
"""Modules that pysc2 and smac import, with the distributions that bring them."""


def examine_packages(report: dict[str, Any]) -> list[Finding]:
    """Judge the probe's report.

    Args:
        report: What `rmix_kit.doctor.starcraft.probe` printed.

    Returns:
        Findings; what is missing is ``absent``.
    """
    return [_smac(report), _smacv2(report), _pysc2(report), _protocol(report), _protobuf(report), _support(report)]


def has_starcraft_package(report: dict[str, Any]) -> bool:
    """Whether smac or smacv2 of StarCraft is installed."""
    return report["smac"] == "starcraft" or bool(report["smacv2"])


def install_line(report: dict[str, Any]) -> str:
    """Return the line that installs smac beside onnx; for a Python too old for that, with smac's own pins."""
    pip = _pip(report)
    if _is_old(report):
        return f"{pip} install {SMAC_SOURCE}"
    support = " ".join(SUPPORT.values())
    return f"{pip} install pys2clientprotocol {support} && {pip} install --no-deps {SMAC_SOURCE} {PYSC2}"


def _is_old(report: dict[str, Any]) -> bool:
    """Whether the interpreter is too old for the protobuf that pys2clientprotocol needs."""
    return _numbers(report["python"]) < (3, 9)


def _matching(report: dict[str, Any]) -> str:
    """Return the line that installs messages and a protobuf that fit each other."""
    pair = "s2clientprotocol 'protobuf<3.21'" if _is_old(report) else "pys2clientprotocol 'protobuf>=6.31.1'"
    return f"{_pip(report)} install -U {pair}"


def _pip(report: dict[str, Any]) -> str:
    return f"{shlex.quote(report['executable'])} -m pip"


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version or "")[:3])


def _smac(report: dict[str, Any]) -> Finding:
    version = report["versions"]["smac"] or "of unknown version"
    if report["smac"] == "starcraft":
        return Finding(name="smac", status="ok", found=f"StarCraft's smac {version}")
    if report["smac"] == "none":
        return Finding(name="smac", status="absent", found="not installed", fix=install_line(report))
    fix = f"{_pip(report)} uninstall -y smac && {install_line(report)}"
    if report["smac"] == "smac3":
        found = (
            f"smac {version} is SMAC3, a hyper-parameter optimiser of the same name; "
            "StarCraft's smac is on no package index"
        )
    else:
        found = f"a package named smac ({version}) without smac.env.starcraft2: not StarCraft's, or half removed"
    return Finding(name="smac", status="warning", found=found, fix=fix)


def _smacv2(report: dict[str, Any]) -> Finding:
    if report["smacv2"]:
        version = report["versions"]["smacv2"] or "of unknown version"
        return Finding(name="smacv2", status="ok", found=f"smacv2 {version}")
    fix = f"{_pip(report)} install --no-deps {SMACV2_SOURCE}"
    return Finding(name="smacv2", status="absent", found="not installed; only maps of SMACv2 need it", fix=fix)


def _pysc2(report: dict[str, Any]) -> Finding:
    if report["modules"]["pysc2"]:
        return Finding(name="pysc2", status="ok", found=f"pysc2 {report['versions']['pysc2'] or 'of unknown version'}")
    fix = f"{_pip(report)} install --no-deps {PYSC2}"
    return Finding(name="pysc2", status="absent", found="not installed", fix=fix)


def _protocol(report: dict[str, Any]) -> Finding:
    name, flavour, versions = "s2clientprotocol", report["protocol"], report["versions"]
    brought_by = [
        f"{distribution} {versions[distribution]}"
        for distribution in ("s2clientprotocol", "pys2clientprotocol")
        if versions[distribution]
    ]
    origin = " and ".join(brought_by) or "of unknown origin"
    renew = f"{_pip(report)} install --force-reinstall --no-deps pys2clientprotocol"
    replace = f"{_pip(report)} uninstall -y s2clientprotocol && {renew}"
    if _is_old(report):
        renew = replace = _matching(report)
    if flavour == "none":
        return Finding(name=name, status="absent", found="not installed", fix=_matching(report))
    if flavour == "stripped":
        found = f"{origin} has lost its modules: two distributions share them, and one was uninstalled"
        return Finding(name=name, status="problem", found=found, fix=renew)
    protobuf = _numbers(versions["protobuf"])
    if flavour == "descriptors" and protobuf >= (4,):
        found = f"{origin}: generated in the old way, which protobuf {versions['protobuf']} refuses"
        if report["forced_protobuf"] == "python":
            found += ", were it not for PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=python: about half the speed"
            return Finding(name=name, status="warning", found=found, fix=replace)
        found += " (TypeError: Descriptors cannot be created directly)"
        return Finding(name=name, status="problem", found=found, fix=replace)
    made_by = report["protocol_made_by"]
    if flavour == "checked" and protobuf and protobuf < _numbers(made_by):
        found = f"{origin} needs protobuf {made_by} or newer, and {versions['protobuf']} is installed"
        return Finding(name=name, status="problem", found=found, fix=_matching(report))
    if len(brought_by) == 2:
        found = f"{origin} share their files: it works, and uninstalling either breaks the other"
        return Finding(name=name, status="warning", found=found, fix=replace)
    return Finding(name=name, status="ok", found=origin)


def _protobuf(report: dict[str, Any]) -> Finding:
    name, versions = "protobuf", report["versions"]
    installed = versions["protobuf"]
    if not installed:
        return Finding(name=name, status="absent", found="not installed", fix=_matching(report))
    wanted = re.search(r">=\s*([\d.]+)", report["onnx_needs"])
    if wanted and _numbers(installed) < _numbers(wanted[1]):
        found = (
            f"protobuf {installed}, but onnx {versions['onnx']} of the same interpreter needs {wanted[1]}: onnx fails"
        )
        fix = f"{_pip(report)} install -U 'protobuf>={wanted[1]}' pys2clientprotocol"
        return Finding(name=name, status="problem", found=found, fix=fix)
    if not report["fast_protobuf"] or report["forced_protobuf"] == "python":
        found = f"protobuf {installed} in pure Python: about half as many steps per second"
        fix = "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"
        if not report["fast_protobuf"]:
            fix = _matching(report)
        return Finding(name=name, status="warning", found=found, fix=fix)
    return Finding(name=name, status="ok", found=f"protobuf {installed}, compiled")


def _support(report: dict[str, Any]) -> Finding:
    missing = [distribution for module, distribution in SUPPORT.items() if not report["modules"][module]]
    if missing:
        fix = f"{_pip(report)} install {' '.join(missing)}"
        return Finding(name="other packages", status="absent", found=f"not installed: {', '.join(missing)}", fix=fix)
    present = ", ".join(f"{name} {report['versions'][name] or ''}".strip() for name in SUPPORT.values())
    return Finding(name="other packages", status="ok", found=present)
