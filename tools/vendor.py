"""Takes the listed files out of npm packages, changes them as the list says, and writes their sums beside them.

`python tools/vendor.py` fetches anew; `--check` only compares what is there with the list, without a network.
"""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LIST = ROOT / "handoff" / "console" / "static" / "vendor" / "vendor.toml"
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "README.md")
"""Where a package says its licence, best first; some say it only at the end of their README."""


@dataclass(frozen=True, slots=True)
class Vendored:
    """One file taken from a package; `drop` and `swap` are regular expressions."""

    package: str
    version: str
    licence: str
    source: str
    file: str
    sha256: str
    drop: tuple[str, ...] = ()
    swap: tuple[tuple[str, str], ...] = ()

    def changed(self, original: str) -> str:
        for pattern in self.drop:
            original = re.sub(pattern, "", original)
        for pattern, instead in self.swap:
            original = re.sub(pattern, instead, original)
        return original


def listed(path: Path = LIST) -> tuple[Vendored, ...]:
    return tuple(map(_entry, tomllib.loads(path.read_text())["file"]))


def differences(path: Path = LIST) -> tuple[str, ...]:
    """What is there and is not what the list says."""
    return tuple(
        f"{each.file}: its sum is not the one in {path.name}"
        for each in listed(path)
        if not (path.parent / each.file).exists() or _sum((path.parent / each.file).read_bytes()) != each.sha256
    )


def fetch(path: Path = LIST) -> None:
    text = path.read_text()
    for each in listed(path):
        package = _packed(each)
        content = each.changed(_member(package, each.source)).encode()
        (path.parent / each.file).write_bytes(content)
        (path.parent / f"{each.package}.licence.txt").write_text(_licence(package, each))
        text = text.replace(f'sha256 = "{each.sha256}"', f'sha256 = "{_sum(content)}"', 1)
        path.write_text(text)


def _packed(each: Vendored) -> tarfile.TarFile:
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{each.package}@{each.version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - names from our own list
        return tarfile.open(fileobj=io.BytesIO(next(Path(folder).glob("*.tgz")).read_bytes()))


def _member(package: tarfile.TarFile, name: str) -> str:
    found = package.extractfile(f"package/{name}")
    if found is None:
        raise FileNotFoundError(name)
    return found.read().decode()


def _licence(package: tarfile.TarFile, each: Vendored) -> str:
    names = {name.removeprefix("package/") for name in package.getnames()}
    found = next((name for name in LICENCES if name in names), None)
    head = f"{each.package} {each.version}, {each.licence}. From the package's {found}:\n\n"
    if found != "README.md":
        return head + (_member(package, found) if found else "")
    return head + _section(_member(package, found), "Licen[cs]e")


def _section(readme: str, heading: str) -> str:
    found = re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", readme, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() + "\n" if found else ""


def _entry(entry: dict[str, Any]) -> Vendored:
    drop, swap = tuple(entry.pop("drop", ())), tuple((a, b) for a, b in entry.pop("swap", ()))
    return Vendored(**entry, drop=drop, swap=swap)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(arguments: list[str]) -> int:
    if arguments == ["--check"]:
        sys.stdout.writelines(f"{line}\n" for line in differences())
        return 1 if differences() else 0
    fetch()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
