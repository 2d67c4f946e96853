"""The ten sets of drawings that the embedded data set is built from: pinned packages, domains, licences."""

import base64
import hashlib
import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOP, USER = "shop", "user"

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense,
and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so,
subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN
NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY,
WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""

NOTICES = {
    "noto": "Copyright Google Inc.",
    "noto-v1": "Copyright Google Inc.",
    "fluent-emoji": "MIT License\n\nCopyright (c) Microsoft Corporation.\n\n" + MIT,
    "fluent-emoji-flat": "MIT License\n\nCopyright (c) Microsoft Corporation.\n\n" + MIT,
    "twemoji": "Graphics by Twitter, Inc and other contributors, licensed under CC-BY 4.0.",
    "openmoji": "All emojis designed by OpenMoji (https://openmoji.org/), the open-source emoji and icon\n"
    "project. License: CC BY-SA 4.0.",
    "emojione": "Emoji artwork is provided by Emojitwo (https://github.com/EmojiTwo/emojitwo), originally\n"
    "released as Emojione 2.2 by Ranks.com (https://www.emojione.com), with contributions from the\n"
    "Emojitwo community, and is licensed under CC-BY 4.0.",
    "emojione-v1": "Emoji art by Emoji One (https://github.com/joypixels/emojione-legacy), version 1.",
    "fxemoji": "Copyright 2015, Mozilla Foundation. The package states Apache-2.0; the project's own\n"
    "LICENSE.md (https://mozilla.github.io/fxemoji/LICENSE.md) puts the code under Apache-2.0 and the\n"
    "visual design under CC-BY-4.0 (https://creativecommons.org/licenses/by/4.0/). Both are kept to here.",
    "streamline-emojis": "Emojis by Streamline (https://github.com/webalys-hq/streamline-vectors).",
}


@dataclass(frozen=True)
class Source:
    """One package: `vendor` is its name in the scope @iconify-json and the name of its folder here."""

    vendor: str
    domain: str
    version: str
    integrity: str

    @property
    def package(self) -> str:
        return f"@iconify-json/{self.vendor}"


# fmt: off
SOURCES = (
    Source("noto", SHOP, "1.2.9", "sha512-DQiuXENbun41ch+XPSV55H9FaWKpHTyz46YIKtSaKYD4fIDDzL1tR6H4np/T38jfrTAeI3rcKF0mqHYeZVAuaw=="),  # noqa: E501
    Source("noto-v1", SHOP, "1.2.5", "sha512-/DsVMius69Q0fRS53z7QK1TROSuar606jiIx+laXtdsYGMXpf6LtHBx6CGfoo3UHHb/XpBsw+1L1x3eyPqMuVA=="),  # noqa: E501
    Source("fluent-emoji", SHOP, "1.2.7", "sha512-D8G6bKAyIsyxP1rzZtIWr/gg/fO4Rg1+DyCWlfqKK4h8W+4Em/Y0P6QYgJUQTlUcagzJvSyg+9OBv4hz4Hc/QA=="),  # noqa: E501
    Source("fluent-emoji-flat", SHOP, "1.2.6", "sha512-RY47RgPb47fYUiyrA64sIOL0+UU02s29sXpNBbIQRBUlPlfNFTKUmZDERGuxDs/7yNGWqQYvuaSYM1M4fRXlUw=="),  # noqa: E501
    Source("twemoji", USER, "1.2.5", "sha512-uKpuIEV0v6K5BW3Mjdyl+XKFVAbbcPxAgifKvEMtZoUZB5+YiY5zaMm2uNNCxyXzAWU9yNLlj41WU6/mvgALsw=="),  # noqa: E501
    Source("openmoji", USER, "1.2.29", "sha512-vXdhkqcXVSO6suy+m9LbcUM3OdVyuNOtpV8/als/WqfkQIRxevL5Geb/g+6GH/Qwnq1OqksEmaDGTCmZ5nFKJQ=="),  # noqa: E501
    Source("emojione", USER, "1.2.3", "sha512-T9+T3HIbJNLKKsmxYKlaYhvnHYkz/HNYTV7SHCXVZPfeUi4FqskY70YeN8yYAZT8cCv7w5vJxS4Q1m8zb9CMMg=="),  # noqa: E501
    Source("emojione-v1", USER, "1.2.3", "sha512-UjI2VQEXVtGlPBvQuxEizro7QCgBcJDOYwKUupquvvZ8UV4xOlvm45IU82JYWegiAWLerY79gFLMZ26U6Ms+ww=="),  # noqa: E501
    Source("fxemoji", USER, "1.2.2", "sha512-UAasRaxzFUKfIGSmLwnoarsssA4LX0VLLuEmplIqM6ZNQqIQRtav8tZ4H1neTlBreXuMQyAifr5jP4kn78DpiQ=="),  # noqa: E501
    Source("streamline-emojis", USER, "1.2.4", "sha512-iNr9T9XuZVTyQPJO8ZlLxBzPkpi7qMl+z1l0C31vpEMqhPMelth3n7CeWQYtixdetDPdI81yeG4ROqjWpYJE6A=="),  # noqa: E501
)
# fmt: on


def download(source: Source, folder: Path) -> Path:
    """The package's archive, fetched by `npm pack` unless `folder` holds it already; its hash is checked."""
    archive = folder / f"iconify-json-{source.vendor}-{source.version}.tgz"
    if not archive.exists():
        wanted = f"{source.package}@{source.version}"
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(folder), wanted], check=True)
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != source.integrity:
        raise SystemExit(f"{archive}: integrity is {found}, expected {source.integrity}")
    return archive


def member(archive: Path, name: str) -> Any:
    """One JSON file of a package's archive, parsed."""
    with tarfile.open(archive) as tar:
        handle = tar.extractfile(f"package/{name}")
        if handle is None:
            raise SystemExit(f"{archive}: no file {name}")
        return json.load(handle)


def licence(source: Source, info: dict[str, Any]) -> str:
    """The text of one vendor's LICENSE.txt; `info` is the package's info.json."""
    spdx, author = info["license"]["spdx"], info["author"]
    share = "These images are adapted from that work and stay under that same licence.\n\n" if "-SA-" in spdx else ""
    full = "The full text of Apache-2.0 is the file LICENSE at the top of this project.\n\n" if "Apache" in spdx else ""
    return f"""\
The images in this folder are drawn after "{info["name"]}".

Licence:      {spdx} ({info["license"]["url"]})
Author:       {author["name"]}
Source:       {author["url"]}
Taken from:   npm package {source.package}, version {source.version}
Changes made: rendered at 64x64 pixels on white, joined into strips, recompressed as JPEG.

{share}{full}{NOTICES[source.vendor]}
"""
